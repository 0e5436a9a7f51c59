"""The records everything passes around: spans, facts, documents.

Offsets are code points into `Document.text`, end exclusive; `None` means unknown.
All records are frozen: a step returns new ones.

>>> doc = Document("Ada met Bob.", entities=(Entity("person", Span("Ada", 0, 3)),))
>>> doc.entities[0].span.text
'Ada'
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """A piece of text, with its place when that is known."""

    text: str
    start: int | None = None
    """First code point, 0-based."""
    end: int | None = None
    """One past the last code point."""

    @property
    def grounded(self) -> bool:
        """True when the place in the text is known."""
        return self.start is not None and self.end is not None

    @property
    def offsets(self) -> tuple[int, int] | None:
        """(start, end) or None."""
        return None if self.start is None or self.end is None else (self.start, self.end)


class Entity(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mention of an entity type."""

    type: str
    span: Span
    confidence: float | None = None
    """0 to 1, when the model gives one."""
    support: float | None = None
    """Share of the label orders asked that state it, above 0 to 1, when several were asked."""


class Relation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A typed, directed relation between two mentions."""

    type: str
    head: Span
    tail: Span
    head_type: str | None = None
    tail_type: str | None = None
    confidence: float | None = None
    support: float | None = None


class Argument(msgspec.Struct, frozen=True, omit_defaults=True):
    """What fills one role of an event."""

    role: str
    span: Span
    confidence: float | None = None
    support: float | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event of a type; `trigger` is None where the data names none."""

    type: str
    trigger: Span | None = None
    arguments: tuple[Argument, ...] = ()
    confidence: float | None = None
    support: float | None = None


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer, a document or a model states, without the text."""

    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    events: tuple[Event, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.entities or self.relations or self.events)

    def __add__(self, other: Facts) -> Facts:
        return Facts(
            self.entities + other.entities,
            self.relations + other.relations,
            self.events + other.events,
        )

    def spans(self) -> list[Span]:
        """Every mention, in order: entities, heads and tails, triggers and arguments."""
        out = [e.span for e in self.entities]
        for r in self.relations:
            out += (r.head, r.tail)
        for ev in self.events:
            if ev.trigger is not None:
                out.append(ev.trigger)
            out += (a.span for a in ev.arguments)
        return out


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text and what is annotated in it.

    `annotated` names the kinds of facts that somebody looked for ("entity", "relation", "event"):
    an empty list of entities in a document annotated for entities means there are none.
    """

    text: str
    id: str | None = None
    language: str | None = None
    """`zh` or `en`."""
    source: str | None = None
    """Data set or collection the text comes from."""
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    events: tuple[Event, ...] = ()
    annotated: tuple[str, ...] = ()
    meta: dict[str, Any] = {}

    @property
    def facts(self) -> Facts:
        """The three lists as one value."""
        return Facts(self.entities, self.relations, self.events)

    @property
    def key(self) -> str:
        """The record's own id, else the SHA-256 of its text (formats.md 1.3)."""
        return self.id if self.id is not None else text_id(self.text)


def text_id(text: str) -> str:
    """Lower-case hex SHA-256 of the UTF-8 text: the id the IEPile format gives a record."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
