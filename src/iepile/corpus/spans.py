"""Moving the mentions of a document to another text.

>>> doc = Document("Ada  met", entities=(Entity("person", Span("Ada", 0, 3)), Entity("blank", Span(" ", 4, 5))))
>>> moved, lost = move_spans(doc, "Ada met", lambda span: None if span.text == " " else span)
>>> [e.type for e in moved.entities], lost
(['person'], 1)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from iepile.records import Argument, Document, Entity, Event, Relation, Span

_Fact = TypeVar("_Fact", Entity, Relation, Event)

Place = Callable[[Span], Span | None]
"""Where a mention stands in the new text; None where nothing of it is left."""


def move_spans(doc: Document, text: str, place: Place) -> tuple[Document, int]:
    """`doc` over `text`, and how many mentions have no place there.

    An entity, argument or end of a relation without a place takes its fact with it; an event whose trigger
    has none becomes an event without trigger.
    """
    lost = 0

    def moved(span: Span) -> Span | None:
        nonlocal lost
        new = place(span)
        lost += new is None
        return new

    def entity(e: Entity) -> Entity | None:
        span = moved(e.span)
        return None if span is None else Entity(e.type, span, e.confidence)

    def relation(r: Relation) -> Relation | None:
        head, tail = moved(r.head), moved(r.tail)
        if head is None or tail is None:
            return None
        return Relation(r.type, head, tail, r.head_type, r.tail_type, r.confidence)

    def event(e: Event) -> Event:
        trigger = None if e.trigger is None else moved(e.trigger)
        arguments = ((a, moved(a.span)) for a in e.arguments)
        kept = tuple(Argument(a.role, span, a.confidence) for a, span in arguments if span is not None)
        return Event(e.type, trigger, kept, e.confidence)

    new = msgspec.structs.replace(doc, text=text, entities=_kept(map(entity, doc.entities)),
                                  relations=_kept(map(relation, doc.relations)),
                                  events=_kept(map(event, doc.events)))
    return new, lost


def _kept(facts: Iterable[_Fact | None]) -> tuple[_Fact, ...]:
    return tuple(f for f in facts if f is not None)
