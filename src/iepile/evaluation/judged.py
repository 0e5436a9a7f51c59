"""Texts with what is true of them and what was answered: what errors, intervals, comparisons and pages are made of.

    reader = RecordReader("NER", detail=True)
    for text in judged(reader, "pred.json"):
        text.gold, text.answered

Scoring alone (count.py) needs less and is faster; both read the same records, so their counts agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import msgspec

from iepile.evaluation.facts import Record, RecordReader
from iepile.evaluation.pairing import Key, pairs
from iepile.language import language_of
from iepile.records import Facts
from iepile.tasks.matching import BY_PLACE, Match
from iepile.tasks.task import Item, Problem, Task


class JudgedRow(msgspec.Struct, frozen=True):
    """One row of a text."""

    line: int
    items: tuple[Item, ...]
    """What it asked."""
    finish: str
    """How the engine ended, where the row says so: `stop`, `length`, `error`."""


class Judged(msgspec.Struct, frozen=True, dict=True):
    """One text of one task."""

    task: Task
    source: str
    id: str
    text: str
    line: int
    """Of its first row."""
    gold: Facts
    """As scoring takes it: by text each fact once (`Task.canonical`), by place each mention."""
    answered: Facts
    """What is scored, with places and confidence where the rows carry them (`facts`)."""
    asked: frozenset[str]
    """Labels that were asked."""
    problems: tuple[tuple[int, Problem], ...]
    """Line, and what was odd about its answer."""
    rows: tuple[JudgedRow, ...] = ()

    @property
    def language(self) -> str:
        """`zh` or `en`, by its script."""
        return language_of(self.text)

    @cached_property
    def invalid(self) -> int:
        """Answers in which nothing could be read."""
        return sum(p.kind == "invalid" for _, p in self.problems)

    def keys(self, group: str, match: Match, distinct: bool) -> tuple[list[Key], list[Key]]:
        """Scoring keys of answered and gold facts of a score group, in the order of the facts.

        Args:
            distinct: repeats count once (`match_mode` `set`, and always in the field's groups).
        """
        both = self.task.keys(self.answered, match)[group], self.task.keys(self.gold, match)[group]
        if distinct or group in self.task.field_groups:
            return list(dict.fromkeys(both[0])), list(dict.fromkeys(both[1]))
        return both

    def counts(self, group: str, match: Match, distinct: bool) -> tuple[int, int, int]:
        """Right, answered and gold facts of a score group."""
        answered, gold = self.keys(group, match, distinct)
        return sum(g is not None for g in pairs(answered, gold, match)), len(answered), len(gold)


def judged(reader: RecordReader, path: str) -> Iterator[Judged]:
    """Every text of a prediction file that has gold, by its first row.

    Args:
        reader: made with `detail=True`; its counts and notes are complete when the iterator is.

    Raises:
        InputError: no such file, or an empty one.
    """
    for record in reader.read(path):
        if record.gold is None:
            reader.counts.unscored_records += 1
            continue
        reader.counts.records += 1
        problems = tuple(
            (row[0], p) for row, answer in zip(record.rows, record.answers, strict=True)
            for p in (*answer.problems, *(p for part in answer.parts for p in part.problems))
        )
        rows = tuple(
            JudgedRow(row[0], question.items, row[2] if isinstance(row[2], str) else "")
            for row, question in zip(record.rows, record.asked, strict=True)
        )
        yield Judged(record.task, record.source, record.id, record.text, record.rows[0][0], record.gold,
                     _answered(record, reader.match), record.labels_asked(), problems, rows)


def _answered(record: Record, match: Match) -> Facts:
    placed = record.task.join(record.placed)
    if match in BY_PLACE:
        return placed
    read = record.task.join(a.facts for a in record.answers)
    # `facts` state what the answers do, unless somebody changed them afterwards: only then are the answers bare.
    return placed if _same(record.task, placed, read) else read


def _same(task: Task, a: Facts, b: Facts) -> bool:
    first, second = task.keys(a), task.keys(b)
    return all(sorted(first[g], key=repr) == sorted(second[g], key=repr) for g in task.groups)
