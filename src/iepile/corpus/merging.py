"""Two records of one text made one: facts carried over to the text that stays, then united.

>>> first = Document("Ada met Bob.", entities=(Entity("person", Span("Ada", 0, 3)),), annotated=("entity",))
>>> other = Document("ADA  met Bob.", entities=(Entity("person", Span("Bob", 9, 12)),), annotated=("entity",))
>>> [e.span for e in union(first, carry(other, first.text)).entities]
[Span(text='Ada', start=0, end=3), Span(text='Bob', start=8, end=11)]
"""

from __future__ import annotations

import functools
import unicodedata
from bisect import bisect_left
from collections.abc import Hashable, Iterable
from typing import TypeVar

import msgspec

from iepile.corpus.spans import move_spans
from iepile.records import Document, Entity, Event, Relation, Span

_Fact = TypeVar("_Fact", bound=Entity | Relation)
_Place = tuple[str, int | None, int | None]


def carry(doc: Document, text: str) -> Document | None:
    """`doc` over a text that differs in case, width and white space only; None where it differs in more."""
    if doc.text == text:
        return doc
    old, old_at = _skeleton(doc.text)
    new, new_at = _skeleton(text)
    if old != new:
        return None

    def stretch(first: int, last: int) -> Span | None:
        start, end = new_at[first], new_at[last] + 1
        return Span(text[start:end], start, end)

    def place(span: Span) -> Span | None:
        offsets = span.offsets
        if offsets is None:
            bare = _skeleton(span.text)[0]
            at = new.find(bare)
            found = stretch(at, at + len(bare) - 1) if bare and at >= 0 else None
            return Span(found.text) if found else span
        first, after = bisect_left(old_at, offsets[0]), bisect_left(old_at, offsets[1])
        return stretch(first, after - 1) if first < after else None

    return move_spans(doc, text, place)[0]


def union(first: Document, other: Document) -> Document:
    """`first` with what `other` states beyond it; both have the same text.

    A fact without offsets is the same as one with offsets and equal words. Events of one type and trigger
    are one event with the arguments of both.
    """
    return msgspec.structs.replace(
        first,
        entities=_united(first.entities, other.entities),
        relations=_united(first.relations, other.relations),
        events=_united_events(first.events, other.events),
        annotated=tuple(dict.fromkeys((*first.annotated, *other.annotated))),
    )


def _skeleton(text: str) -> tuple[str, list[int]]:
    """The letters that `fold` leaves, without blanks, and where in the text each comes from."""
    letters: list[str] = []
    at: list[int] = []
    for i, char in enumerate(text):
        plain = _plain(char)
        letters.append(plain)
        at += [i] * len(plain)
    return "".join(letters), at


@functools.lru_cache(1 << 14)
def _plain(char: str) -> str:
    return "".join(unicodedata.normalize("NFKC", char).casefold().split())


def _united(first: tuple[_Fact, ...], other: tuple[_Fact, ...]) -> tuple[_Fact, ...]:
    known = _Known()
    return tuple(fact for fact in (*first, *other) if known.adds(_signature(fact)))


def _signature(fact: Entity | Relation) -> tuple[tuple[Hashable, ...], tuple[_Place, ...]]:
    if isinstance(fact, Entity):
        return (fact.type,), (_place(fact.span),)
    return (fact.type, fact.head_type, fact.tail_type), (_place(fact.head), _place(fact.tail))


def _place(span: Span | None) -> _Place:
    return ("", None, None) if span is None else (span.text, span.start, span.end)


class _Known:
    """Facts by name and places; one without places is known by its words."""

    def __init__(self) -> None:
        self._exact: set[Hashable] = set()
        self._words: dict[Hashable, bool] = {}
        """Name and words -> whether any fact of them lacks a place."""

    def adds(self, signature: tuple[tuple[Hashable, ...], tuple[_Place, ...]]) -> bool:
        name, places = signature
        words = (name, tuple(text for text, _, _ in places))
        vague = any(start is None for _, start, _ in places)
        if (name, places) in self._exact or (words in self._words and (vague or self._words[words])):
            return False
        self._exact.add((name, places))
        self._words[words] = vague
        return True


def _united_events(first: Iterable[Event], other: Iterable[Event]) -> tuple[Event, ...]:
    events = list(first)
    for new in other:
        for n, event in enumerate(events):
            if event == new:
                break
            if event.type == new.type and event.trigger is not None and event.trigger == new.trigger:
                known = {(a.role, _place(a.span)) for a in event.arguments}
                more = tuple(a for a in new.arguments if (a.role, _place(a.span)) not in known)
                events[n] = msgspec.structs.replace(event, arguments=event.arguments + more)
                break
        else:
            events.append(new)
    return tuple(events)
