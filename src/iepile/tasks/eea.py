"""EEA: arguments of events whose triggers are told (formats.md 1.3, 2.4).

Question `{"event_type": ..., "trigger": ["word", ...], "arguments": [roles]}`, one for each type that the
text has, with all its triggers ("" for an event without one); answer as in EE. Some published data leaves
triggers out, of the question or of the answer (`{type: [{role: mention}]}`): both are read.
"""

# What the methods of a task promise stands in task.py.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from iepile.errors import InputError
from iepile.records import Facts
from iepile.tasks.ee import ARGUMENTS, EventExtraction, argument_keys
from iepile.tasks.matching import span_key
from iepile.tasks.mentions import NOBODY, NONE, first_seen
from iepile.tasks.shape import Fill, OneOf, Shape, Text, quoted
from iepile.tasks.task import Answer, Item, Match


class EventArguments(EventExtraction):
    """Who takes part in events whose types and triggers are told."""

    name = "EEA"
    groups = ("argument",)
    field_groups = ARGUMENTS
    poses_facts = True

    def posed(self, items: Iterable[Item], facts: Facts, text: str) -> tuple[Item, ...]:
        told: dict[str, dict[str, None]] = {}
        for e in facts.events:
            word = "" if e.trigger is None or e.trigger.text in NOBODY else e.trigger.text
            told.setdefault(e.type, {})[word] = None
        find = first_seen(text)
        return tuple(replace(i, about=tuple(sorted(told[i.name], key=lambda t: find(t) if t else -1)))
                     for i in items if i.name in told)

    def question(self, item: Item) -> dict[str, Any]:
        asked = {"event_type": item.name, "trigger": list(item.about), "arguments": list(item.roles)}
        if not item.about:
            del asked["trigger"]
        return asked

    def item(self, question: Any) -> Item:
        try:
            plain = super().item(question)
        except InputError:
            plain = None
        told = question.get("trigger", []) if isinstance(question, Mapping) else []
        told = [told] if isinstance(told, str) else [] if told is True else told
        if plain is None or not isinstance(told, list) or not all(isinstance(t, str) for t in told):
            raise InputError(f"{question!r} is no EEA question", field="schema",
                             expected='{"event_type": label, "trigger": [triggers], "arguments": [roles]}')
        return replace(plain, about=tuple(told))

    def read_value(self, value: Any, item: Item) -> Answer:
        if not isinstance(value, list):
            return super().read_value(value, item)
        one = item.about[0] if len(item.about) == 1 else NONE
        return super().read_value([_with_trigger(v, item, one) for v in value], item)

    def value_shape(self, item: Item, fill: Fill) -> Shape:
        words = (Text(quoted(t or NONE)) for t in item.about)
        return self.events_shape(item, fill, OneOf(tuple(words)) if item.about else None)

    def keys(self, facts: Facts, match: Match = "string") -> dict[str, list[tuple[str, Hashable]]]:
        # The question tells types and triggers: naming them again is no achievement.
        out: dict[str, list[tuple[str, Hashable]]] = {g: [] for g in (*self.groups, *self.field_groups)}
        for e in facts.events:
            argument_keys(out, e, NONE if e.trigger is None else span_key(e.trigger, match), match)
        return out


def _with_trigger(value: Any, item: Item, trigger: str) -> Any:
    """An event written as `{role: mention}`, as one with trigger and arguments."""
    if isinstance(value, dict) and "trigger" not in value and not isinstance(value.get("arguments"), dict) \
            and any(r in value for r in item.roles):
        return {"trigger": trigger, "arguments": value}
    return value


TASK = EventArguments()
