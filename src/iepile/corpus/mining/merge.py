"""Several methods to one list of neighbours a label: weighted, cut to the best, the same for the same input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from iepile.corpus.mining.labels import Scored, Scores

Merge = Literal["rank", "score"]
DIGITS = 6
"""Scores are rounded before they are compared, so that no processor's last bit decides an order."""


class Neighbour(msgspec.Struct, frozen=True):
    """A label that another is easily confused with."""

    label: str
    score: float
    """0 to 1."""
    by_method: dict[str, float] = {}
    """What each method gave, before weights and scaling."""
    evidence: dict[str, tuple[str, ...]] = {}
    """Method -> examples of what speaks for the pair."""


def merged(found: Mapping[str, tuple[float, Scored]], names: Sequence[str], how: Merge) -> Scores:
    """One score a pair of labels, 0 to 1: the weighted mean over the methods.

    Args:
        found: method -> weight and scores.
        names: the labels, in schema order; no others come out.
        how: `rank` takes 1 / rank among the label's neighbours, so that methods of any scale can be joined;
            `score` takes the scores, scaled by the method's largest.
    """
    total = sum(weight for weight, scored in found.values() if any(scored.scores.values()))
    out: Scores = {a: {} for a in names}
    for weight, scored in found.values():
        top = max((s for row in scored.scores.values() for s in row.values()), default=1.0)
        for a in names:
            row = {b: s for b, s in scored.scores.get(a, {}).items() if b in out and b != a and s > 0}
            order = ranked(row) if how == "rank" else ()
            part = {b: 1 / n for n, (b, _) in enumerate(order, 1)} if how == "rank" else {
                b: s / top for b, s in row.items()
            }
            for b, s in part.items():
                out[a][b] = out[a].get(b, 0.0) + weight * s / total
    return {a: {b: round(s, DIGITS) for b, s in row.items()} for a, row in out.items()}


def ranked(row: Mapping[str, float]) -> list[tuple[str, float]]:
    """Best first, ties by name."""
    return sorted(((b, round(s, DIGITS)) for b, s in row.items()), key=lambda x: (-x[1], x[0]))


def best(scores: Scores, top_k: int, min_score: float) -> dict[str, list[tuple[str, float]]]:
    """At most `top_k` neighbours a label, none below `min_score` or at 0; -1 keeps all."""
    kept = {a: [x for x in ranked(row) if x[1] >= min_score and x[1] > 0] for a, row in scores.items()}
    return {a: row if top_k < 0 else row[:top_k] for a, row in kept.items()}


def best_both_ways(scores: Scores, top_k: int, min_score: float) -> dict[str, list[tuple[str, float]]]:
    """As `best`, but each is a neighbour of its neighbours: pairs by the mean of both directions, best first,
    as long as both labels have room."""
    pairs = {
        (a, b): round((scores[a].get(b, 0.0) + scores.get(b, {}).get(a, 0.0)) / 2, DIGITS)
        for a in scores for b in scores if a < b
    }
    out: dict[str, list[tuple[str, float]]] = {a: [] for a in scores}
    for (a, b), s in sorted(pairs.items(), key=lambda x: (-x[1], x[0])):
        if s > 0 and s >= min_score and (top_k < 0 or max(len(out[a]), len(out[b])) < top_k):
            out[a].append((b, s))
            out[b].append((a, s))
    return {a: sorted(row, key=lambda x: (-x[1], x[0])) for a, row in out.items()}
