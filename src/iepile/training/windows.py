"""A row that is too long becomes several: its text is split at sentences, and each part keeps its facts.

>>> parts = split_row(row, fits)  # doctest: +SKIP

A part holds the facts whose mentions all lie in its text. Parts overlap, and where a fact still stands in none of them,
the sentences around it become a part of their own if they fit; what cannot be held is counted as lost. Everything that
was asked is asked of each part, but for triggers that a question tells (EEA) and that the part does not hold.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec.structs import replace

from iepile.errors import InputError
from iepile.instruction import read_instruction
from iepile.jsonl import dumps
from iepile.records import Argument, Event, Facts, Relation, Span
from iepile.tasks.ee import EventExtraction
from iepile.tasks.re import RelationExtraction
from iepile.tasks.task import Item, Task, get_task, task_names
from iepile.training.rows import Row
from iepile.training.stretches import around, stretches, tightest

OVERLAP = 4
"""Parts share at most one in so many of their characters with the one before."""
LEAST = 32
"""Characters that a part of a sentence must have: less makes no sense to a reader."""
_CLAUSE = re.compile(r"[，、；：,;:]+\s*|\s+")
_LATIN = re.compile(r"[0-9A-Za-z\u00c0-\u024f]")
_decode = msgspec.json.Decoder().decode

Fits = Callable[[str, str], bool]
"""Whether a question with its answer is short enough."""


class Reason(StrEnum):
    """Why a row that is too long was left out."""

    TOO_LONG = "too long, and too_long is drop"
    FREE_TEXT = "too long, and the question is no JSON with a text to split"
    NO_TASK = "too long, and the row names no task we know"
    ODD_QUESTION = "too long, and the schema is not as its task asks"
    ODD_ANSWER = "too long, and the answer is not as its task answers"
    NO_ROOM = "too long, and the question leaves too little room for text"
    NOTHING_ASKED = "too long, and no part holds what the question tells"


class Part(msgspec.Struct, frozen=True):
    """A row made of part of a text."""

    query: str
    answer: str
    start: int
    """Place in the text of the row: first code point."""
    end: int


class Split(msgspec.Struct, frozen=True):
    """What became of a row."""

    parts: tuple[Part, ...]
    facts: int
    """What the answer stated, each once, as scoring counts it."""
    lost: int
    """Those that no part states."""


def split_row(row: Row, fits: Fits) -> Split | Reason:
    """Make rows that fit of one that does not; or why there is no way."""
    try:
        question = _Question(row)
    except _Unsplittable as e:
        return e.reason
    parts: dict[tuple[int, int], Part] = {}

    def fit(start: int, end: int) -> bool:
        part = parts.get((start, end)) or question.part(start, end)
        parts[start, end] = part
        return fits(part.query, part.answer)

    places = stretches(question.text, fit)
    if places is None:
        return Reason.NO_ROOM
    made = {p: question.held(*p) for p in places if question.asked(*p)}
    stated = question.keys(question.facts)
    lost = stated.difference(*map(question.keys, made.values()))
    for mentions, keys in question.together():
        if keys & lost and (place := tightest([question.places(m) for m in mentions], list(map(len, mentions)))):
            place = around(question.text, *place)
            facts = question.held(*place)
            if question.keys(facts) & lost and fit(*place):
                made[place] = facts
                lost -= question.keys(facts)
    if not made:
        return Reason.NOTHING_ASKED
    return Split(tuple(parts[p] for p in sorted(made)), len(stated), len(lost))


class _Unsplittable(Exception):
    def __init__(self, reason: Reason) -> None:
        self.reason = reason


class _Question:
    """A row taken apart: text, what is asked, what was answered and in which form."""

    def __init__(self, row: Row) -> None:
        try:
            self.text = read_instruction(row.query).input
        except InputError:
            raise _Unsplittable(Reason.FREE_TEXT) from None
        if row.task not in task_names():
            raise _Unsplittable(Reason.NO_TASK)
        self.task = get_task(row.task)
        self.fields: dict[str, Any] = _decode(row.query)
        schema = self.fields["schema"]
        self.entries = list(schema)
        self.described = isinstance(schema, dict)
        try:
            items = self.task.read_items(self.entries)
        except InputError:
            raise _Unsplittable(Reason.ODD_QUESTION) from None
        read = self.task.parse(row.answer, items)
        if any(p.kind != "missing" for p in read.problems):
            raise _Unsplittable(Reason.ODD_ANSWER)
        self.answered: dict[str, Any] = _decode(row.answer)
        self.facts = self.task.canonical(read.facts)
        self.bare = _bare_heads(self.answered, items) if self.task.attributes else ()
        self.writer = _writer(self.task, self.answered)
        self.flat = isinstance(self.task, EventExtraction) and _flat(self.answered)
        if self.flat and not self.task.poses_facts:
            raise _Unsplittable(Reason.ODD_ANSWER)
        self._places: dict[str, list[int]] = {}

    def keys(self, facts: Facts) -> set[tuple[str, str, Hashable]]:
        """Each thing that facts state, as scoring counts it."""
        keys = self.task.keys(facts)
        return {(group, label, key) for group in self.task.groups for label, key in keys[group]}

    def asked(self, start: int, end: int) -> list[Any]:
        """Entries of the schema that make sense for a part of the text."""
        if not self.task.poses_facts:
            return self.entries
        out: list[Any] = []
        for entry in self.entries:
            told = entry.get("trigger")
            told = [told] if isinstance(told, str) else told
            if isinstance(told, list) and told:
                told = [t for t in told if not t or self.holds(t, start, end)]
                entry = entry | {"trigger": told}
            if told != []:
                out.append(entry)
        return out

    def held(self, start: int, end: int) -> Facts:
        """The facts whose mentions lie in a part of the text, and that are asked there."""
        events = self.facts.events
        if self.task.poses_facts:
            asked = {entry["event_type"] for entry in self.asked(start, end)}
            events = tuple(e for e in events if e.type in asked)
        return Facts(
            tuple(e for e in self.facts.entities if self.holds(e.span.text, start, end)),
            tuple(r for r in self.facts.relations
                  if self.holds(r.head.text, start, end) and self.holds(r.tail.text, start, end)),
            tuple(kept for e in events if (kept := self._held_event(e, start, end)) is not None),
        )

    def together(self) -> Iterator[tuple[tuple[str, ...], set[tuple[str, str, Hashable]]]]:
        """Mentions that must stand in one part, and what they state."""
        for e in self.facts.entities:
            yield (e.span.text,), self.keys(Facts((e,)))
        for r in self.facts.relations:
            yield (r.head.text, r.tail.text), self.keys(Facts(relations=(r,)))
        for event in self.facts.events:
            if event.trigger is None:
                yield tuple(a.span.text for a in event.arguments), self.keys(Facts(events=(event,)))
                continue
            single: list[tuple[Argument, ...]] = [(a,) for a in event.arguments]
            for arguments in single or [()]:
                mentions = (event.trigger.text, *(a.span.text for a in arguments))
                yield mentions, self.keys(Facts(events=(replace(event, arguments=arguments),)))

    def _held_event(self, event: Event, start: int, end: int) -> Event | None:
        arguments = tuple(a for a in event.arguments if self.holds(a.span.text, start, end))
        if event.trigger is None:
            return event if len(arguments) == len(event.arguments) else None
        word = event.trigger.text
        if not self.holds(word, start, end):
            return None
        # A word that stands in several places triggers the event where something of it is told.
        sure = arguments or not event.arguments or self.task.poses_facts or len(self.places(word)) == 1
        return replace(event, arguments=arguments) if sure else None

    def part(self, start: int, end: int) -> Part:
        """The row for a part of the text."""
        text, entries = self.text[start:end], self.asked(start, end)
        schema = self.fields["schema"] if self.described else entries
        facts = self.held(start, end)
        bare = (r for r in self.bare if self.holds(r.head.text, start, end))
        items = self.task.read_items(entries)
        answer = self.writer.answer(facts + Facts(relations=tuple(bare)), items, text)
        answer = {k: v for k, v in answer.items() if k in self.answered}
        if self.flat:
            answer = {k: [e["arguments"] for e in events if e["arguments"]] for k, events in answer.items()}
        return Part(dumps(self.fields | {"schema": schema, "input": text}), dumps(answer), start, end)

    def holds(self, mention: str, start: int, end: int) -> bool:
        """Whether a mention stands in a part of the text."""
        places = self.places(mention)
        i = bisect_left(places, start)
        return i < len(places) and places[i] + len(mention) <= end

    def places(self, mention: str) -> list[int]:
        """Where a mention stands; inside of Latin words only if it never stands alone."""
        if (found := self._places.get(mention)) is None:
            found = [m.start() for m in re.finditer(f"(?={re.escape(mention)})", self.text)]
            found = [p for p in found if self._alone(p, p + len(mention))] or found
            self._places[mention] = found
        return found

    def _alone(self, start: int, end: int) -> bool:
        return not (_LATIN.match(self.text[start - 1 : start]) and _LATIN.match(self.text[start])) and not (
            _LATIN.match(self.text[end - 1]) and _LATIN.match(self.text[end : end + 1]))


def _writer(task: Task, answer: dict[str, Any]) -> Task:
    """The task, writing the ends of relations as an answer does."""
    if isinstance(task, RelationExtraction) and not task.attributes:
        pairs = [p for values in answer.values() if isinstance(values, list) for p in values]
        if any(isinstance(p, dict) and "head" in p for p in pairs):
            return type(task)(("head", "tail"))
    return task


def _flat(answer: dict[str, Any]) -> bool:
    """Whether events are written as their arguments alone, `{role: mention}`."""
    events = [e for values in answer.values() if isinstance(values, list) for e in values]
    return bool(events) and all(isinstance(e, dict) and e and "arguments" not in e for e in events)


def _bare_heads(answer: dict[str, Any], items: Sequence[Item]) -> tuple[Relation, ...]:
    """Entities that are named without any attribute, as facts that an answer states by the name alone."""
    return tuple(
        Relation("", Span(head), Span(head), item.name)
        for item in items if isinstance(heads := answer.get(item.name), dict)
        for head, attributes in heads.items() if not attributes
    )
