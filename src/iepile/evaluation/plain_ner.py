"""NER rows in their plain form, counted without making facts of them: what most rows of most files are.

A row is plain when its text has no other row, its label and its answer are exactly of the form that `tasks/ner.py`
writes, and it answers only what it asks. Every other row goes the general road (facts.py, count.py), so a result never
depends on which road a row went.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, Literal

import msgspec

from iepile.errors import InputError
from iepile.evaluation.answers import Question
from iepile.evaluation.count import Tally
from iepile.evaluation.facts import RecordReader
from iepile.evaluation.grouping import hash_of
from iepile.evaluation.record import Record
from iepile.evaluation.rows import AskedRow, Row, Wire, decode_wire
from iepile.jsonl import BOM, BROKEN_JSON, open_bytes, readable
from iepile.tasks.task import get_task

_MOST = 256
"""Questions for which decoders are made."""
_FEW = 64
"""Gold facts up to which looking through lists is quicker than hashing."""
_TASK, _GROUP = "NER", "entity"
_Mention = Annotated[str, msgspec.Meta(min_length=1)]


class _Plain(msgspec.Struct, gc=False):
    instruction: str
    label: str
    output: str
    id: str
    source: str = ""
    finish: Literal["stop", "length"] | None = None


class _Named(_Plain, gc=False, kw_only=True):
    task: Literal["NER"]


class _Unnamed(_Plain, gc=False, kw_only=True):
    task: Literal["NER", ""] | None = None


_TEXT = r"[^\"\\“”‘’<\x00-\x1f]"
_NAME = f'"{_TEXT}+"'
_LIST = rf"\[(?:{_NAME}(?:, {_NAME})*)?"


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Of whole members, of a last one whose list is cut, and of a key that is."""
    return (re.compile(rf"\{{(?:{_NAME}: {_LIST}\](?:, )?)*"), re.compile(rf'({_NAME}: {_LIST})(?:, )?(?:"{_TEXT}*)?'),
            re.compile(rf'(?:"{_TEXT}*"?:? ?)?'))


def _cut(text: str) -> tuple[str, int] | None:
    """An answer that was cut short, closed after the last mention that is whole, and how many labels it has.

    What `Task.parse` reads in such a text, which takes fifty times as long; None where there is more to mend.

    >>> _cut('{"a": ["x"], "b": ["y", "z')
    ('{"a": ["x"], "b": ["y"]}', 2)
    """
    whole, last_list, last_key = _patterns()
    if (members := whole.match(text)) is None:
        return None
    end = members.end()
    if last := last_list.fullmatch(text, end):
        closed = text[:end] + last[1] + "]}"
    elif last_key.fullmatch(text, end):
        closed = text[:end].removesuffix(", ") + "}"
    else:
        return None
    return closed, closed.count('": [')


class _Cell:
    """What the texts of one question and source hold, by label."""

    __slots__ = ("gold", "missed", "pred", "salt", "spread")

    def __init__(self, labels: tuple[str, ...], salt: int) -> None:
        self.salt = salt
        """What makes the hash of an id that of a key."""
        self.gold, self.pred, self.missed = (dict.fromkeys(labels, 0) for _ in range(3))
        self.spread: dict[tuple[int, int, int], int] = {}
        """As in `count.Cell`."""


class _Asked:
    """A question about labels, and what decodes labels and answers that hold no others."""

    __slots__ = ("answer", "cells", "label", "labels", "question", "size")

    def __init__(self, question: Question, labels: tuple[str, ...]) -> None:
        self.question, self.labels, self.size = question, labels, len(labels)
        self.cells: dict[str, _Cell] = {}
        """By source."""
        name: Any = Literal[self.labels]
        fact = msgspec.defstruct("Fact", [("entity", _Mention), ("entity_type", name)], gc=False,
                                 forbid_unknown_fields=True)
        self.label: Callable[[str], list[Any]] = msgspec.json.Decoder(list[fact]).decode  # type: ignore[valid-type]
        self.answer: Callable[[str], dict[str, list[str]]] = msgspec.json.Decoder(dict[name, list[_Mention]]).decode
        """Reads an answer. Raises what `BROKEN_JSON` names."""

    def closed(self, output: str) -> dict[str, list[str]]:
        """An answer that is only cut short. Raises what `BROKEN_JSON` names."""
        if (closed := _cut(output)) is None:
            raise msgspec.DecodeError
        answer = self.answer(closed[0])
        if len(answer) != closed[1]:  # a label that stands twice
            raise msgspec.DecodeError
        return answer


_NOBODY = _Asked(Question((), {}), ("",))


