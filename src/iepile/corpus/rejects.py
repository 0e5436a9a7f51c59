"""Why a record is left out of a corpus: a closed list of reasons, counted, and the records themselves on request.

    with Rejects("rejects.jsonl") as rejects:
        rejects.drop(doc, Reason.SHORT)
    rejects.counts                                   # {"short": 1}

A line of the file is the document in the unified format with one more key, `rejected`: the reason, and for a
copy the document that stays (`of`) and how alike the two are (`similarity`).
"""

from __future__ import annotations

import io
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any

from iepile.jsonl import atomic_writer, dumps
from iepile.records import Document
from iepile.unified import document_to_row


class Reason(StrEnum):
    """Why a record was left out."""

    EMPTY = "empty"
    """Nothing but blanks."""
    SHORT = "short"
    """Fewer characters than `min_characters`."""
    LONG = "long"
    """More characters than `max_characters`."""
    FEW_LETTERS = "few letters"
    """Mostly digits, punctuation and symbols."""
    FEW_STOP_WORDS = "few stop words"
    """No running text: the words that every sentence has are missing."""
    REPEATED_CHARACTERS = "repeated characters"
    """Long runs of one character."""
    REPEATED_LINES = "repeated lines"
    """The same line again and again."""
    LANGUAGE = "language"
    """Not in the language it is said to be in."""
    DUPLICATE = "duplicate"
    """The text of an earlier record, but for case and white space."""
    NEAR_DUPLICATE = "near duplicate"
    """Nearly the text of an earlier record."""
    CONFLICT = "conflict"
    """A text that occurs with different annotation (policy `drop`)."""
    LEAK_EXACT = "leak: exact"
    """The text is in an evaluation split."""
    LEAK_NEAR = "leak: near"
    """Nearly the text of a record of an evaluation split."""
    LEAK_CONTAINED = "leak: contained"
    """Part of an evaluation text, or an evaluation text is part of it."""


class Rejects:
    """Counts what is left out and keeps it in a file if one is named."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = path
        self.counts: dict[str, int] = {}
        """Reason -> records."""
        self.by_source: dict[str, dict[str, int]] = {}
        """Data set -> reason -> records."""
        self._stack = ExitStack()
        self._out: io.TextIOWrapper | None = None

    def __enter__(self) -> Rejects:
        if self.path is not None:
            raw = self._stack.enter_context(atomic_writer(self.path))
            self._out = io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="\n")
            # Writes the rest; inside the stack, so that a full disk takes the unfinished file with it.
            self._stack.callback(self._out.detach)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._out = None
        self._stack.__exit__(kind, error, trace)

    def drop(self, doc: Document, reason: Reason, of: str | None = None, similarity: float | None = None) -> None:
        """Leave out `doc`.

        Args:
            doc: the record.
            reason: why.
            of: key of the record it is a copy of.
            similarity: of the two, 0 to 1.
        """
        self.counts[reason.value] = self.counts.get(reason.value, 0) + 1
        per = self.by_source.setdefault(doc.source or "", {})
        per[reason.value] = per.get(reason.value, 0) + 1
        if self._out is None:
            return
        why: dict[str, Any] = {"reason": reason.value}
        if of is not None:
            why["of"] = of
        if similarity is not None:
            why["similarity"] = round(similarity, 4)
        self._out.write(dumps(document_to_row(doc) | {"rejected": why}) + "\n")
