"""Where a text carries a label: its facts under the labels that one asks for.

Nothing here knows a task by name: the label of a fact is what the task calls the positives of that fact alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from iepile.records import Entity, Event, Facts, Relation, Span
from iepile.tasks.task import Task


class Mention(msgspec.Struct, frozen=True):
    """Where a text carries a label."""

    label: str
    spans: tuple[Span, ...]
    """The entity; head and tail; the trigger, or nothing where the event has none."""
    fact: Entity | Relation | Event

    @property
    def surface(self) -> tuple[str, ...]:
        """The words of the spans; two mentions in which they are equal can be taken for one another.

        The ends of a relation stand in order of their text, for a label may be the inverse of another.
        """
        return tuple(sorted(plain(s.text) for s in self.spans))


def plain(text: str) -> str:
    """Without case and double blanks."""
    return " ".join(text.casefold().split())


def mentions(task: Task, facts: Facts) -> Iterator[Mention]:
    """Every fact of the task's kind under each label that it is a positive of."""
    if task.annotation == "entity":
        for e in facts.entities:
            for label in task.positives(Facts(entities=(e,))):
                yield Mention(label, (e.span,), e)
    elif task.annotation == "relation":
        for r in facts.relations:
            for label in task.positives(Facts(relations=(r,))):
                yield Mention(label, (r.head, r.tail), r)
    else:
        for ev in facts.events:
            for label in task.positives(Facts(events=(ev,))):
                yield Mention(label, () if ev.trigger is None else (ev.trigger,), ev)