class PlainNer:
    """Scores a file of which most rows are plain NER rows."""

    def __init__(self, reader: RecordReader, tally: Tally) -> None:
        """Both are filled as the general road does it."""
        self.reader, self.tally = reader, tally
        self._asked: dict[bytes, _Asked] = {}

    def suits(self) -> bool:
        """Whether any row may be plain under the settings of the two."""
        reader = self.reader
        return (reader.task in (None, get_task(_TASK)) and reader.match == "string" and not reader.with_facts
                and not self.tally.by_language)

    def count(self, path: str) -> bool:
        """Score a whole file; False, with nothing done, of one that does not begin with a row on a line.

        Ask `reader.keys.twice()` afterwards whether the rows of a text stood apart: then nothing here holds.
        """
        with open_bytes(path) as f, readable(path):
            head: bytes = f.peek(64)  # type: ignore[attr-defined]
            if head.removeprefix(BOM).lstrip()[:1] != b"{":
                return False
            self._lines(f)
        self._hand_in()
        return True

    def _lines(self, lines: Iterable[bytes]) -> None:
        # One loop, and names of its own for everything in it: calls and look-ups would take half of its time.
        reader, parts, questions, distinct = self.reader, self.reader.keys.parts, self._asked, self.tally.distinct
        many = len(parts) - 1
        decode: Callable[[bytes], _Plain] = msgspec.json.Decoder(_Named if reader.task is None else _Unnamed).decode
        held: _Plain | None = None
        its = _NOBODY
        n = plain = missing = 0
        for line in lines:
            n += 1
            try:
                row = decode(line)
                wire = decode_wire(row.instruction)
                asked = questions.get(bytes(wire.schema)) or self._ask(row, wire)
            except BROKEN_JSON:
                asked = None
            if asked is None:
                if held is not None:
                    self._general(held, its, n - 1)
                    held = None
                self._odd(line, n)
                continue
            plain += 1
            if held is None:
                if reader.open_key is not None:
                    if reader.open_key == (_TASK, row.source, row.id):
                        self._general(row, asked, n)
                        continue
                    self._end()
                held, its = row, asked
                continue
            source, own = held.source, held.id
            if row.id == own and row.source == source:
                self._general(held, its, n - 1)
                self._general(row, asked, n)
                held = None
                continue
            try:
                facts, answer = its.label(held.label), its.answer(held.output)
                if len(facts) > _FEW:
                    raise msgspec.DecodeError
            except BROKEN_JSON:
                try:
                    facts, answer = its.label(held.label), its.closed(held.output)
                except BROKEN_JSON:
                    self._general(held, its, n - 1)
                    self._end()
                    held, its = row, asked
                    continue
                reader.counts.salvaged += 1
            if (cell := its.cells.get(source)) is None:
                cell = its.cells[source] = _Cell(its.labels, hash_of((_TASK, source, "")))
            h = hash(own) ^ cell.salt
            parts[h & many].append(h)
            if not n & 4095 and reader.keys.twice_so_far():
                return
            there = len(facts)
            if there > 1 and len({f.entity for f in facts}) < there:  # a fact that is told twice is one
                facts = list({(f.entity_type, f.entity): f for f in facts}.values())
                there = len(facts)
            if len(answer) != its.size:
                missing += its.size - len(answer)
            if distinct:
                answer = {label: list(set(mentions)) for label, mentions in answer.items()}
            answered = right = 0
            counts = cell.pred
            for label, mentions in answer.items():
                if mentions:
                    size = len(mentions)
                    answered += size
                    counts[label] += size
            counts = cell.gold
            for f in facts:
                label = f.entity_type
                counts[label] += 1
                if (named := answer.get(label)) and (mention := f.entity) in named:
                    named.remove(mention)
                    right += 1
                else:
                    cell.missed[label] += 1
            kind = right, answered, there
            if kind in (spread := cell.spread):
                spread[kind] += 1
            else:
                spread[kind] = 1
            held, its = row, asked
        if held is not None:
            self._general(held, its, n)
        self._end()
        reader.counts.rows += plain
        reader.counts.missing += missing

    def _ask(self, row: _Plain, wire: Wire) -> _Asked | None:
        """The question of a row, where it is plain and there is room for it."""
        if len(self._asked) >= _MOST:
            return None
        try:
            question = self.reader.question(get_task(_TASK), wire, row.instruction)
        except InputError:
            return None
        if not question.known:
            return None
        asked = self._asked[bytes(wire.schema)] = _Asked(question, tuple(question.known))
        return asked

    def _general(self, row: _Plain, asked: _Asked, line: int) -> None:
        """Let a row go the general road."""
        as_any = Row(row.instruction, row.id, _TASK, row.source, row.label, row.output, row.finish)
        key = (_TASK, row.source, row.id)
        self._take(self.reader.add(AskedRow(get_task(_TASK), key, asked.question, row.label, line, as_any, "")))

    def _odd(self, line: bytes, n: int) -> None:
        line = (line.removeprefix(BOM) if n == 1 else line).strip()
        if line:
            self._take(self.reader.take(line, n))

    def _end(self) -> None:
        self._take(self.reader.end())

    def _take(self, record: Record | None) -> None:
        if record is not None:
            self.tally.take(record)

    def _hand_in(self) -> None:
        for asked in self._asked.values():
            for source, cell in asked.cells.items():
                texts = sum(cell.spread.values())
                self.reader.counts.records += texts
                self.tally.texts.setdefault((_TASK, source), [0, 0])[0] += texts
                to = self.tally.cell(_TASK, _GROUP, source)
                to.spread.update(cell.spread)
                for label, there in cell.gold.items():
                    if there or cell.pred[label]:
                        to.gold[label] += there
                        to.pred[label] += cell.pred[label]
                        to.right[label] += there - cell.missed[label]
