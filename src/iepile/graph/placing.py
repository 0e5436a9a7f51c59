"""Places for facts that came without: an answer of another program says what, and the text says where."""

from __future__ import annotations

from msgspec.structs import replace

from iepile.records import Argument, Entity, Event, Facts, Relation, Span

MOST = 50
"""Occurrences of a name that are looked at."""


def placed(facts: Facts, text: str) -> Facts:
    """The same facts; a mention that stands in the text gets its first place, the ends of a relation the nearest two.

    >>> placed(Facts(relations=(Relation("r", Span("Bob"), Span("Rome")),)), "Bob. Bob in Rome.").relations[0].head
    Span(text='Bob', start=5, end=8)
    """
    return Facts(tuple(_entity(e, text) for e in facts.entities), tuple(_relation(r, text) for r in facts.relations),
                 tuple(_event(e, text) for e in facts.events))


def _entity(entity: Entity, text: str) -> Entity:
    return replace(entity, span=_first(entity.span, text))


def _event(event: Event, text: str) -> Event:
    trigger = None if event.trigger is None else _first(event.trigger, text)
    return replace(event, trigger=trigger, arguments=tuple(_argument(a, trigger, text) for a in event.arguments))


def _argument(argument: Argument, trigger: Span | None, text: str) -> Argument:
    if trigger is None or trigger.start is None:
        return replace(argument, span=_first(argument.span, text))
    return replace(argument, span=_nearest((trigger,), _places(argument.span, text))[1])


def _relation(relation: Relation, text: str) -> Relation:
    head, tail = _nearest(_places(relation.head, text), _places(relation.tail, text))
    return replace(relation, head=head, tail=tail)


def _nearest(heads: tuple[Span, ...], tails: tuple[Span, ...]) -> tuple[Span, Span]:
    """The two that stand nearest to each other, the first of equals."""
    return min(((h, t) for h in heads for t in tails), key=lambda pair: _distance(*pair))


def _distance(a: Span, b: Span) -> int:
    if a.start is None or a.end is None or b.start is None or b.end is None:
        return 0
    return max(a.start - b.end, b.start - a.end, 0)


def _first(span: Span, text: str) -> Span:
    return _places(span, text, 1)[0]


def _places(span: Span, text: str, most: int = MOST) -> tuple[Span, ...]:
    """Where it stands; itself where it has a place already, or none."""
    out: list[Span] = []
    start = -1 if span.grounded or not span.text else text.find(span.text)
    while start >= 0 and len(out) < most:
        out.append(Span(span.text, start, start + len(span.text)))
        start = text.find(span.text, start + 1)
    return tuple(out) or (span,)
