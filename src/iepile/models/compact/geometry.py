"""Distances between spans, in buckets."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

DISTANCES = 12
"""Buckets of distances on each side: logarithmic, the last from 64 tokens on."""


def distance(first: Tensor, last: Tensor, other_first: Tensor, other_last: Tensor) -> Tensor:
    """Signed number of tokens from one span to another: 0 where they touch each other's inside."""
    return (other_first - last).clamp(min=0) - (first - other_last).clamp(min=0)


def log_bucket(n: Tensor) -> Tensor:
    """Whole numbers from 0 on to 0, 1, 2, ... on a logarithmic scale."""
    # A table, not log2: the same integers on every machine.
    return _LOG.to(n.device)[n.clamp(max=len(_LOG) - 1)]


def bucket(steps: Tensor) -> Tensor:
    """Distance to one of 2 * DISTANCES + 1 buckets, logarithmic on both sides of 0."""
    return DISTANCES + steps.sign() * log_bucket(steps.abs()).clamp(max=DISTANCES)


def log_table() -> list[int]:
    """Bucket of each whole number from 0 on; larger ones share the last."""
    out, level = [0], 0
    borders: list[Any] = [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512]
    for n in range(1, 600):
        while level < len(borders) and n >= borders[level]:
            level += 1
        out.append(level)
    return out


_LOG = torch.tensor(log_table())
