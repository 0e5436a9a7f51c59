"""Facts as an answer states them, mentions without places: named, placed and put together to a document's facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks import get_task

T = TypeVar("T", Entity, Relation, Argument)


def stated_facts(parts: Iterable[Facts], text: str, options: ReadOptions) -> Facts:
    """What several answers about one text state, each fact once, its labels named and its mentions placed.

    The n-th event of a type and trigger in one answer is the n-th in the others: their arguments are united.
    """
    parts = tuple(parts)
    name, summary = options.label, options.summary
    whole = Facts(_once(e for p in parts for e in p.entities), _once(r for p in parts for r in p.relations),
                  get_task("EE").join(parts).events)

    def place(span: Span) -> Span:
        return options.locate(text, span.text, span.start)

    entities = tuple(Entity(name(e.type), place(e.span), e.confidence) for e in whole.entities if e.span.text)
    relations = tuple(
        replace(r, type=name(r.type), head=place(r.head), tail=place(r.tail),
                head_type=r.head_type and name(r.head_type), tail_type=r.tail_type and name(r.tail_type))
        for r in whole.relations if r.head.text and r.tail.text)
    summary.count(Repair.EMPTY_MENTION,
                  len(whole.entities) + len(whole.relations) - len(entities) - len(relations))
    events = []
    for event in whole.events:
        arguments = _once(event.arguments)
        stated = [a for a in arguments if a.span.text]
        summary.count(Repair.EMPTY_MENTION, len(arguments) - len(stated))
        events.append(Event(
            name(event.type), place(event.trigger) if event.trigger is not None and event.trigger.text else None,
            tuple(Argument(name(a.role), place(a.span), a.confidence) for a in stated), event.confidence))
    return Facts(entities, relations, tuple(events))


def _once(facts: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(facts))
