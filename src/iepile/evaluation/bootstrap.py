"""How far scores may be off by the draw of the texts: bootstrap intervals, and tests between two runs.

    interval({(2, 3, 4): 10, (0, 1, 0): 5}, draws=1000, seed=0).f1     # (low, high), percent

A score is a function of sums over texts, and texts with equal counts are alike: drawing n texts with replacement is
drawing how often each kind of text comes up (a multinomial). So the work and the memory depend on the number of
distinct counts, some hundreds, and not on the number of texts.

Sources: Efron and Tibshirani, An Introduction to the Bootstrap (1993), percentile interval; Noreen,
Computer-Intensive Methods for Testing Hypotheses (1989), approximate randomisation, which Yeh (COLING 2000) gives for
F1; Phipson and Smyth (2010) for the 1 in the p-value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from iepile.evaluation.report import Intervals

Array = np.ndarray[Any, np.dtype[np.float64]]

LEVEL = 0.95
AT_ONCE = 1 << 22
"""Numbers held at a time."""


class Difference(msgspec.Struct, frozen=True):
    """F1 of a second run less that of a first on the same texts, in points."""

    value: float
    low: float
    high: float
    """Where 95 % of the draws lie."""
    p: float
    """Chance of a difference this large if it did not matter which run gave which answer (two-sided)."""


def interval(spread: Mapping[tuple[int, int, int], int], draws: int = 1000, seed: int = 0) -> Intervals:
    """Percentile intervals of precision, recall and F1.

    Args:
        spread: (right, answered, gold) of a text -> number of texts.
        draws: times that as many texts are drawn.
    """
    counts, texts = _table(spread)
    found: list[Array] = []
    rng = np.random.default_rng(seed)
    for size in _chunks(draws, len(texts)):
        sums = rng.multinomial(int(texts.sum()), texts / texts.sum(), size=size) @ counts
        found.append(_scores(sums[:, 0], sums[:, 1], sums[:, 2]))
    every = np.concatenate(found, axis=1)
    low, high = np.quantile(every, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    bounds = [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    return Intervals(*bounds)


def difference(
    spread: Mapping[tuple[int, int, int, int, int], int], draws: int = 1000, seed: int = 0
) -> Difference:
    """The difference in F1 of two runs, its interval (texts drawn in pairs) and its p-value (answers swapped).

    Args:
        spread: (right and answered of the first, right and answered of the second, gold) of a text -> number of texts.
    """
    counts, texts = _table(spread)
    first, second = counts[:, [0, 1, 4]], counts[:, [2, 3, 4]]
    total = texts @ counts
    value = float(_f1(total[2], total[3], total[4]) - _f1(total[0], total[1], total[4]))
    rng = np.random.default_rng(seed)
    drawn: list[Array] = []
    as_far = 0
    for size in _chunks(draws, len(texts)):
        some = rng.multinomial(int(texts.sum()), texts / texts.sum(), size=size)
        a, b = some @ first, some @ second
        drawn.append(_f1(*b.T) - _f1(*a.T))
        swapped = rng.binomial(texts.astype(np.int64), 0.5, size=(size, len(texts)))
        a = total[[0, 1, 4]] + swapped @ (second - first)
        b = total[[2, 3, 4]] + swapped @ (first - second)
        as_far += int(np.sum(np.abs(_f1(*b.T) - _f1(*a.T)) >= abs(value) - 1e-9))
    low, high = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Difference(value, float(low), float(high), (as_far + 1) / (draws + 1))


def _table(spread: Mapping[Any, int]) -> tuple[Array, Array]:
    # Sorted: what is drawn must not depend on the order in which texts were met.
    kinds = sorted(spread.items())
    return (np.array([k for k, _ in kinds], dtype=float), np.array([n for _, n in kinds], dtype=float))


def _chunks(draws: int, kinds: int) -> list[int]:
    size = max(1, AT_ONCE // max(1, kinds))
    return [min(size, draws - done) for done in range(0, draws, size)]


def _scores(right: Array, answered: Array, gold: Array) -> Array:
    out: Array = np.stack([_share(right, answered), _share(right, gold), _f1(right, answered, gold)])
    return out


def _f1(right: Array, answered: Array, gold: Array) -> Array:
    return _share(2 * right, answered + gold)


def _share(part: Array, whole: Array) -> Array:
    out: Array = 100 * np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=np.asarray(whole) > 0)
    return out
