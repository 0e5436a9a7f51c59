"""What is odd about prediction rows: counted, the first told with their lines, all of them written where wanted."""

from __future__ import annotations

from bisect import insort
from typing import IO

import msgspec

MOST_NOTES = 20
"""Faults that are told with their line; the others are only counted, and written where somebody wants them."""


class Counts(msgspec.Struct):
    """How many rows, records and oddities were met. Nothing is left out without a count."""

    rows: int = 0
    records: int = 0
    """Texts with a label: these are scored."""
    unscored_records: int = 0
    """Texts without a readable label."""
    unreadable_rows: int = 0
    """Lines that are no JSON object, or without a readable instruction or task."""
    unreadable_labels: int = 0
    """Labels that are not an annotation of their task."""
    other_task_rows: int = 0
    """Rows of another task than the one asked for."""
    invalid: int = 0
    """Answers in which no JSON object could be read; they answer nothing."""
    salvaged: int = 0
    """Answers read after repair (code fence, cut short, ...)."""
    wrong_form: int = 0
    """Values that have not the form of the task; they are left out."""
    not_asked: int = 0
    """Labels and roles answered that were not asked; they are left out."""
    missing: int = 0
    """Labels asked that the answer does not mention."""
    gold_not_asked: int = 0
    """Gold facts of labels that no row of their record asks."""
    gold_mentions: int = 0
    """Offset scoring: mentions in the gold."""
    gold_without_place: int = 0
    """Offset scoring: of these, those without offsets; they are compared by their text."""
    ungrounded: int = 0
    """Offset scoring: predicted mentions without offsets."""
    without_facts: int = 0
    """Offset scoring: rows without `facts`; they answer nothing."""
    failed: int = 0
    """Rows on which the engine failed."""


class Note(msgspec.Struct):
    """A fault at a line."""

    line: int
    problem: str


class Faults:
    """The faults of a file."""

    def __init__(self, every: IO[bytes] | None = None) -> None:
        """`every`: gets all of them, one JSON object a line, as they are found."""
        self.counts = Counts()
        self.first: list[Note] = []
        """Those of the first lines, by line."""
        self._every = every
        self._encode = msgspec.json.Encoder().encode

    def note(self, line: int, problem: str) -> None:
        """Tell a fault."""
        note = Note(line, problem)
        if self._every is not None:
            self._every.write(self._encode(note) + b"\n")
        if len(self.first) < MOST_NOTES or line < self.first[-1].line:
            insort(self.first, note, key=lambda n: n.line)
            del self.first[MOST_NOTES:]
