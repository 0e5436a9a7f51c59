"""What the mining methods see of a task: its labels with their words, and which mentions carry them.

Nothing here knows a task by name: labels are the task's items, and the label of a fact is what the task
calls the positives of that fact alone. So a new task can be mined without a line of code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from iepile.records import Entity, Event, Facts, Relation, Span
from iepile.schema import EntityType, EventType, RelationType, Schema
from iepile.tasks.task import Task

Scores = dict[str, dict[str, float]]
"""Label -> other label -> score above 0, at most 1. No label is its own neighbour."""


class Scored(msgspec.Struct, frozen=True):
    """What a method found."""

    scores: Scores
    evidence: Callable[[str, str], tuple[str, ...]]
    """Examples of what speaks for a pair of labels, the strongest first."""


class Label(msgspec.Struct, frozen=True):
    """A label that can be asked, with all that the schema says about it."""

    name: str
    """As dictionaries and questions have it."""
    words: str
    """Without what only tells labels apart: of an SPO label, its predicate."""
    description: str = ""
    roles: tuple[str, ...] = ()
    """Roles of an event type, attributes of an entity type."""
    domain: tuple[str, ...] = ()
    """Entity types of the head of a relation; none: not said."""
    range: tuple[str, ...] = ()
    """Entity types of the tail."""


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


def labels_of(schema: Schema, task: Task) -> tuple[Label, ...]:
    """Every label that the task can ask of the schema, in schema order."""
    described: dict[str, EntityType | RelationType | EventType] = {}
    by_kind: dict[str, tuple[EntityType | RelationType | EventType, ...]] = {
        "entity": schema.entities, "relation": schema.relations, "event": schema.events,
    }
    # Last the kind that the task asks: a relation and an entity type may share a name.
    for kind in sorted(by_kind, key=task.annotation.__eq__):
        described.update((x.name, x) for x in by_kind[kind])
    out = []
    for item in task.items(schema):
        asked = task.question(item)
        asked = asked if isinstance(asked, Mapping) else {}
        words = next((asked[k] for k in ("predicate", "event_type", "entity_type") if k in asked), item.name)
        known = described.get(words)
        ends = (known.domain, known.range) if isinstance(known, RelationType) else ((), ())
        if "subject_type" in asked:
            ends = (asked["subject_type"],), (asked["object_type"],)
        out.append(Label(item.name, words, known.description if known else "", item.roles, *ends))
    return tuple(out)


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
