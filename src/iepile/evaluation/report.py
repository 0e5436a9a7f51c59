"""What scoring finds: counts, percentages, and what was odd about the rows."""

from __future__ import annotations

from typing import Any

import msgspec

from iepile.evaluation.facts import Counts, Note

VERSION = 1
"""Raised whenever a change of the rules changes a score."""


Bounds = tuple[float, float]


class Intervals(msgspec.Struct, frozen=True):
    """Where 95 % of the draws lie, in percent."""

    precision: Bounds
    recall: Bounds
    f1: Bounds


class Score(msgspec.Struct, frozen=True):
    """Micro precision, recall and F1 in percent, with the counts they come from."""

    tp: int
    """Facts answered that are in the gold."""
    pred: int
    gold: int
    precision: float
    recall: float
    f1: float

    @classmethod
    def of(cls, tp: int, pred: int, gold: int) -> Score:
        """The score of these counts."""
        share = (100 * tp / pred if pred else 0.0, 100 * tp / gold if gold else 0.0)
        # 2tp / (pred + gold) is the harmonic mean without its rounding errors.
        return cls(tp, pred, gold, *share, 200 * tp / (pred + gold) if pred + gold else 0.0)


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One score: of a task's group of facts (entity, relation, event, argument), in all or a part."""

    task: str
    group: str
    score: Score
    source: str | None = None
    label: str | None = None
    language: str | None = None
    interval: Intervals | None = None
    """By the draw of the texts, where intervals were asked for."""


class MacroRow(msgspec.Struct, frozen=True):
    """Means over the labels of a task's group of facts, in percent (macro.py)."""

    task: str
    group: str
    labels: int
    """Labels that occur in the gold or in the answers."""
    precision: float
    recall: float
    f1: float


class SourceCounts(msgspec.Struct, frozen=True):
    """How many texts a source has, and how many of its answers could not be read."""

    task: str
    source: str
    records: int
    invalid: int


class Report(msgspec.Struct, omit_defaults=True):
    """What `evaluate` found."""

    setting: str
    """Name and version of the rules; scores compare only under the same."""
    file: str
    scores: list[Row]
    field_scores: list[Row]
    """Of the groups that papers of the field report beside those (`Task.field_groups`)."""
    by_source: list[Row]
    by_label: list[Row]
    sources: list[SourceCounts]
    counts: Counts
    notes: list[Note]
    """The first faults met, with their lines."""
    macro: list[MacroRow] = []
    """Beside `scores`, which are micro averages: every label counts alike."""
    completion: list[Row] = []
    """Where rows say what was completed: triples that the text supports, and triples that it does not."""
    by_language: list[Row] = []
    """Where it was asked for: by the script of the texts."""
    errors: list[Any] = []
    """Where they were asked for: errors by class (`ErrorCount`), ..."""
    confusions: list[Any] = []
    """... labels answered in place of others (`Confusion`), ..."""
    orders: list[Any] = []
    """... F1 of each label order (`OrderScores`), ..."""
    reliability: list[Any] = []
    """... and confidence against what was right (`ReliabilityCurve`)."""
    printed: dict[str, Any] = {}
    """Under a protocol: what its program prints, under the names it gives."""

    def score(self, task: str, group: str) -> Score:
        """The total of a task's group, or of a part of it (`supported`, `completed`).

        Raises:
            KeyError: nothing of that task was scored.
        """
        for row in (*self.scores, *self.field_scores, *self.completion):
            if (row.task, row.group) == (task, group):
                return row.score
        raise KeyError((task, group))

    def to_json(self) -> bytes:
        """The report as indented JSON, numbers in full."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"
