"""Errors as JSON lines: one error a row, and at the end, for each task, how many gold facts of each label there were.

    iepile evaluate --path1 dev.pred.json --errors errors.jsonl
    iepile negatives --schema_path schema.yaml --predictions errors.jsonl --tgt_path hard.json

Rows may be left out before the second step, where an annotation is wrong, say; the rows of kind `gold facts` must stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

import msgspec

from iepile.evaluation.errors.errors import FactError, Piece
from iepile.evaluation.errors.mistaken import Mistaken, mistaken, true_labels
from iepile.evaluation.judged import Judged
from iepile.tasks.labelled import plain

GOLD_FACTS = "gold facts"
"""Kind of the last rows."""


class ErrorRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error with its text."""

    task: str
    source: str
    id: str
    line: int
    """Of the row that asked."""
    kind: str
    group: str
    label: str
    text: str
    answered_label: str | None = None
    gold: tuple[Piece, ...] | None = None
    answered: tuple[Piece, ...] | None = None
    role: str = ""
    answered_role: str = ""
    confidence: float | None = None
    mistaken: Mistaken | None = None
    """What its label may have been mistaken for; for hard negatives."""


class GoldFacts(msgspec.Struct, frozen=True):
    """What was there to find."""

    task: str
    kind: str
    texts: int
    labels: dict[str, int]
    """Distinct facts of a text by label, as questions call them."""


def error_rows(text: Judged, errors: Sequence[FactError]) -> Iterator[ErrorRow]:
    """The errors of a text as rows."""
    task = text.task
    left: dict[tuple[str, ...], list[Mistaken]] = {}
    for m in mistaken(task, task.canonical(text.gold), task.canonical(text.answered)):
        left.setdefault(m.surface, []).append(m)
    for e in errors:
        found = None
        if e.answered is not None and not e.role:
            open_ = left.get(tuple(sorted(plain(p.text) for p in e.answered)), [])
            # Of tasks whose scores and questions have other labels (KG), whichever is next.
            found = next((m for m in open_ if m.label == e.answered_label or task.attributes), None)
            if found is not None:
                open_.remove(found)
        role = e.answered[0].name if e.role and e.answered else ""
        yield ErrorRow(task.name, text.source, text.id, e.line, e.kind, e.group, e.label, text.text, e.answered_label,
                       e.gold, e.answered, e.role, role, e.confidence, found)


class ErrorWriter:
    """Writes the errors of texts to an open file."""

    def __init__(self, file: IO[bytes]) -> None:
        """
        Args:
            file: open for writing bytes; it stays open.
        """
        self._file, self._encoder = file, msgspec.json.Encoder()
        self._texts: Counter[str] = Counter()
        self._labels: dict[str, Counter[str]] = {}

    def write(self, text: Judged, errors: Sequence[FactError]) -> None:
        """Write the errors of a text; one without errors is counted."""
        task = text.task
        self._texts[task.name] += 1
        labels = self._labels.setdefault(task.name, Counter())
        labels.update(label for label, _ in true_labels(task, task.canonical(text.gold)))
        for row in error_rows(text, errors) if errors else ():
            self._put(row)

    def close(self) -> None:
        """Write the rows that come last."""
        for task, labels in sorted(self._labels.items()):
            self._put(GoldFacts(task, GOLD_FACTS, self._texts[task], dict(sorted(labels.items()))))

    def _put(self, row: ErrorRow | GoldFacts) -> None:
        self._file.write(self._encoder.encode(row) + b"\n")
