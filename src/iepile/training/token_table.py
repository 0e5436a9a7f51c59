"""Tokenised rows as flat arrays: little memory a row, and the same whether in memory or mapped from a file."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iepile.training.tokenisation import Encoded

COLUMNS = {"ids": "<i4", "ends": "<i8", "prompt": "<i4", "group": "<u8", "text": "<u8", "key": "<u8", "source": "<i4",
           "task": "<i4", "empty": "|b1"}
"""Arrays of a table and their types; all but `ids` have one number a row."""


@dataclass(frozen=True)
class TokenTable:
    """Rows as token ids."""

    ids: Any
    """Token ids of all rows, one after the other."""
    ends: Any
    """Where each row ends in `ids`."""
    prompt: Any
    """Tokens of each row before the first one that is learned."""
    group: Any
    """The same number for questions with one source, instruction and text."""
    text: Any
    """The same number for rows made of one text."""
    key: Any
    """Decides draws."""
    source: Any
    """Number of the source in `sources`."""
    task: Any
    """Number of the task in `tasks`."""
    empty: Any
    """Whether the answer states no fact."""
    sources: tuple[str, ...]
    tasks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> Any:
        """Tokens of each row."""
        return np.diff(self.ends, prepend=0)

    def row_ids(self, i: int) -> array[int]:
        """Token ids of a row."""
        start = int(self.ends[i - 1]) if i else 0
        return array("i", self.ids[start : int(self.ends[i])].tobytes())


class TableBuilder:
    """Collects encoded rows."""

    def __init__(self) -> None:
        self._sources: dict[str, int] = {}
        self._tasks: dict[str, int] = {}
        self._ids = array("i")
        self._columns = {name: array(code) for name, code in
                         (("ends", "q"), ("prompt", "i"), ("group", "Q"), ("text", "Q"), ("key", "Q"), ("source", "i"),
                          ("task", "i"), ("empty", "b"))}

    def add(self, source: str, task: str, rows: Iterable[Encoded]) -> None:
        """Take rows of a source and a task; a source is known from then on, though it gives no rows."""
        number = self._sources.setdefault(source, len(self._sources))
        of_task = self._tasks.setdefault(task, len(self._tasks))
        c = self._columns
        for row in rows:
            self._ids.extend(row.ids)
            for name, value in (("ends", len(self._ids)), ("prompt", row.prompt), ("group", row.group),
                                ("text", row.text), ("key", row.key), ("source", number), ("task", of_task),
                                ("empty", row.empty)):
                c[name].append(value)

    def table(self, sources: Sequence[str] | None = None) -> TokenTable:
        """The table; sources and tasks are numbered by name, so that their order in the file leaves no trace.

        Args:
            sources: names to number them by, where they are known beforehand.
        """
        names = tuple(sorted(sources if sources is not None else self._sources))
        tasks = tuple(sorted(self._tasks))
        arrays = {name: np.frombuffer(column, column.typecode).astype(COLUMNS[name], copy=False) if column else
                  np.empty(0, COLUMNS[name]) for name, column in self._columns.items()}
        for column, found, ordered in (("source", self._sources, names), ("task", self._tasks, tasks)):
            renumbered = np.array([ordered.index(n) for n in found] or [0], COLUMNS[column])
            arrays[column] = renumbered[arrays[column]]
        kind = COLUMNS["ids"]
        ids = np.frombuffer(self._ids, "i").astype(kind, copy=False) if self._ids else np.empty(0, kind)
        return TokenTable(ids=ids, sources=names, tasks=tasks, **arrays)
