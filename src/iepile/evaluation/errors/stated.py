"""Facts as a score group sees them: with label, scoring key, mentions and confidence, in the order of their keys."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import msgspec

from iepile.records import Facts, Span
from iepile.tasks.matching import Match
from iepile.tasks.task import Task


class Stated(msgspec.Struct, frozen=True):
    """A fact as a score group sees it."""

    label: str
    key: Hashable
    spans: tuple[Span | None, ...]
    names: tuple[str, ...]
    role: str = ""
    owner: Span | None = None
    """Of an argument: the trigger of its event."""
    confidence: float | None = None


def stated(task: Task, facts: Facts, group: str, match: Match, distinct: bool) -> list[Stated]:
    """The facts of a score group in the order of their keys (`Judged.keys`).

    Groups called `argument...` are taken to hold an event's arguments, `trigger...` events that have one.
    """
    every = list(_views(task, facts, group))
    keys = task.keys(facts, match)[group]
    found = [msgspec.structs.replace(v, label=label, key=key) for v, (label, key) in zip(every, keys, strict=True)]
    if not distinct:
        return found
    first: dict[tuple[str, Hashable], Stated] = {}
    for fact in found:
        first.setdefault((fact.label, fact.key), fact)
    return list(first.values())


def _views(task: Task, facts: Facts, group: str) -> Iterator[Stated]:
    if task.annotation == "entity":
        for e in facts.entities:
            yield Stated(e.type, None, (e.span,), ("mention",), confidence=e.confidence)
    elif task.annotation == "relation":
        for r in facts.relations:
            yield Stated(r.type, None, (r.head, r.tail), ("head", "tail"), confidence=r.confidence)
    else:
        for event in facts.events:
            if group.startswith("argument"):
                for a in event.arguments:
                    yield Stated(event.type, None, (a.span,), (a.role,), a.role, event.trigger, a.confidence)
            elif event.trigger is not None or not group.startswith("trigger"):
                yield Stated(event.type, None, (event.trigger,), ("trigger",), confidence=event.confidence)
