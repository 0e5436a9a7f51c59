"""Freeze: some layers, or modules in them, are trained in fp32; the other weights stay as they are."""

from __future__ import annotations

from typing import Any

import torch

from iepile.errors import InputError
from iepile.models.device import DTYPES
from iepile.models.load import Loaded
from iepile.training.config import TrainConfig
from iepile.training.methods.full import load
from iepile.training.methods.method import Method, half_of, save_whole


def prepare(loaded: Loaded, config: TrainConfig, base: str) -> Any:
    """Open the layers to training.

    What is not trained is kept in the run's half precision. It was loaded in fp32 like the rest, so that trained
    weights of a checkpoint come back as they were.

    Raises:
        InputError: the model has no such layers or modules.
    """
    model, layers, count = loaded.model, layers_of(loaded.model), config.num_layer_trainable
    if abs(count) > len(layers):
        raise InputError(f"is {count}", field="num_layer_trainable", file=loaded.name,
                         expected=f"at most {len(layers)}: the model has no more layers")
    chosen = layers[-count:] if count > 0 else layers[:-count]
    model.requires_grad_(False)
    names = [n.strip() for n in config.name_module_trainable.split(",") if n.strip()]
    for name in names:
        found = [m for layer in chosen for m in _named(layer, name)]
        if not found:
            inside = sorted({n.rpartition(".")[2] for layer in chosen for n, _ in layer.named_modules() if n})
            raise InputError(f"the layers have no module {name!r}", field="name_module_trainable",
                             file=loaded.name, expected="all, or of " + ", ".join(inside))
        for module in found:
            module.requires_grad_(True)
    half = getattr(torch, DTYPES[half_of(config)])
    for parameter in model.parameters():
        if not parameter.requires_grad:
            parameter.data = parameter.data.to(half)
    return model


def layers_of(model: Any) -> list[Any]:
    """The layers of the decoder, first one first: the longest of the outermost lists of modules.

    Raises:
        InputError: there is no list of modules.
    """
    stack = model.get_decoder() if hasattr(model, "get_decoder") else model
    lists = [(n.count("."), -len(m), m) for n, m in (stack or model).named_modules()
             if isinstance(m, torch.nn.ModuleList) and len(m)]
    if not lists:
        raise InputError("the model has no list of layers", field="finetuning_type", fix="use finetuning_type lora")
    return list(min(lists, key=lambda found: found[:2])[2])


def _named(layer: Any, name: str) -> list[Any]:
    return [m for n, m in layer.named_modules() if name == "all" or name in n.split(".")]


METHOD = Method(load, prepare, save_whole)
