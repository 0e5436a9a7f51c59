"""Macro averages: every label counts alike, however often it occurs.

The mean of precision, recall and F1 over the labels that occur in the gold or in the answers, where a figure with
nothing to divide by is 0: `precision_recall_fscore_support(..., average="macro", zero_division=0)` of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from iepile.evaluation.report import MacroRow, Score


def macro_row(task: str, group: str, labels: Iterable[Sequence[int]]) -> MacroRow:
    """The mean over labels.

    Args:
        labels: (right, answered, gold) of each label that occurs.

    >>> macro_row("NER", "entity", [(1, 1, 2), (0, 1, 0)])
    MacroRow(task='NER', group='entity', labels=2, precision=50.0, recall=25.0, f1=33.333333333333336)
    """
    scores = [msgspec.structs.astuple(Score.of(*counts))[3:] for counts in labels]
    mean = [sum(column) / len(scores) for column in zip(*scores, strict=True)] or [0.0, 0.0, 0.0]
    return MacroRow(task, group, len(scores), *mean)
