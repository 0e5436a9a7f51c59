"""What the mining methods see of a task: its labels with their words (which mentions carry them: tasks/labelled.py).

Nothing here knows a task by name: labels are the task's items, so a new task can be mined without a line of code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

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
