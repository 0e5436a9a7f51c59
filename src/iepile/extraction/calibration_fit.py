"""From facts that are known to be right or wrong to curves and thresholds, each judged on documents it has not seen.

>>> observations = [Observation(n, 0.9, None, n % 3 > 0) for n in range(300)]
>>> fit, chances = fit_kind(observations, seed=0)
>>> round(fit.curve.chance(0.9, None) or 0, 2), fit.method
(0.67, 'logistic')

Four ways are tried in turn: confidence as it is; a line through its log-odds (Platt); a line through log-odds and
support; corners over that line (isotonic). A later way is chosen when it tells more on documents left out, by more
than its standard error. Lines are drawn weakly to the confidence as it is, which decides where there is little data.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import exp, log, sqrt
from statistics import fmean

import msgspec

from iepile.extraction.calibration import Curve, Fit, Target, log_odds
from iepile.extraction.reliability import error_by_luck, error_interval

FOLDS = 5
REPEATS = 3
"""Times that documents are dealt anew into folds, to choose a way."""
LEAST = 30
"""Fewer facts, or fewer than a sixth as many right or wrong ones, have no curve of their own."""
WANTED = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99)
"""Precisions that thresholds are looked for."""


class Observation(msgspec.Struct, frozen=True):
    """A fact that a model stated."""

    document: int
    confidence: float | None
    support: float | None
    right: bool


Fitter = Callable[[Sequence[Observation]], Curve]


def enough(observations: Sequence[Observation]) -> bool:
    """Whether a curve can be told from these."""
    right = sum(o.right for o in observations)
    return len(observations) >= LEAST and min(right, len(observations) - right) >= LEAST / 6


def fit_kind(observations: Sequence[Observation], seed: int) -> tuple[Fit, list[float]]:
    """The best way for facts of one kind, and for each the chance that curves fitted without its document tell."""
    deals = [_folds(observations, seed + n) for n in range(REPEATS)]
    best = ""
    told: dict[str, list[list[float]]] = {}
    for name, fitter in _ways(observations).items():
        told[name] = [_held_out(observations, folds, fitter) for folds in deals]
        if not best or _tells_more(observations, told[name], told[best]):
            best = name
    chances = told[best][0]
    before = [o.confidence if o.confidence is not None else 0.5 for o in observations]
    right, documents = [o.right for o in observations], [o.document for o in observations]
    fit = Fit(
        _ways(observations)[best](observations), best, len(right), sum(right), len(set(documents)),
        error_interval(before, right, documents, seed), error_interval(chances, right, documents, seed),
        error_by_luck(chances, seed),
    )
    return fit, chances


def _ways(observations: Sequence[Observation]) -> dict[str, Fitter]:
    ways: dict[str, Fitter] = {}
    if any(o.confidence is not None for o in observations):
        ways |= {"as it is": lambda some: Curve(untold=_untold(some)),
                 "logistic": lambda some: fit_line(some, False)}
    if len({o.support for o in observations}) > 1:
        ways["logistic with support"] = lambda some: fit_line(some, True)
    ways["isotonic"] = lambda some: fit_corners(some, "logistic with support" in ways)
    return ways


def fit_line(observations: Sequence[Observation], with_support: bool) -> Curve:
    """The line of greatest likelihood through log-odds of confidence and dissent, by Newton's method.

    As if one right and one wrong fact more had been seen, so that nothing is certain. Neither a higher confidence nor
    more support can make a fact less likely: a weight of the wrong sign is 0.
    """
    known = [o for o in observations if o.confidence is not None]
    some = known or list(observations)
    columns = [[log_odds(o.confidence or 0.5) for o in some] if known else None,
               [1 - (1.0 if o.support is None else o.support) for o in some] if with_support else None,
               [1.0] * len(some)]
    # Weight that is drawn to, and how strongly: support between half and all has little room to show what it tells.
    plain = ((1.0, 1.0), (0.0, 1 / 16), (0.0, 1 / 4))
    while True:
        used = [n for n, column in enumerate(columns) if column is not None]
        found = _newton([columns[n] or [] for n in used], [o.right for o in some], [plain[n] for n in used])
        weights = dict(zip(used, found, strict=True))
        wrong = [n for n, sign in ((0, 1), (1, -1)) if weights.get(n, sign) * sign < 0]
        if not wrong:
            return Curve(weights.get(0, 0.0), weights.get(1, 0.0), weights[2], untold=_untold(observations))
        columns[wrong[0]] = None


def _newton(columns: Sequence[Sequence[float]], right: Sequence[bool], plain: Sequence[tuple[float, float]]
            ) -> list[float]:
    hits = sum(right)
    yes, no = (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2)
    goal = [yes if r else no for r in right]
    size = len(columns)
    rows = list(zip(*columns, strict=True))
    weights = [w for w, _ in plain]
    for _ in range(100):
        slope = [pull * (w - p) for w, (p, pull) in zip(weights, plain, strict=True)]
        curve = [[plain[i][1] if i == j else 0.0 for j in range(size)] for i in range(size)]
        for row, y in zip(rows, goal, strict=True):
            p = _chance(sum(w * x for w, x in zip(weights, row, strict=True)))
            for i in range(size):
                slope[i] += (p - y) * row[i]
                for j in range(size):
                    curve[i][j] += p * (1 - p) * row[i] * row[j]
        step = _solved(curve, slope)
        # Half a step at most: from afar, a whole one can leap over the optimum and away.
        far = max(map(abs, step))
        weights = [w - s / max(1.0, 2 * far) for w, s in zip(weights, step, strict=True)]
        if far < 1e-7:
            break
    return [round(w, 6) for w in weights]


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Gauss elimination of a few positive definite rows."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for n, pivot in enumerate(rows):
        for other in rows[n + 1 :]:
            factor = other[n] / pivot[n]
            for k in range(n, len(other)):
                other[k] -= factor * pivot[k]
    out = [0.0] * len(rows)
    for n in reversed(range(len(rows))):
        known = sum(rows[n][k] * out[k] for k in range(n + 1, len(rows)))
        out[n] = (rows[n][-1] - known) / rows[n][n]
    return out


def fit_corners(observations: Sequence[Observation], with_support: bool) -> Curve:
    """A line, and over it the rising corners that fit best (isotonic regression by pooling neighbours)."""
    line = fit_line(observations, with_support)
    scored = sorted((s, o.right) for o in observations if (s := line.score(o.confidence, o.support)) is not None)
    # Sum of scores, right ones, all; neighbours that do not rise are one block.
    blocks: list[tuple[float, int, int]] = []
    for score, right in scored:
        blocks.append((score, int(right), 1))
        while len(blocks) > 1 and (blocks[-2][1] * blocks[-1][2] >= blocks[-1][1] * blocks[-2][2]
                                   or blocks[-2][0] / blocks[-2][2] >= blocks[-1][0] / blocks[-1][2]):
            (s, r, n), (s2, r2, n2) = blocks[-2:]
            blocks[-2:] = [(s + s2, r + r2, n + n2)]
    steps: list[tuple[float, float]] = []
    for total, right_ones, size in blocks:
        # As if one right and one wrong fact more were in it.
        chance = (right_ones + 1) / (size + 2)
        steps.append((round(total / size, 6), round(max(chance, steps[-1][1] if steps else 0.0), 6)))
    distinct = [s for n, s in enumerate(steps) if n == 0 or s[0] > steps[n - 1][0]]
    return Curve(line.confidence, line.dissent, line.offset, tuple(distinct), line.untold)


def _untold(observations: Sequence[Observation]) -> float | None:
    """Share of right ones among the facts without confidence, as if one right and one wrong more had been seen."""
    right = [o.right for o in observations if o.confidence is None]
    return round((sum(right) + 1) / (len(right) + 2), 4) if right else None


def _folds(observations: Sequence[Observation], seed: int) -> list[int]:
    """Number of the fold of each; those of a document together."""
    documents = sorted({o.document for o in observations})
    random.Random(seed).shuffle(documents)
    fold = {d: n % FOLDS for n, d in enumerate(documents)}
    return [fold[o.document] for o in observations]


def _held_out(observations: Sequence[Observation], folds: Sequence[int], fitter: Fitter) -> list[float]:
    out = [0.5] * len(observations)
    for fold in range(FOLDS):
        rest = [o for o, f in zip(observations, folds, strict=True) if f != fold]
        if len(rest) == len(observations):
            continue
        curve = fitter(rest)
        for n, o in enumerate(observations):
            if folds[n] == fold and (chance := curve.chance(o.confidence, o.support)) is not None:
                out[n] = chance
    return out


def _tells_more(
    observations: Sequence[Observation], new: Sequence[Sequence[float]], old: Sequence[Sequence[float]]
) -> bool:
    """Whether chances lose less likelihood, by more than a standard error over documents."""
    gain: dict[int, float] = {}
    for n, o in enumerate(observations):
        here = fmean(_loss(b[n], o.right) - _loss(a[n], o.right) for a, b in zip(new, old, strict=True))
        gain[o.document] = gain.get(o.document, 0.0) + here
    values = list(gain.values())
    mean = fmean(values)
    spread = sqrt(sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1) / len(values))
    return mean > spread


def _loss(chance: float, right: bool) -> float:
    return -log(min(max(chance if right else 1 - chance, 1e-4), 1.0))


def targets(observations: Sequence[Observation], chances: Sequence[float], gold: int, seed: int) -> tuple[Target, ...]:
    """Thresholds for wanted precisions.

    Args:
        chances: of each, told by curves that were fitted without its document.
        gold: facts that were there to be found.

    Returns:
        One for each of `WANTED`. A precision is reached where the facts kept have it, and those kept of documents
        whose threshold was found without them have it within a standard error.
    """
    folds = _folds(observations, seed)
    out = []
    for wanted in WANTED:
        kept = right = 0
        for fold in range(FOLDS):
            rest = [(c, o.right) for c, o, f in zip(chances, observations, folds, strict=True) if f != fold]
            least = _least(rest, wanted)
            for c, o, f in zip(chances, observations, folds, strict=True):
                if f == fold and least is not None and c >= least:
                    kept += 1
                    right += o.right
        least = _least([(c, o.right) for c, o in zip(chances, observations, strict=True)], wanted)
        if not kept or right / kept < wanted - sqrt(wanted * (1 - wanted) / kept):
            least = None  # a few lucky ones among those it was chosen by
        out.append(Target(wanted, least, round(right / kept, 4) if kept else None,
                          round(right / gold, 4) if gold and kept else None))
    return tuple(out)


def _least(told: Sequence[tuple[float, bool]], wanted: float) -> float | None:
    """The least chance such that the facts with it or more have the precision, one of them more counted as wrong."""
    ranked = sorted(told, reverse=True)
    found, right = None, 0
    for n, (chance, good) in enumerate(ranked, 1):
        right += good
        if (n == len(ranked) or ranked[n][0] < chance) and right / (n + 1) >= wanted:
            found = chance
    return found


def _chance(score: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, score))))
