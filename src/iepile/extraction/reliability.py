"""How far chances are from what they promise: calibration error, with what luck explains of it.

>>> calibration_error([0.9] * 10, [True] * 7 + [False] * 3)
0.2
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import fmean

from iepile.extraction.calibration import Interval

DRAWS = 200
"""Draws of an interval."""
BINS = 10
PER_BIN = 20
"""Facts that a bin has at least."""


def calibration_error(chances: Sequence[float], right: Sequence[bool]) -> float:
    """Mean distance between chance told and share found right, in bins of as many facts each."""
    total = sum(abs(told - found) * size for told, found, size in bins(chances, right))
    return round(total / max(1, len(chances)), 6)


def bins(chances: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float, int]]:
    """Mean chance, share right and size of bins of about equal size; equal chances are never parted."""
    pairs = sorted(zip(chances, right, strict=True))
    number = max(1, min(BINS, len(pairs) // PER_BIN))
    out: list[tuple[float, float, int]] = []
    start = 0
    for n in range(1, number + 1):
        end = max(start, round(len(pairs) * n / number))
        while 0 < end < len(pairs) and pairs[end][0] == pairs[end - 1][0]:
            end += 1
        if end > start:
            some = pairs[start:end]
            out.append((fmean(p for p, _ in some), fmean(r for _, r in some), len(some)))
        start = end
    return out


def error_interval(chances: Sequence[float], right: Sequence[bool], documents: Sequence[int], seed: int) -> Interval:
    """Calibration error, and how it spreads over draws of the documents with replacement (95 %).

    A draw holds documents several times, which makes its error larger; so their spread is laid around the error itself.

    Args:
        documents: that each fact is of.
    """
    of: dict[int, list[int]] = {}
    for n, document in enumerate(documents):
        of.setdefault(document, []).append(n)
    rng = random.Random(seed)
    values = []
    for _ in range(DRAWS):
        drawn = [n for d in rng.choices(list(of), k=len(of)) for n in of[d]]
        values.append(calibration_error([chances[n] for n in drawn], [right[n] for n in drawn]))
    values.sort()
    value = calibration_error(chances, right)
    low, high = (value + values[round(q * (DRAWS - 1))] - fmean(values) for q in (0.025, 0.975))
    return Interval(round(value, 4), round(max(0.0, min(low, value)), 4), round(max(high, value), 4))


def error_by_luck(chances: Sequence[float], seed: int) -> float:
    """The calibration error that facts show, so many as these, whose chances are exactly right."""
    rng = random.Random(seed)
    return round(fmean(calibration_error(chances, [rng.random() < p for p in chances]) for _ in range(50)), 4)
