"""PiSSA and OLoRA: LoRA begins with the largest parts of the weights, not with nothing.

As published, these parts are taken out of the weights, and the adapter fits nothing but the changed weights. Here the
weights stay as they are: a second, frozen adapter takes the first parts away again. What is trained is the same,
and both together are one adapter of twice the rank that fits the model as it was. A checkpoint needs no more.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import torch

from iepile.errors import InputError
from iepile.models.adapters import ADAPTER_FILE, CONFIG_FILE

FROZEN = "beginning"
"""Name of the frozen adapter."""


def takes_parts(kind: str) -> bool:
    """Whether an `init_lora_weights` begins with parts of the weights."""
    return kind == "olora" or kind.startswith("pissa")


def begin(model: Any, kind: str) -> None:
    """Set the new adapter of a peft model to the parts of the weights, and freeze the same parts with minus.

    Raises:
        InputError: the layers cannot be taken apart.
    """
    frozen = {}
    for name, layer in _layers(model):
        if "default" not in layer.lora_A:
            raise InputError(f"layer {name} is no linear layer", field="lora_target_modules",
                             fix="leave it out, or use init_lora_weights default")
        weight = layer.get_base_layer().weight
        kept, shapes = weight.data, [_matrix(layer, side, "default").shape for side in "AB"]
        weight.data = kept.clone()
        if kind == "olora":
            layer.olora_init("default")
        else:
            layer.pissa_init("default", kind)
        weight.data = kept
        if shapes != [_matrix(layer, side, "default").shape for side in "AB"]:
            raise InputError(f"layer {name} cannot be taken apart this way", field="init_lora_weights",
                             fix="use pissa or default, or a smaller lora_r")
        for side, sign in (("A", 1), ("B", -1)):
            matrix = _matrix(layer, side, "default")
            matrix.data = matrix.data.contiguous()
            frozen[name, side] = sign * matrix.data
    _freeze(model, frozen)


def resume(model: Any, folder: Path) -> None:
    """Set both adapters of a peft model to what `save` wrote."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    weights = load_file(folder / ADAPTER_FILE)
    frozen, trained = {}, {}
    for key, value in weights.items():
        side = _side(key)
        trained[key] = value
        if side:
            one, other = value.chunk(2, 0 if side == "A" else 1)
            trained[key], frozen[key.split(".lora_")[0], side] = one.contiguous(), other.contiguous()
    set_peft_model_state_dict(model, trained)
    _freeze(model, frozen)


def save(model: Any, folder: Path) -> None:
    """Write both adapters as one of twice the rank."""
    from safetensors.torch import load_file, save_file

    model.save_pretrained(folder, selected_adapters=["default"], save_embedding_layers=False)
    weights, layers = load_file(folder / ADAPTER_FILE), dict(_layers(model))
    for key, value in weights.items():
        if side := _side(key):
            other = _matrix(layers[key.split(".lora_")[0]], side, FROZEN).detach().to(value)
            weights[key] = torch.cat([value, other], 0 if side == "A" else 1)
    save_file(weights, folder / ADAPTER_FILE, metadata={"format": "pt"})
    path = folder / CONFIG_FILE
    settings = json.loads(path.read_text("utf-8"))
    # The scale stays what it was: alpha / r, or alpha / sqrt(r) with rsLoRA.
    settings["lora_alpha"] *= math.sqrt(2) if settings.get("use_rslora") else 2
    settings |= {"r": 2 * settings["r"], "init_lora_weights": True}
    path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", "utf-8")


def _freeze(model: Any, matrices: dict[tuple[str, str], Any]) -> None:
    from dataclasses import replace

    own = model.peft_config["default"]
    model.add_adapter(FROZEN, replace(own, lora_dropout=0.0, init_lora_weights=True, modules_to_save=None))
    for name, layer in _layers(model):
        for side in "AB":
            _matrix(layer, side, FROZEN).data.copy_(matrices[name, side])
    model.base_model.set_adapter(["default", FROZEN])
    for _, layer in _layers(model):
        for side in "AB":
            _matrix(layer, side, FROZEN).requires_grad_(False)


def _layers(model: Any) -> list[tuple[str, Any]]:
    """(name, layer) of the LoRA layers."""
    from peft.tuners.lora import LoraLayer

    return [(n, m) for n, m in model.named_modules() if isinstance(m, LoraLayer)]


def _matrix(layer: Any, side: str, adapter: str) -> Any:
    return getattr(layer, f"lora_{side}")[adapter].weight


def _side(key: str) -> str:
    """`A` or `B` of a LoRA matrix by its name in a file; empty: something else."""
    found = re.search(r"\.lora_([AB])\.weight$", key)
    return found.group(1) if found else ""
