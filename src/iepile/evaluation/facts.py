"""From prediction rows to records: what was asked of a text, what is there, what was answered.

Rows of one text share source and id; a row that asks again what its record was asked already, or that
carries another label, opens a new record: texts that are equal are never merged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import IO, Any

import msgspec

from iepile.errors import InputError
from iepile.evaluation.answers import AnswerReader, Question, Reading
from iepile.evaluation.completion import TASKS, read_completed
from iepile.evaluation.faults import Counts as Counts
from iepile.evaluation.faults import Faults
from iepile.evaluation.faults import Note as Note
from iepile.evaluation.grouping import Key, Keys, Parts, can_be_read_again, size_of
from iepile.evaluation.record import Record as Record
from iepile.evaluation.rows import AskedRow, Row, Wire, as_json, read_row, read_wire
from iepile.instruction import read_instruction
from iepile.jsonl import BROKEN_JSON, read_lines
from iepile.records import Facts, text_id
from iepile.tasks.matching import BY_PLACE, Match
from iepile.tasks.task import Problem, Task, get_task

MOST_QUESTIONS = 10_000
"""Distinct questions that are kept prepared."""


_facts = msgspec.json.Decoder(Facts)
_label = msgspec.json.Decoder(list[dict[str, Any]])


class RecordReader:
    """Reads prediction rows into records, counting whatever is odd."""

    def __init__(
        self, task: str = "", match: Match = "string", detail: bool = False, every: IO[bytes] | None = None
    ) -> None:
        """
        Args:
            task: score only rows of this task; also what rows are taken for that name none.
            match: what mentions are compared by; by place, the `facts` of the rows are read.
            detail: keep the texts and read the `facts` of the rows in any case (judged.py).
            every: gets every fault (`Faults`).
        """
        self.task = get_task(task) if task else None
        self.match, self.detail = match, detail
        self.with_facts = detail or match in BY_PLACE
        self.faults = Faults(every)
        self.counts = self.faults.counts
        self.keys = Keys()
        """Of the texts that have ended."""
        self._open: tuple[Key, Record] | None = None
        self._questions: dict[tuple[str, bytes], Question] = {}
        self._readers: dict[Task, AnswerReader] = {}

    @property
    def notes(self) -> list[Note]:
        """The faults of the first lines."""
        return self.faults.first

    @property
    def open_key(self) -> Key | None:
        """Of the text whose rows are being read."""
        return None if self._open is None else self._open[0]

    def read(self, path: str) -> Iterator[Record]:
        """Every record of a file: by its first row where the rows of each text stand together.

        Raises:
            InputError: no such file, or an empty one.
        """
        return self.in_order(path) if can_be_read_again(path) and self._together(path) else self.in_parts(path)

    def in_order(self, path: str) -> Iterator[Record]:
        """Records as their rows end; one that comes back is another. Ask `keys.twice()` whether any did."""
        for line, raw in read_lines(path):
            if (record := self.take(raw, line)) is not None:
                yield record
            if not line % 4096 and self.keys.twice_so_far():
                return
        if (record := self.end()) is not None:
            yield record

    def in_parts(self, path: str) -> Iterator[Record]:
        """Records of a file whose rows stand in any order."""
        with Parts(size_of(path)) as parts:
            scout = RecordReader(self.task.name if self.task else "", self.match)
            for line, raw in read_lines(path):
                parts.add(scout.key(raw, line), line, raw)
            for rows in parts:
                yield from self._gathered(rows)

    def _gathered(self, rows: Iterator[tuple[int, bytes]]) -> Iterator[Record]:
        opened: dict[Key, Record] = {}
        records: deque[Record] = deque()
        for line, raw in rows:
            if (asked := self._read_row(raw, line)) is None:
                continue
            if (record := opened.get(asked.key)) is None or record.repeats(asked.question, asked.label):
                record = opened[asked.key] = self._new(asked)
                records.append(record)
            self._join(record, asked)
        opened.clear()
        # Read as late and let go of as early as can be: what waits is text, a tenth of what it means.
        while records:
            yield self._fill(records.popleft())

    def take(self, raw: bytes, line: int) -> Record | None:
        """Read a row; the record before it when this row ended that."""
        asked = self._read_row(raw, line)
        return None if asked is None else self.add(asked)

    def add(self, asked: AskedRow) -> Record | None:
        """Put a row to its record; the record before it when this row ended that."""
        ended = None
        if self._open is None or self._open[0] != asked.key:
            ended = self.end()
            self._open = asked.key, self._new(asked)
        elif self._open[1].repeats(asked.question, asked.label):
            ended = self._fill(self._open[1])
            self._open = asked.key, self._new(asked)
        self._join(self._open[1], asked)
        return ended

    def end(self) -> Record | None:
        """The record whose rows have ended."""
        if self._open is None:
            return None
        (key, record), self._open = self._open, None
        self.keys.add(key)
        return self._fill(record)

    def key(self, raw: bytes, line: int) -> Key | None:
        """Which text a row is of; None where it is of none."""
        asked = self._read_row(raw, line)
        return None if asked is None else asked.key

    def _together(self, path: str) -> bool:
        scout = RecordReader(self.task.name if self.task else "", self.match)
        last: Key | None = None
        for line, raw in read_lines(path):
            key = scout.key(raw, line)
            if key is not None and key != last:
                if last is not None:
                    scout.keys.add(last)
                last = key
            if not line % 4096 and scout.keys.twice_so_far():
                return False
        if last is not None:
            scout.keys.add(last)
        return not scout.keys.twice()

    def _read_row(self, raw: bytes, line: int) -> AskedRow | None:
        """A row as it is needed; None when it is of no text, which is counted and told."""
        self.counts.rows += 1
        try:
            row = read_row(raw)
            task = self._task_of(row.task)
        except (*BROKEN_JSON, InputError) as e:
            self.counts.unreadable_rows += 1
            self.faults.note(line, e.problem if isinstance(e, InputError) else f"not a prediction row: {e}")
            return None
        if self.task is not None and task is not self.task:
            self.counts.other_task_rows += 1
            return None
        try:
            return self._asked(row, task, line)
        except RecursionError:
            self.counts.unreadable_rows += 1
            self.faults.note(line, "not a prediction row: too deeply nested")
            return None

    def _asked(self, row: Row, task: Task, line: int) -> AskedRow:
        text, fault = "", ""
        question = Question((), {})
        try:
            if task.in_words:
                text, question = self._in_words(task, row)
            else:
                wire = read_wire(row.instruction)
                text, question = wire.input, self.question(task, wire, row.instruction)
        except InputError as e:
            # The gold facts of such a row still count: an answer was expected.
            fault = e.problem
            self.counts.unreadable_rows += 1
            self.faults.note(line, fault)
        label = row.label if row.label is None or isinstance(row.label, str) else as_json(row.label)
        # Hashing a text takes longer than all else here.
        own = str(row.id) if row.id is not None else f"line {line}" if fault else text_id(text)
        return AskedRow(task, (task.name, str(row.source or ""), own), question, label, line, row, text)

    def _new(self, asked: AskedRow) -> Record:
        _, source, own = asked.key
        return Record(asked.task, source, None, [], [], own, asked.text if self.detail else "")

    def _join(self, record: Record, asked: AskedRow) -> None:
        if record.label is None and asked.label is not None:
            record.label, record.label_line = asked.label, asked.line
        if asked.row.completed is not None and record.task.name in TASKS:
            self._note_completed(record, asked)
        record.asked.append(asked.question)
        facts = bytes(asked.row.facts) if self.with_facts else b""
        record.rows.append((asked.line, asked.row.output, asked.row.finish, facts))

    def _note_completed(self, record: Record, asked: AskedRow) -> None:
        if (completed := read_completed(asked.row.completed)) is None:
            self.counts.unreadable_labels += 1
            self.faults.note(asked.line, "`completed` is no list of triples; the text is not counted in parts")
            return
        record.completed = completed | (record.completed or frozenset())
        record.text = asked.text

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

    def question(self, task: Task, wire: Wire, text: str) -> Question:
        """What an instruction asks, prepared.

        Raises:
            InputError: not a question of the task.
        """
        key = (task.name, bytes(wire.schema))
        if (question := self._questions.get(key)) is None:
            question = self._reader(task).question(task.read_items(read_instruction(text).schema))
            if len(self._questions) < MOST_QUESTIONS:
                self._questions[key] = question
        return question

    def _in_words(self, task: Task, row: Row) -> tuple[str, Question]:
        if not isinstance(row.instruction, str) or not isinstance(row.input, str):
            raise InputError("no `instruction` and `input`, both as text")
        return row.input, self._reader(task).question(task.read_words(row.instruction))

    def _reader(self, task: Task) -> AnswerReader:
        if (reader := self._readers.get(task)) is None:
            reader = self._readers[task] = AnswerReader(task, self.match)
        return reader

    def _gold(self, task: Task, label: str, line: int) -> Facts | None:
        try:
            facts = task.read_label_rows(_label.decode(label))
        except (*BROKEN_JSON, InputError) as e:
            self.counts.unreadable_labels += 1
            self.faults.note(line, e.problem if isinstance(e, InputError) else f"the label cannot be read: {e}")
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
            text = output if isinstance(output, str) else as_json(output)
            reading = self._reader(record.task).read(text, question)
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
                self.faults.note(line, f"invalid answer: {p.detail}")
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
                self.faults.note(line, f"no `facts` that can be read: {e}")
            return Facts()
        if self.match in BY_PLACE:
            self.counts.ungrounded += sum(not s.grounded for s in facts.spans())
        return facts


@lru_cache(maxsize=64)
def _task_named(name: str) -> Task:
    return get_task(name)


def _once(facts: Facts) -> Facts:
    """Without facts that are listed twice."""
    return Facts(
        tuple(dict.fromkeys(facts.entities)), tuple(dict.fromkeys(facts.relations)), tuple(dict.fromkeys(facts.events))
    )
