"""From prediction rows to records: what was asked of a text, what is there, what was answered.

Rows of one text share source and id; a row that asks again what its record was asked already, or that
carries another label, opens a new record: texts that are equal are never merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.instruction import read_instruction
from iepile.jsonl import read_lines
from iepile.records import Facts, text_id
from iepile.tasks.task import Answer, Item, Match, Problem, Task, get_task

MOST_NOTES = 20
"""Faults that are told with their line; the others are only counted."""


class Counts(msgspec.Struct):
    """How many rows, records and oddities were met. Nothing is left out without a count."""

    rows: int = 0
    records: int = 0
    """Texts with a label: these are scored."""
    unscored_records: int = 0
    """Texts without a readable label."""
    unreadable_rows: int = 0
    """Lines that are no JSON object, or without a readable instruction or task."""
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


class Record(msgspec.Struct):
    """One text: its gold facts, and the answers of all its rows."""

    task: Task
    source: str
    label: str | None
    asked: list[tuple[Item, ...]]
    """What each row asked."""
    answers: list[Facts]
    """What each row answered."""
    gold: Facts | None = None
    invalid: int = 0

    def repeats(self, items: Iterable[Item], label: str | None) -> bool:
        """Whether a row with these items and this label is of another text."""
        if label is not None and self.label is not None and label != self.label:
            return True
        # A big event type may be asked in parts, each with other roles.
        return any(i.name == old.name and (not i.roles or not set(i.roles).isdisjoint(old.roles))
                   for before in self.asked for old in before for i in items)


class _Row(msgspec.Struct):
    # A row is to be counted whatever stands in it, so hardly anything is demanded here.
    instruction: Any = None
    id: Any = None
    task: Any = None
    source: Any = None
    label: Any = None
    output: Any = None
    finish: Any = None
    facts: msgspec.Raw = msgspec.Raw(b"")


class _Question(msgspec.Struct):
    input: str
    schema: msgspec.Raw


_row = msgspec.json.Decoder(_Row)
_question = msgspec.json.Decoder(_Question)
_NO_QUESTION = _Question("", msgspec.Raw(b"[]"))
_facts = msgspec.json.Decoder(Facts)
_label = msgspec.json.Decoder(list[dict[str, Any]])


class RecordReader:
    """Reads prediction rows into records, counting whatever is odd."""

    def __init__(self, task: str = "", match: Match = "string") -> None:
        """
        Args:
            task: score only rows of this task; also what rows are taken for that name none.
            match: by text, or by the places in the `facts` of the rows.
        """
        self.task = get_task(task) if task else None
        self.match = match
        self.counts = Counts()
        self.notes: list[Note] = []
        self._open: dict[tuple[str, str, str], Record] = {}
        self._items: dict[tuple[str, bytes], tuple[Item, ...]] = {}

    def read(self, path: str) -> Iterator[Record]:
        """Every record of a file, by its first row.

        Raises:
            InputError: no such file, or an empty one.
        """
        records: list[Record] = []
        for line, raw in read_lines(path):
            self.counts.rows += 1
            try:
                record = self._add(_row.decode(raw), line)
            except (msgspec.DecodeError, UnicodeDecodeError, InputError) as e:
                self.counts.unreadable_rows += 1
                self._note(line, e.problem if isinstance(e, InputError) else f"not a prediction row: {e}")
                continue
            if record is not None:
                records.append(record)
        return iter(records)

    def _add(self, row: _Row, line: int) -> Record | None:
        """Put a row to its record; returns the record when this row opened it."""
        task = self._task_of(row.task)
        if self.task is not None and task is not self.task:
            self.counts.other_task_rows += 1
            return None
        question, fault = _NO_QUESTION, ""
        items: tuple[Item, ...] = ()
        try:
            question = _read_question(row.instruction)
            items = self._items_of(task, question, row.instruction)
        except InputError as e:
            # The gold facts of such a row still count: an answer was expected.
            fault = e.problem
            self.counts.unreadable_rows += 1
            self._note(line, fault)
        label = row.label if row.label is None or isinstance(row.label, str) else _plain(row.label)
        own = f"line {line}" if fault else text_id(question.input)
        key = (task.name, str(row.source or ""), own if row.id is None else str(row.id))
        record = self._open.get(key)
        new = record is None or record.repeats(items, label)
        if record is None or new:
            record = self._open[key] = Record(task, key[1], None, [], [])
        if record.label is None and label is not None:
            record.label, record.gold = label, self._gold(task, label, line)
        record.asked.append(items)
        record.answers.append(self._answer(row, task, items, record, line))
        return record if new else None

    def _task_of(self, named: object) -> Task:
        if named:
            return _task_named(str(named))
        if self.task is None:
            raise InputError("the row names no `task`; give --task")
        return self.task

    def _items_of(self, task: Task, question: _Question, text: str) -> tuple[Item, ...]:
        key = (task.name, bytes(question.schema))
        if (items := self._items.get(key)) is None:
            items = task.read_items(read_instruction(text).schema)
            if len(self._items) < 10_000:
                self._items[key] = items
        return items

    def _gold(self, task: Task, label: str, line: int) -> Facts | None:
        try:
            facts = task.read_label_rows(_label.decode(label))
        except (msgspec.DecodeError, UnicodeEncodeError, InputError) as e:
            self._note(line, e.problem if isinstance(e, InputError) else f"the label cannot be read: {e}")
            return None
        # By place, a mention that stands twice in the text is two facts; by text it is one.
        return task.canonical(facts) if self.match == "string" else _once(facts)

    def _answer(self, row: _Row, task: Task, items: Sequence[Item], record: Record, line: int) -> Facts:
        counts = self.counts
        counts.failed += row.finish == "error"
        if isinstance(row.output, str):
            answer = task.parse(row.output, items)
        else:
            text = "" if row.output is None else _plain(row.output)
            answer = task.parse(text, items) if text else Answer(Facts(), (Problem("invalid", "no answer"),))
        for p in answer.problems:
            if p.kind == "invalid":
                record.invalid += 1
                counts.invalid += 1
                self._note(line, f"invalid answer: {p.detail}")
            elif p.kind == "salvaged":
                counts.salvaged += 1
            elif p.kind == "wrong form":
                counts.wrong_form += 1
            elif p.kind == "not asked":
                counts.not_asked += 1
            elif p.kind == "missing":
                counts.missing += 1
        if self.match == "string":
            return answer.facts
        try:
            facts = _facts.decode(row.facts)
        except msgspec.DecodeError as e:
            counts.without_facts += 1
            self._note(line, f"no `facts` that can be read: {e}")
            return Facts()
        counts.ungrounded += sum(not s.grounded for s in facts.spans())
        return facts

    def _note(self, line: int, problem: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append(Note(line, problem))


def _read_question(text: object) -> _Question:
    if not isinstance(text, str):
        raise InputError("no `instruction`")
    try:
        return _question.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as e:
        raise InputError(f"the instruction cannot be read: {e}") from None


@lru_cache(maxsize=64)
def _task_named(name: str) -> Task:
    return get_task(name)


def _once(facts: Facts) -> Facts:
    """Without facts that are listed twice."""
    return Facts(
        tuple(dict.fromkeys(facts.entities)), tuple(dict.fromkeys(facts.relations)), tuple(dict.fromkeys(facts.events))
    )


def _plain(value: object) -> str:
    return msgspec.json.encode(value).decode()
