"""Weights that are split over processes stand whole in the model for a moment, so that any method can save them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch


def saved_parameters(model: Any) -> list[tuple[str, Any]]:
    """The parameters that go into a model folder: of an adapter, those of the adapter; else all."""
    adapters = tuple(getattr(model, "peft_config", None) or ())
    return [(name, p) for name, p in model.named_parameters()
            if not adapters or p.requires_grad or any(f".{a}." in f".{name}." for a in adapters)]


@contextmanager
def whole_weights(model: Any, fetch: Callable[[Any], torch.Tensor], main: bool) -> Iterator[None]:
    """Within, the modules of the main process hold whole weights in main memory.

    Args:
        fetch: gives the whole of a parameter; every process calls it for each of them, in the same order.
        main: whether this is the main process; others only take part.
    """
    whole: dict[int, torch.nn.Parameter] = {}
    for _, parameter in saved_parameters(model):
        full = fetch(parameter)
        if main:
            whole[id(parameter)] = torch.nn.Parameter(full.detach().cpu(), requires_grad=False)
        del full
    # By identity, so that weights that are tied stay tied.
    places = [(module, name, p) for module in model.modules() for name, p in module._parameters.items()
              if p is not None and id(p) in whole]
    for module, name, p in places:
        module._parameters[name] = whole[id(p)]
    try:
        yield
    finally:
        for module, name, p in places:
            module._parameters[name] = p
