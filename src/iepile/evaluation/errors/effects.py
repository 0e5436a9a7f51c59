"""Errors of a file, counted: how many of each class, where to look at some, and what F1 would be without them.

    report = error_report("pred.json", export="errors.jsonl")
    report.counts[0].kind, report.counts[0].count, report.counts[0].f1_if_fixed
"""

from __future__ import annotations

from collections import Counter

import msgspec

from iepile.errors import InputError
from iepile.evaluation.errors.confusion import Confusion, confusion
from iepile.evaluation.errors.errors import ERROR_CLASSES, FactError, named, right_and_wrong
from iepile.evaluation.errors.rows import ErrorWriter
from iepile.evaluation.facts import Counts, RecordReader
from iepile.evaluation.judged import Judged, judged
from iepile.evaluation.report import VERSION, Score
from iepile.jsonl import atomic_writer, check_targets
from iepile.tasks.matching import Match

MOST_EXAMPLES = 3
"""Rows with errors of a class that are referred to."""


class ErrorPlace(msgspec.Struct, frozen=True):
    """Where an error is."""

    line: int
    source: str
    id: str


class ErrorCount(msgspec.Struct, frozen=True):
    """The errors of a class in a task's score group."""

    task: str
    group: str
    kind: str
    count: int
    f1_if_fixed: float
    """F1 in percent, were this class alone put right: of each error with both sides the answer becomes the gold fact,
    without a gold side it is taken back, without an answered side it is given. With p, a and g such errors, of tp
    right, A answered and G gold facts, F1 = 2 (tp + p + g) / (A - a + g + G)."""
    pairs: int
    """Errors with both sides."""
    wrong: int
    """Errors that only have an answer."""
    missed: int
    """Errors that only have a gold fact."""
    examples: tuple[ErrorPlace, ...]
    """The first rows that have some."""


class ErrorTotal(msgspec.Struct, frozen=True):
    """A task's score group: its score as it is, and its errors."""

    task: str
    group: str
    score: Score
    errors: int


class ErrorReport(msgspec.Struct):
    """What is wrong with the answers of a file."""

    setting: str
    """Name and version of the rules, as in `Report`."""
    file: str
    totals: list[ErrorTotal]
    counts: list[ErrorCount]
    """By task, group, and class in the order of `ERROR_CLASSES`; classes that do not occur are left out."""
    confusions: list[Confusion]
    rows: Counts
    """What was odd about the rows."""

    def to_json(self) -> bytes:
        """The report as indented JSON, numbers in full."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


class _Cell:
    """What is counted of a task's score group."""

    def __init__(self) -> None:
        self.sides: dict[str, list[int]] = {}
        """Class -> errors with both sides, with an answer only, with a gold fact only."""
        self.examples: dict[str, list[ErrorPlace]] = {}
        self.labels: Counter[tuple[str | None, str | None]] = Counter()
        self.right = 0


class ErrorTally:
    """Counts the errors of texts, in memory that does not grow with their number."""

    def __init__(self, match: Match, distinct: bool) -> None:
        """
        Args:
            match: what mentions are compared by.
            distinct: repeats count once.
        """
        self.match, self.distinct = match, distinct
        self._cells: dict[tuple[str, str], _Cell] = {}

    def add(self, text: Judged) -> list[FactError]:
        """Count a text; returns its errors (`errors_of`)."""
        every: list[FactError] = []
        for group in text.task.groups:
            cell = self._cells.setdefault((text.task.name, group), _Cell())
            right, errors = right_and_wrong(text, group, self.match, self.distinct)
            cell.right += len(right)
            for fact in right:
                name = named(fact.label, fact.role)
                cell.labels[name, name] += 1
            for error in errors:
                cell.labels[error.names] += 1
                side = 2 if error.answered is None else 1 if error.gold is None else 0
                cell.sides.setdefault(error.kind, [0, 0, 0])[side] += 1
                place, seen = ErrorPlace(error.line, text.source, text.id), cell.examples.setdefault(error.kind, [])
                if len(seen) < MOST_EXAMPLES and place not in seen:
                    seen.append(place)
            every += errors
        return every

    def totals(self) -> list[ErrorTotal]:
        """Scores and numbers of errors by task and group."""
        out = []
        for (task, group), cell in self._cells.items():
            pairs, wrong, missed = (sum(sides[n] for sides in cell.sides.values()) for n in range(3))
            score = Score.of(cell.right, cell.right + pairs + wrong, cell.right + pairs + missed)
            out.append(ErrorTotal(task, group, score, pairs + wrong + missed))
        return sorted(out, key=lambda t: t.task)

    def counts(self) -> list[ErrorCount]:
        """Every class that occurs."""
        out = []
        for total in self.totals():
            cell, s = self._cells[total.task, total.group], total.score
            for kind in filter(cell.sides.__contains__, ERROR_CLASSES):
                pairs, wrong, missed = cell.sides[kind]
                fixed = Score.of(s.tp + pairs + missed, s.pred - wrong + missed, s.gold)
                out.append(ErrorCount(total.task, total.group, kind, pairs + wrong + missed, fixed.f1, pairs, wrong,
                                      missed, tuple(cell.examples[kind])))
        return out

    def confusions(self) -> list[Confusion]:
        """A matrix for each task and group."""
        return [confusion(t.task, t.group, self._cells[t.task, t.group].labels) for t in self.totals()]


def error_report(
    path: str, task: str = "", match: Match = "string", match_mode: str = "normal", export: str = ""
) -> ErrorReport:
    """Count the errors of a file of predictions, which is read once.

    Args:
        task: only rows of this task, and rows that name none.
        match: what mentions are compared by.
        match_mode: `normal`, or `set`: repeats count once.
        export: write every error here, as JSON lines (error_rows.py).

    Raises:
        InputError: no such file, nothing in it that can be scored, or `export` cannot be written.
    """
    reader, tally = RecordReader(task, match, detail=True), ErrorTally(match, match_mode == "set")
    if export:
        check_targets((export,), (path,))
        with atomic_writer(export) as f:
            writer = ErrorWriter(f)
            for text in judged(reader, path):
                writer.write(text, tally.add(text))
            writer.close()
            _check(reader, path)
    else:
        for text in judged(reader, path):
            tally.add(text)
        _check(reader, path)
    return ErrorReport(f"micro-{match}-{match_mode}/{VERSION}", path, tally.totals(), tally.counts(),
                       tally.confusions(), reader.counts)


def _check(reader: RecordReader, path: str) -> None:
    if not reader.counts.records:
        first = f" (line {reader.notes[0].line}: {reader.notes[0].problem})" if reader.notes else ""
        raise InputError(f"none of the {reader.counts.rows} rows can be scored{first}", file=path,
                         expected="rows with `instruction`, `task`, `label` and `output`")
