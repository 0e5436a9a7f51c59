"""The learning rate over a run, as a share of the highest one."""

from __future__ import annotations

import math

POWER = 2.0
"""Exponent of the polynomial schedule; 1 would be the linear one."""


def schedule(step: int, total: int, warmup: float, kind: str, warmup_steps: int = 0) -> float:
    """Share of the highest learning rate in a step, counted from 0.

    Args:
        total: steps of the run.
        warmup: share of the steps in which the rate rises.
        kind: how it falls afterwards: one of the names of `lr_scheduler_type`.
        warmup_steps: steps in which it rises; goes before `warmup` when above 0.
    """
    rising = min(warmup_steps, total) or math.ceil(total * warmup)
    if step < rising:
        return (step + 1) / rising
    left = 1.0 - (step - rising) / max(1, total - rising)
    if kind in ("constant", "constant_with_warmup"):
        return 1.0
    if kind == "cosine":
        return 0.5 * (1.0 - math.cos(math.pi * left))
    return left if kind == "linear" else float(left**POWER)
