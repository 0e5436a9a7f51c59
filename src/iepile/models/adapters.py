"""Adapters: where they lie, which model they belong to, and whether they fit the one at hand."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from iepile.errors import InputError, MissingDependency
from iepile.models.card import ModelCard, model_folder
from iepile.models.hub import local_only
from iepile.models.prompt_vectors import count_places
from iepile.models.vendor import vendor_errors
from iepile.models.weights import read_header

CONFIG_FILE = "adapter_config.json"
ADAPTER_FILE = "adapter_model.safetensors"
MERGED = "merged_base"
"""Folder in the output of a run for a base model that adapters were merged into before it."""

logger = logging.getLogger(__name__)


def adapter_folder(name: str, revision: str = "main", cache_dir: str = "") -> Path:
    """Local folder of an adapter, fetched from the hub if need be, with safetensors weights.

    Raises:
        InputError: it is no adapter, or its weights are not safetensors.
    """
    folder = model_folder(name)
    if folder is None:
        with vendor_errors(name):
            from huggingface_hub import snapshot_download

            folder = Path(snapshot_download(
                name, revision=revision, local_files_only=local_only(name, CONFIG_FILE, cache_dir),
                allow_patterns=["*.json", ADAPTER_FILE, "*.model", "*.jinja", "*.txt"], cache_dir=cache_dir or None,
            ))
    if not (folder / CONFIG_FILE).is_file():
        raise InputError(f"not an adapter: there is no {CONFIG_FILE}", file=folder, field="adapter")
    if not (folder / ADAPTER_FILE).is_file():
        raise InputError("the adapter holds no weights in safetensors form", file=folder, expected=ADAPTER_FILE,
                         fix="convert them where you trust them: pickled adapters are not read")
    return folder


def base_of(adapter: Path, card: ModelCard | None) -> str:
    """The model an adapter belongs to, as its card or itself says.

    Raises:
        InputError: it does not say, or the folder it names is gone.
    """
    base = (card.base_model if card else "") or _config(adapter).get("base_model_name_or_path")
    if not base:
        raise InputError("the adapter does not say which model it belongs to", file=adapter,
                         fix="name the base model as the model and this folder as the adapter")
    places = [Path(base), adapter / base]
    if places[0].name == MERGED:
        places.append(adapter.parent / MERGED)  # the run was moved
    for place in places:
        if (place / "config.json").is_file():
            return str(place)
    if Path(base).is_absolute():
        raise InputError(f"the base model of this adapter is gone: {base}", file=adapter,
                         fix="name the base model as the model and this folder as the adapter")
    return str(base)


def adapter_kind(adapter: Path) -> str:
    """What peft calls the sort of an adapter: `LORA`, `PREFIX_TUNING`, ...

    Raises:
        InputError: it is no adapter.
    """
    return str(_config(adapter).get("peft_type") or "")


def put_adapter(model: Any, adapter: Path, base: str, trainable: bool = False) -> Any:
    """The model with an adapter on it.

    Args:
        base: name of the model, to say when it is not the one the adapter was made for.
        trainable: leave the adapter open to training.

    Raises:
        InputError: the adapter belongs to another model.
    """
    try:
        from peft import PeftModel
    except ImportError:
        raise MissingDependency("peft", "train", "an adapter") from None
    named = str(_config(adapter).get("base_model_name_or_path") or "")
    if wrong := misfits(model, adapter):
        raise InputError(
            f"the adapter does not fit the model: {wrong[0]}" + (f" ({len(wrong)} such layers)" if wrong[1:] else ""),
            file=adapter, field="adapter", expected=f"an adapter of {base}",
            fix=f"name the model it was trained on: {named}" if named else "name the model the adapter was trained on",
        )
    if named and Path(base).name not in (Path(named).name, MERGED):
        logger.warning("%s: the adapter was made for %s, and is put on %s", adapter, named, base)
    try:
        return count_places(PeftModel.from_pretrained(model, adapter, is_trainable=trainable))
    except (ValueError, RuntimeError, KeyError) as e:
        raise InputError(f"the adapter does not fit the model: {str(e).strip().splitlines()[0][:300]}", file=adapter,
                         field="adapter", fix="name the model the adapter was trained on") from e


def misfits(model: Any, adapter: Path) -> list[str]:
    """What is wrong where an adapter's LoRA matrices have no layer of their size in the model; empty: nothing.

    Raises:
        InputError: the adapter's file is damaged.
    """
    modules = dict(model.named_modules())
    wrong: list[str] = []
    for name, (_, shape) in sorted(read_header(adapter / ADAPTER_FILE).items()):
        layer, mark, side = name.removeprefix("base_model.model.").partition(".lora_")
        if not mark or side not in ("A.weight", "B.weight") or len(shape) != 2:
            continue
        layer = layer.removesuffix(".base_layer")  # so peft names experts that are one tensor
        if layer not in modules:
            wrong.append(f"the model has no layer {layer}")
            continue
        sizes = _sizes(modules[layer])
        have, want = (shape[1], sizes[0]) if side.startswith("A") else (shape[0], sizes[1])
        if want is not None and have != want:
            wrong.append(f"layer {layer} has {want} {'inputs' if side.startswith('A') else 'outputs'}, "
                         f"the adapter is made for {have}")
    return wrong


def _sizes(layer: Any) -> tuple[int | None, int | None]:
    """(inputs, outputs) of a linear layer, where it says. Conv1D of GPT-2 names them nx and nf."""
    inputs, outputs = getattr(layer, "in_features", None), getattr(layer, "out_features", None)
    return inputs or getattr(layer, "nx", None), outputs or getattr(layer, "nf", None)


def _config(adapter: Path) -> dict[str, Any]:
    try:
        config = json.loads((adapter / CONFIG_FILE).read_text("utf-8"))
    except (ValueError, OSError) as e:
        raise InputError(f"not an adapter: {e}", file=adapter / CONFIG_FILE) from None
    if not isinstance(config, dict):
        raise InputError("not an adapter: no JSON object", file=adapter / CONFIG_FILE)
    return config
