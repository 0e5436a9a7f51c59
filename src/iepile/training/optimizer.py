"""The optimizer that the settings name, and its state by the names of the parameters."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch

from iepile.errors import MissingDependency
from iepile.training.config import TrainConfig

BITSANDBYTES = {"adamw_bnb_8bit": "AdamW8bit", "paged_adamw_8bit": "PagedAdamW8bit",
                "paged_adamw_32bit": "PagedAdamW32bit"}
"""Classes of bitsandbytes, by the name of the setting."""
UNPAGED = {"paged_adamw_8bit": "adamw_bnb_8bit", "paged_adamw_32bit": "adamw_torch"}
"""What takes their place where there is no GPU, whose memory they spare."""

logger = logging.getLogger(__name__)


def make_optimizer(trained: Mapping[str, Any], config: TrainConfig, device: torch.device) -> torch.optim.Optimizer:
    """An optimizer for the parameters `trained`, by name. Vectors (norms, biases) do not decay.

    States can be paged from a GPU only; elsewhere the form that is not paged takes its place, with a warning.

    Raises:
        MissingDependency: bitsandbytes is asked for, and not installed.
    """
    parts = [
        {"params": [p for p in trained.values() if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trained.values() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups: Any = [g for g in parts if g["params"]]
    if config.optim == "sgd":
        return torch.optim.SGD(groups, lr=config.rate)
    optim: str = config.optim
    if optim in UNPAGED and device.type != "cuda":
        optim = UNPAGED[optim]
        logger.warning("optim %s pages from a GPU, and there is none; %s takes its place", config.optim, optim)
    kind: Any = torch.optim.AdamW
    more: dict[str, Any] = {"fused": True} if optim == "adamw_torch_fused" else {}
    if name := BITSANDBYTES.get(optim):
        try:
            import bitsandbytes
        except ImportError:
            raise MissingDependency("bitsandbytes", "quant", f"optim {config.optim}") from None
        kind = getattr(bitsandbytes.optim, name)
    made: torch.optim.Optimizer = kind(groups, lr=config.rate, betas=(config.adam_beta1, config.adam_beta2),
                                       eps=config.adam_epsilon, **more)
    return made


def state_by_name(optimizer: torch.optim.Optimizer, trained: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The state as tensors, each named `PARAMETER|KIND`; whole numbers become tensors of one."""
    return {f"{name}|{kind}": value.contiguous() if isinstance(value, torch.Tensor) else torch.tensor(value)
            for name, p in trained.items() for kind, value in sorted(optimizer.state[p].items()) if value is not None}


def restore_state(optimizer: torch.optim.Optimizer, trained: Mapping[str, Any],
                  saved: Mapping[str, torch.Tensor]) -> None:
    """Give back what `state_by_name` gave, to the places where this optimizer keeps it."""
    foreign = counts_by_number(optimizer)
    for key, value in saved.items():
        name, _, kind = key.rpartition("|")
        p = trained[name]
        if kind == "step" and foreign:
            optimizer.state[p][kind] = int(value)
        elif kind == "step" and not optimizer.defaults.get("fused"):
            optimizer.state[p][kind] = value
        else:
            optimizer.state[p][kind] = _placed(value, p, paged=foreign and getattr(optimizer, "is_paged", False))


def counts_by_number(optimizer: Any) -> bool:
    """Whether an optimizer keeps the number of its steps as a plain number: those of bitsandbytes do."""
    return type(optimizer).__module__.startswith("bitsandbytes")


def _placed(value: torch.Tensor, parameter: torch.Tensor, paged: bool) -> torch.Tensor:
    if not paged or value.numel() < 1e5:  # bitsandbytes pages larger ones only
        return value.to(parameter.device)
    from bitsandbytes import functional

    made: torch.Tensor = functional.get_paged(*value.shape, dtype=value.dtype, device=parameter.device)
    made.copy_(value)
    return made
