"""Fit what turns the scores of a trained compact model into calibrated confidences, and measure how well it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from iepile.models.compact.calibration import Calibration, Line, Scores
from iepile.models.compact.example import Example
from iepile.models.compact.model import CompactModel
from iepile.models.compact.network import CompactNetwork
from iepile.training.compact_tuning import labels_of, scored

LEAST = 50
"""Fewer facts of a kind, or fewer than a fifth as many right or wrong ones, fit nothing."""
_STEPS = 100


def fit_calibration(network: CompactNetwork, examples: Sequence[Example]) -> Calibration:
    """The lines that fit these examples best; they must not be those the network was trained on.

    Thresholds must be tuned before. A kind with too few facts gets no line.
    """
    if not examples:
        return Calibration()
    found = scored(CompactModel(network, labels_of(examples), Scores()), examples)
    lines = {}
    for kind, (facts, _) in sorted(found.items()):
        right = sum(ok for _, ok in facts)
        if len(facts) >= LEAST and min(right, len(facts) - right) >= LEAST / 5:
            line = fit_line(facts)
            if line.slope > 0:
                lines[kind] = line
    return Calibration(lines)


def fit_line(facts: Sequence[tuple[float, bool]]) -> Line:
    """The line of greatest likelihood through (score, is it right), found by Newton's method.

    As if one right and one wrong fact more had been seen, so that a kind without errors gets no certainty; and with a
    weak pull to the scores as they are, which decides where the facts leave much open.
    """
    score: Any = np.array([s for s, _ in facts])
    right: Any = np.array([ok for _, ok in facts])
    n = int(right.sum())
    target = np.where(right, (n + 1) / (n + 2), 1 / (len(facts) - n + 2))
    x = np.stack([score, np.ones_like(score)], 1)
    plain = np.array([1.0, 0.0])
    weights = plain
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (p - target) + weights - plain
        curve = (x * (p * (1 - p))[:, None]).T @ x + np.eye(2)
        step = np.linalg.solve(curve, slope)
        # Half a step at most: from afar, a whole one can leap over the optimum and away.
        weights = weights - step / max(1.0, 2 * float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-9:
            break
    return Line(round(float(weights[0]), 6), round(float(weights[1]), 6))


def calibration_error(facts: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Expected calibration error of (confidence, is it right): mean gap between the two, over bins of equal width.

    0 is perfect. Without facts it is 0.
    """
    total = 0.0
    for k in range(bins):
        part = [(p, ok) for p, ok in facts if min(int(p * bins), bins - 1) == k]
        total += abs(sum(p for p, _ in part) - sum(ok for _, ok in part))
    return total / max(1, len(facts))
