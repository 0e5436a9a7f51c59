"""From prediction rows to records: what was asked of a text, what is there, what was answered.

Rows of one text share source and id; a row that asks again what its record was asked already, or that
carries another label, opens a new record: texts that are equal are never merged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.evaluation.answers import AnswerReader, Keys, Question, Reading
from iepile.instruction import read_instruction
from iepile.jsonl import BROKEN_JSON, read_lines
from iepile.records import Facts, text_id
from iepile.tasks.matching import BY_PLACE, Match
from iepile.tasks.task import Problem, Task, get_task

MOST_QUESTIONS = 10_000
"""Distinct questions that are kept prepared."""
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
    asked: list[Question]
    """What each row asked."""
    rows: list[tuple[int, Any, Any, bytes]]
    """Line, `output`, `finish` and `facts` of each row, not yet read."""
    id: str = ""
    text: str = ""
    """Only where details are wanted."""
    label_line: int = 0
    gold: Facts | None = None
    answers: list[Reading] = []
    """What each row answered."""
    placed: list[Facts] = []
    """The `facts` of each row, where places or details are wanted."""
    invalid: int = 0

    def keys(self, match: Match) -> Keys:
        """Scoring keys of all answers."""
        if match in BY_PLACE:
            return self.task.keys(self.task.join(self.placed), match)
        if len(self.asked) > 1 and self._in_parts():
            return self.task.keys(self.task.join(a.facts for a in self.answers), match)
        parts = [part.keys for answer in self.answers for part in answer.parts]
        groups = (*self.task.groups, *self.task.field_groups)
        return {group: [key for keys in parts for key in keys[group]] for group in groups}

    def labels_asked(self) -> frozenset[str]:
        """Every label that a row of the record asks."""
        if len(self.asked) == 1:
            return self.asked[0].labels
        return frozenset().union(*(q.labels for q in self.asked))

    def _in_parts(self) -> bool:
        """Whether a label was asked in several rows, each about other roles."""
        names = [i.name for q in self.asked for i in q.items if i.roles]
        return len(names) != len(set(names))

    def repeats(self, question: Question, label: str | None) -> bool:
        """Whether a row with this question and label is of another text."""
        if label is not None and self.label is not None and label != self.label:
            return True
        # A big event type may be asked in parts, each with other roles.
        close = [q for q in self.asked if not q.labels.isdisjoint(question.labels)]
        return any(i.name == old.name and (not i.roles or not set(i.roles).isdisjoint(old.roles))
                   for q in close for old in q.items for i in question.items)


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


class _Wire(msgspec.Struct):
    input: str
    schema: msgspec.Raw


_row = msgspec.json.Decoder(_Row)
_wire = msgspec.json.Decoder(_Wire)
_facts = msgspec.json.Decoder(Facts)
_label = msgspec.json.Decoder(list[dict[str, Any]])


class RecordReader:
    """Reads prediction rows into records, counting whatever is odd."""

    def __init__(self, task: str = "", match: Match = "string", detail: bool = False) -> None:
        """
        Args:
            task: score only rows of this task; also what rows are taken for that name none.
            match: what mentions are compared by; by place, the `facts` of the rows are read.
            detail: keep the texts and read the `facts` of the rows in any case (judged.py).
        """
        self.task = get_task(task) if task else None
        self.match, self.detail = match, detail
        self.with_facts = detail or match in BY_PLACE
        self.counts = Counts()
        self.notes: list[Note] = []
        self._open: dict[tuple[str, str, str], Record] = {}
        self._questions: dict[tuple[str, bytes], Question] = {}
        self._readers: dict[Task, AnswerReader] = {}

    def read(self, path: str) -> Iterator[Record]:
        """Every record of a file, by its first row.

        Raises:
            InputError: no such file, or an empty one.
        """
        records: deque[Record] = deque()
        for line, raw in read_lines(path):
            self.counts.rows += 1
            try:
                record = self._add(_row.decode(raw), line)
            except (*BROKEN_JSON, InputError) as e:
                self.counts.unreadable_rows += 1
                self._note(line, e.problem if isinstance(e, InputError) else f"not a prediction row: {e}")
                continue
            if record is not None:
                records.append(record)
        self._open.clear()
        return self._each(records)

    def _each(self, records: deque[Record]) -> Iterator[Record]:
        # Read as late and let go of as early as can be: what waits is text, a tenth of what it means.
        while records:
            yield self._fill(records.popleft())

    def _add(self, row: _Row, line: int) -> Record | None:
        """Put a row to its record; returns the record when this row opened it."""
        task = self._task_of(row.task)
        if self.task is not None and task is not self.task:
            self.counts.other_task_rows += 1
            return None
        if task not in self._readers:
            self._readers[task] = AnswerReader(task, self.match)
        text, fault = "", ""
        question = Question((), {})
        try:
            wire = _read_wire(row.instruction)
            text, question = wire.input, self._question(task, wire, row.instruction)
        except InputError as e:
            # The gold facts of such a row still count: an answer was expected.
            fault = e.problem
            self.counts.unreadable_rows += 1
            self._note(line, fault)
        label = row.label if row.label is None or isinstance(row.label, str) else _plain(row.label)
        # Hashing a text takes longer than all else here.
        own = str(row.id) if row.id is not None else f"line {line}" if fault else text_id(text)
        key = (task.name, str(row.source or ""), own)
        record = self._open.get(key)
        new = record is None or record.repeats(question, label)
        if record is None or new:
            record = self._open[key] = Record(task, key[1], None, [], [], own, text if self.detail else "")
        if record.label is None and label is not None:
            record.label, record.label_line = label, line
        record.asked.append(question)
        facts = bytes(row.facts) if self.with_facts else b""
        record.rows.append((line, row.output, row.finish, facts))
        return record if new else None

    def _fill(self, record: Record) -> Record:
        """Read the label and the answers of a record whose rows are all there."""
        if record.label is not None:
            record.gold = self._gold(record.task, record.label, record.label_line)
        pairs = zip(record.rows, record.asked, strict=True)
        record.answers = [self._answer(row, question, record) for row, question in pairs]
        if self.with_facts:
            record.placed = [self._facts(facts, line) for line, _, _, facts in record.rows]
        return record

    def _task_of(self, named: object) -> Task:
        if named:
            return _task_named(str(named))
        if self.task is None:
            raise InputError("the row names no `task`; give --task")
        return self.task

    def _question(self, task: Task, wire: _Wire, text: str) -> Question:
        key = (task.name, bytes(wire.schema))
        if (question := self._questions.get(key)) is None:
            question = self._readers[task].question(task.read_items(read_instruction(text).schema))
            if len(self._questions) < MOST_QUESTIONS:
                self._questions[key] = question
        return question

    def _gold(self, task: Task, label: str, line: int) -> Facts | None:
        try:
            facts = task.read_label_rows(_label.decode(label))
        except (*BROKEN_JSON, InputError) as e:
            self._note(line, e.problem if isinstance(e, InputError) else f"the label cannot be read: {e}")
            return None
        # By place, a mention that stands twice in the text is two facts; by text it is one.
        return _once(facts) if self.match in BY_PLACE else task.canonical(facts)

    def _answer(self, row: tuple[int, Any, Any, bytes], question: Question, record: Record) -> Reading:
        line, output, finish, _ = row
        if finish == "error":
            self.counts.failed += 1
        if output is None:
            reading = Reading((), (Problem("invalid", "no answer"),))
        else:
            text = output if isinstance(output, str) else _plain(output)
            reading = self._readers[record.task].read(text, question)
        if reading.problems:
            self._count(reading.problems, record, line)
        for part in reading.parts:
            if part.problems:
                self._count(part.problems, record, line)
        return reading

    def _count(self, problems: Iterable[Problem], record: Record, line: int) -> None:
        counts = self.counts
        for p in problems:
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

    def _facts(self, data: bytes, line: int) -> Facts:
        try:
            facts = _facts.decode(data)
        except BROKEN_JSON as e:
            if self.match in BY_PLACE:
                self.counts.without_facts += 1
                self._note(line, f"no `facts` that can be read: {e}")
            return Facts()
        if self.match in BY_PLACE:
            self.counts.ungrounded += sum(not s.grounded for s in facts.spans())
        return facts

    def _note(self, line: int, problem: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append(Note(line, problem))


def _read_wire(text: object) -> _Wire:
    if not isinstance(text, str):
        raise InputError("no `instruction`")
    try:
        return _wire.decode(text)
    except BROKEN_JSON as e:
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
