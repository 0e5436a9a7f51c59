"""Spans from the scores of their borders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

TokenSpan = tuple[int, int]
"""First and last (inclusive) token."""
Scored = tuple[float, TokenSpan]


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


def candidates(
    scores: np.ndarray[Any, Any], allowed: np.ndarray[Any, Any], width: int, floor: float, most: int | None = None
) -> tuple[np.ndarray[Any, Any], ...]:
    """`propose` without spans that reach out of the virtual token."""
    q, i, j, value = propose(scores, allowed, width, floor, most)
    keep = (i > 0) | (j == 0)
    return q[keep], i[keep], j[keep], value[keep]


def best(scored: Sequence[Scored]) -> list[Scored]:
    """The best of overlapping spans, greedily by score; ties go to the earlier and shorter one."""
    out: list[Scored] = []
    taken: set[int] = set()
    for score, (i, j) in sorted(scored, key=lambda s: (-s[0], s[1])):
        if taken.isdisjoint(range(i, j + 1)):
            out.append((score, (i, j)))
            taken.update(range(i, j + 1))
    return out
