"""Sparse vectors of labels and how alike they are. Sums run in sorted order: equal counts give equal bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from iepile.corpus.mining.labels import Scores

Vectors = Mapping[str, Mapping[str, float]]
"""Label -> feature -> weight."""

SMOOTHING = 0.75
"""Power to which the frequency of a feature is raised: rare features tell less than PMI would have it
(Levy, Goldberg, Dagan 2015)."""


def ppmi(counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, float]]:
    """Positive pointwise mutual information of label and feature; features that tell nothing are left out."""
    features: dict[str, int] = {}
    for row in counts.values():
        for f, n in row.items():
            features[f] = features.get(f, 0) + n
    smooth = {f: n**SMOOTHING for f, n in features.items()}
    total = math.fsum(smooth.values())
    out: dict[str, dict[str, float]] = {}
    for label, row in counts.items():
        size = sum(row.values())
        weights = {f: math.log(n * total / (size * smooth[f])) for f, n in row.items()}
        out[label] = {f: w for f, w in sorted(weights.items()) if w > 0}
    return out


def tf_idf(counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, float]]:
    """Sublinear term frequency times smoothed inverse document frequency, a label being a document."""
    seen: dict[str, int] = {}
    for row in counts.values():
        for f in row:
            seen[f] = seen.get(f, 0) + 1
    n = len(counts)
    idf = {f: math.log((1 + n) / (1 + k)) + 1 for f, k in seen.items()}
    return {label: {f: (1 + math.log(c)) * idf[f] for f, c in sorted(row.items())} for label, row in counts.items()}


def unit(vector: Mapping[str, float]) -> dict[str, float]:
    """The vector at length 1; an empty one stays empty."""
    length = math.sqrt(math.fsum(w * w for w in vector.values()))
    return {f: w / length for f, w in vector.items()} if length else {}


def cosines(vectors: Vectors) -> Scores:
    """Cosine of every pair of labels that share a feature."""
    units = {label: unit(v) for label, v in vectors.items()}
    holders: dict[str, list[tuple[str, float]]] = {}
    for label, row in units.items():
        for f, w in row.items():
            holders.setdefault(f, []).append((label, w))
    out: Scores = {label: {} for label in units}
    for f in sorted(f for f, have in holders.items() if len(have) > 1):
        for a, wa in holders[f]:
            row_a = out[a]
            for b, wb in holders[f]:
                if a != b:
                    row_a[b] = row_a.get(b, 0.0) + wa * wb
    return {a: {b: min(s, 1.0) for b, s in row.items() if s > 0} for a, row in out.items()}


def transfer(counts: Mapping[str, Mapping[str, int]]) -> Scores:
    """Chance that a feature of the first label, picked by its weight, stands with the second elsewhere.

    A step from label to feature to label; features that many labels share weigh less (inverse label frequency).
    Unlike a cosine it has a direction: towards labels that are frequent where the features are.
    """
    holders: dict[str, dict[str, int]] = {}
    for label, row in counts.items():
        for f, n in row.items():
            holders.setdefault(f, {})[label] = n
    whole = dict.fromkeys(counts, 0.0)
    steps: Scores = {label: {} for label in counts}
    for f in sorted(holders):
        have = holders[f]
        weight, total = math.log((1 + len(counts)) / len(have)), sum(have.values())
        for a, n in have.items():
            whole[a] += weight * n
            for b, m in have.items():
                if a != b:
                    steps[a][b] = steps[a].get(b, 0.0) + weight * n * m / total
    return {a: {b: min(s / whole[a], 1.0) for b, s in row.items()} for a, row in steps.items()}


def shared(vectors: Vectors, a: str, b: str, most: int) -> tuple[str, ...]:
    """The features that add most to the cosine of two labels, ties by name."""
    left, right = vectors.get(a, {}), vectors.get(b, {})
    both = sorted((-left[f] * right[f], f) for f in left.keys() & right.keys())
    return tuple(f for _, f in both[:most])


def overlap(a: Iterable[str], b: Iterable[str]) -> float:
    """Jaccard index of two sets; 0 where both are empty."""
    left, right = set(a), set(b)
    return len(left & right) / len(left | right) if left | right else 0.0
