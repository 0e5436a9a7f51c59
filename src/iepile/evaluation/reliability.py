"""Confidence held against what was right: the reliability curve, and precision and recall at thresholds.

    told = Reliability()
    told.add("NER", "entity", [0.9, 0.4], [True, False], gold=2)
    told.curves()[0].thresholds[50]        # (0.5, precision, recall, F1, facts kept)

Confidences are counted in hundredths, so a million facts take no more room than ten. The curve has bins of about equal
size; the calibration error is the mean distance between confidence and share of right facts over them, weighted by
size (Naeini et al., AAAI 2015).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from iepile.evaluation.report import Score

STEPS = 100
BINS = 10
PER_BIN = 20
"""Facts that a bin has at least, where there are so many."""


class ReliabilityCurve(msgspec.Struct, frozen=True):
    """How far the confidence of a task's score group can be trusted."""

    task: str
    group: str
    facts: int
    """With confidence."""
    without: int
    """Answered facts without."""
    error: float
    """Calibration error, 0 to 1."""
    bins: tuple[tuple[float, float, int], ...]
    """Mean confidence, share right (0 to 1), and facts."""
    thresholds: tuple[tuple[float, float, float, float, int], ...]
    """Threshold; precision, recall and F1 in percent of the facts with at least this confidence; their number."""


class _Cell:
    def __init__(self) -> None:
        self.told = [0.0] * (STEPS + 1)
        self.right = [0] * (STEPS + 1)
        self.facts = [0] * (STEPS + 1)
        self.without = self.gold = 0


class Reliability:
    """Counts facts by their confidence."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], _Cell] = {}

    def add(self, task: str, group: str, told: Sequence[float | None], right: Sequence[bool], gold: int) -> None:
        """Count the answered facts of a text's score group.

        Args:
            told: confidence of each, None where there is none.
            right: which of them are.
            gold: facts there are.
        """
        if (cell := self._cells.get((task, group))) is None:
            cell = self._cells[task, group] = _Cell()
        cell.gold += gold
        for confidence, good in zip(told, right, strict=True):
            if confidence is None:
                cell.without += 1
                continue
            # 0.29 * 100 is a little less than 29.
            step = min(STEPS, max(0, int(confidence * STEPS + 1e-9)))
            cell.told[step] += confidence
            cell.right[step] += good
            cell.facts[step] += 1

    def curves(self) -> list[ReliabilityCurve]:
        """One for each task and group that has facts with confidence."""
        out = []
        for (task, group), cell in self._cells.items():
            if not (total := sum(cell.facts)):
                continue
            bins = _bins(cell, total)
            error = sum(abs(told - right) * n for told, right, n in bins) / total
            out.append(ReliabilityCurve(task, group, total, cell.without, error, bins, _thresholds(cell)))
        return out


def _bins(cell: _Cell, total: int) -> tuple[tuple[float, float, int], ...]:
    size = max(PER_BIN, total / BINS)
    out: list[tuple[float, float, int]] = []
    told, right, facts = 0.0, 0, 0
    left = total
    for step in range(STEPS + 1):
        told, right, facts = told + cell.told[step], right + cell.right[step], facts + cell.facts[step]
        left -= cell.facts[step]
        # What is left at the end joins the last bin, unless it is half a bin by itself.
        if (facts >= size and left >= size / 2) or (facts and not left):
            out.append((told / facts, right / facts, facts))
            told, right, facts = 0.0, 0, 0
    return tuple(out)


def _thresholds(cell: _Cell) -> tuple[tuple[float, float, float, float, int], ...]:
    out = []
    right, facts = sum(cell.right), sum(cell.facts)
    for step in range(STEPS + 1):
        s = Score.of(right, facts, cell.gold)
        out.append((step / STEPS, s.precision, s.recall, s.f1, facts))
        right, facts = right - cell.right[step], facts - cell.facts[step]
    return tuple(out)
