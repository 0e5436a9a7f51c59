"""EET: event triggers. Question `"type"`, answer `{"type": ["trigger", ...]}` (formats.md 1.3).

An event without trigger has nothing to say here: it is neither taught nor scored.
"""

# What the methods of a task promise stands in task.py.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, ClassVar

from iepile.errors import InputError
from iepile.records import Event, Facts, Span
from iepile.schema import Schema
from iepile.tasks.ee import EventExtraction
from iepile.tasks.matching import span_key
from iepile.tasks.mentions import NOBODY, described, first_seen
from iepile.tasks.shape import MENTIONS, Fill, Shape
from iepile.tasks.task import Answer, Item, Match, Problem
from iepile.tasks.value_forms import Form
from iepile.values import Values


class EventTriggers(EventExtraction):
    """What triggers events of given types."""

    name = "EET"
    groups = ("trigger",)
    field_groups = ("trigger-id", "trigger-class")
    form: ClassVar[Form | None] = "mentions"

    def items(self, schema: Schema) -> tuple[Item, ...]:
        return tuple(map(Item, schema.event_names))

    def positives(self, facts: Facts) -> dict[str, tuple[str, ...]]:
        return {e.type: () for e in facts.events}

    def canonical(self, facts: Facts) -> Facts:
        kept: dict[tuple[str, str], Event] = {}
        for e in facts.events:
            if e.trigger is not None and e.trigger.text not in NOBODY:
                kept.setdefault((e.type, e.trigger.text), Event(e.type, e.trigger, confidence=e.confidence))
        return Facts(events=tuple(kept.values()))

    def about(self, facts: Facts, items: Iterable[Item]) -> Facts:
        asked = {i.name for i in items}
        return Facts(events=tuple(
            Event(e.type, e.trigger, confidence=e.confidence) for e in facts.events
            if e.type in asked and e.trigger is not None and e.trigger.text not in NOBODY
        ))

    def question(self, item: Item) -> Any:
        return item.name

    def questions(self, items: Iterable[Item], schema: Schema | None = None) -> list[Any] | dict[str, str]:
        known = {} if schema is None else {e.name: e.description for e in schema.events}
        return described((i.name for i in items), known)

    def item(self, question: Any) -> Item:
        if isinstance(question, str):
            return Item(question)
        raise InputError(f"{question!r} is no EET question", field="schema", expected="an event type as text")

    def value(self, facts: Facts, item: Item, text: str) -> list[Any]:
        found = [e.trigger.text for e in facts.events
                 if e.type == item.name and e.trigger is not None and e.trigger.text not in NOBODY]
        return sorted(dict.fromkeys(found), key=first_seen(text)) if len(found) > 1 else found

    def read_value(self, value: Any, item: Item) -> Answer:
        if not isinstance(value, list):
            return Answer(Facts(), (Problem("wrong form", f"{item.name}: not a list"),))
        good = [v for v in value if isinstance(v, str)]
        bad = len(value) - len(good)
        problems = (Problem("wrong form", f"{item.name}: {bad} of {len(value)} values are no trigger"),) if bad else ()
        return Answer(Facts(events=tuple(Event(item.name, Span(v)) for v in good if v not in NOBODY)), problems)

    def join(self, parts: Iterable[Facts]) -> Facts:
        return sum(parts, Facts())

    def values(self, schema: Schema) -> dict[str, Values]:
        return {}

    def value_shape(self, item: Item, fill: Fill) -> Shape:
        return MENTIONS

    def keys(self, facts: Facts, match: Match = "string") -> dict[str, list[tuple[str, Hashable]]]:
        found = [(e.type, span_key(e.trigger, match)) for e in facts.events if e.trigger is not None]
        keys: list[tuple[str, Hashable]] = [(fact[0], fact) for fact in found]
        return {"trigger": keys, "trigger-id": [("", place) for _, place in found], "trigger-class": keys}


TASK = EventTriggers()
