"""Distances between spans, and spans from the scores of their borders."""

from __future__ import annotations

from typing import Any

import numpy as np
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


def _log_table() -> Tensor:
    out, level = [0], 0
    borders: list[Any] = [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512]
    for n in range(1, 600):
        while level < len(borders) and n >= borders[level]:
            level += 1
        out.append(level)
    return torch.tensor(out)


_LOG = _log_table()


def propose(
    scores: np.ndarray[Any, Any], allowed: np.ndarray[Any, Any], width: int, floor: float, most: int | None
) -> tuple[np.ndarray[Any, Any], ...]:
    """Spans whose borders score well: arrays (query, first, last, border score), best first within a query.

    `scores` [Q, L, 3]; `allowed` [Q, L] bool; the border score is the mean of start, inside (mean) and end.
    `most` limits the spans of one query.
    """
    size = scores.shape[1]
    start = np.flatnonzero((scores[..., 0] > floor) & allowed)
    end = np.flatnonzero((scores[..., 2] > floor) & allowed)
    # Start and end are numbers query * L + token, so one sorted search pairs them all.
    low = np.searchsorted(end, start, "left")
    high = np.searchsorted(end, np.minimum(start + width, (start // size + 1) * size), "left")
    counts = high - low
    s = np.repeat(start, counts)
    offset = np.arange(len(s)) - np.repeat(np.cumsum(counts) - counts, counts)
    e = end[np.repeat(low, counts) + offset] if len(s) else s
    q, i, j = s // size, s % size, e % size
    inside = np.concatenate([np.zeros_like(scores[:, :1, 1]), np.cumsum(scores[..., 1], 1)], 1, dtype=np.float64)
    mean = (inside[q, j + 1] - inside[q, i]) / (j - i + 1)
    value = (scores[q, i, 0] + scores[q, j, 2] + mean) / 3
    keep = value > floor
    q, i, j, value = q[keep], i[keep], j[keep], value[keep]
    order = np.lexsort((j, i, -value, q))
    q, i, j, value = q[order], i[order], j[order], value[order]
    if most is not None and len(q):
        first = np.searchsorted(q, q, "left")
        keep = np.arange(len(q)) - first < most
        q, i, j, value = q[keep], i[keep], j[keep], value[keep]
    return q, i, j, value
