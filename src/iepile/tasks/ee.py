"""EE: events with triggers and arguments (formats.md 1.3, 2.6).

Question `{"event_type": ..., "trigger": true, "arguments": [roles]}`; answer
`{type: [{"trigger": ..., "arguments": {role: mention | [mentions] | "NAN"}}]}`: an event without trigger
says `"NAN"`, and so does a role that nothing fills, unless no asked role is filled: then `{}`.
"""

# What the methods of a task promise stands in task.py.
# ruff: noqa: D102

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from iepile.errors import InputError
from iepile.records import Argument, Event, Facts, Span
from iepile.schema import Schema
from iepile.tasks.matching import span_key
from iepile.tasks.mentions import NOBODY, NONE, described, first_seen, one_or_list, place, read_span, read_text
from iepile.tasks.shape import MENTION, Fill, ListOf, OneOf, Shape, Text, object_of
from iepile.tasks.task import Answer, Item, Match, Problem, Task, Triple
from iepile.tasks.value_forms import Form
from iepile.values import Values, told

_NOTHING = Text('"NAN"')
_TRIGGER = OneOf((MENTION, _NOTHING))

ARGUMENTS = ("argument-id", "argument-class", "argument-id+", "argument-class+")
"""Scores of arguments as papers of the field report them."""


class EventExtraction(Task):
    """Events of given types: what triggers them and who takes part."""

    name = "EE"
    annotation = "event"
    split_num = 4
    groups: ClassVar[tuple[str, ...]] = ("event", "argument")
    field_groups: ClassVar[tuple[str, ...]] = ("trigger-id", "trigger-class", *ARGUMENTS)
    form: ClassVar[Form | None] = "events"

    def items(self, schema: Schema) -> tuple[Item, ...]:
        return tuple(Item(e.name, e.role_names) for e in schema.events)

    def positives(self, facts: Facts) -> dict[str, tuple[str, ...]]:
        seen: dict[str, tuple[str, ...]] = {}
        for e in facts.events:
            seen[e.type] = tuple(dict.fromkeys((*seen.get(e.type, ()), *(a.role for a in e.arguments))))
        return seen

    def canonical(self, facts: Facts) -> Facts:
        return Facts(events=tuple(c for e in facts.events if (c := _canonical(e)) is not None))

    def question(self, item: Item) -> dict[str, Any]:
        return {"event_type": item.name, "trigger": True, "arguments": list(item.roles)}

    def questions(self, items: Iterable[Item], schema: Schema | None = None) -> list[Any] | dict[str, str]:
        if schema is None:
            return list(map(self.question, items))
        known = {e.name: {r.name: r.description for r in e.roles} for e in schema.events}
        return [self.question(i) | {"arguments": described(i.roles, known.get(i.name, {}))} for i in items]

    def item(self, question: Any) -> Item:
        if isinstance(question, Mapping) and isinstance(question.get("event_type"), str):
            roles = question.get("arguments", [])
            if isinstance(roles, list | dict) and all(isinstance(r, str) for r in roles):
                return Item(question["event_type"], tuple(roles))
        raise InputError(f"{question!r} is no EE question", field="schema",
                         expected='{"event_type": label, "trigger": true, "arguments": [roles]}')

    def value(self, facts: Facts, item: Item, text: str) -> list[dict[str, Any]]:
        events = [c for e in facts.events if e.type == item.name and (c := _canonical(e)) is not None]
        if not events:
            return []
        find = first_seen(text)
        events.sort(key=lambda e: -1 if e.trigger is None else find(e.trigger.text))
        out: list[dict[str, Any]] = []
        for e in events:
            by_role: dict[str, list[str]] = {}
            for a in e.arguments:
                by_role.setdefault(a.role, []).append(a.span.text)
            args: dict[str, str | list[str]] = {}
            if any(r in by_role for r in item.roles):
                args = {r: one_or_list(by_role[r], find) if r in by_role else NONE for r in item.roles}
            out.append({"trigger": NONE if e.trigger is None else e.trigger.text, "arguments": args})
        return out

    def read_value(self, value: Any, item: Item) -> Answer:
        if not isinstance(value, list):
            return Answer(Facts(), (Problem("wrong form", f"{item.name}: not a list"),))
        events: list[Event] = []
        problems: list[Problem] = []
        for v in value:
            if not isinstance(v, dict):
                problems.append(Problem("wrong form", f"{item.name}: not an event"))
                continue
            before = len(problems)
            trigger, args = v.get("trigger", NONE), v.get("arguments", {})
            if not isinstance(trigger, str):
                problems.append(Problem("wrong form", f"{item.name}: the trigger is not text"))
                trigger = NONE
            if not isinstance(args, dict):
                problems.append(Problem("wrong form", f"{item.name}: the arguments are no object"))
                args = {}
            found: list[Argument] = []
            for role, filler in args.items():
                if role not in item.roles:
                    problems.append(Problem("not asked", f"{item.name}|{role}"))
                    continue
                for text in filler if isinstance(filler, list) else [filler]:
                    if not isinstance(text, str):
                        problems.append(Problem("wrong form", f"{item.name}|{role}: not text"))
                    elif text not in NOBODY:
                        found.append(Argument(role, Span(text)))
            if trigger in NOBODY and not found and (not v or len(problems) > before):
                continue  # nothing could be read of it
            events.append(Event(item.name, None if trigger in NOBODY else Span(trigger), tuple(found)))
        return Answer(Facts(events=tuple(events)), tuple(problems))

    def join(self, parts: Iterable[Facts]) -> Facts:
        """Where the roles of a type were asked in several batches, its events are put together.

        The n-th event of a type and trigger in one batch is the n-th in the others, as `value` orders them.
        """
        whole: dict[tuple[str, str | None, int], Event] = {}
        for facts in parts:
            seen: Counter[tuple[str, str | None]] = Counter()
            for e in facts.events:
                name = (e.type, None if e.trigger is None else e.trigger.text)
                old = whole.get((*name, seen[name]))
                if old is not None:
                    e = msgspec.structs.replace(old, arguments=old.arguments + e.arguments)
                whole[(*name, seen[name])] = e
                seen[name] += 1
        return Facts(events=tuple(whole.values()))

    def values(self, schema: Schema) -> dict[str, Values]:
        return told((f"{e.name}|{r.name}", r.values) for e in schema.events for r in e.roles)

    def value_shape(self, item: Item, fill: Fill) -> Shape:
        return self.events_shape(item, fill)

    @staticmethod
    def events_shape(item: Item, fill: Fill, trigger: Shape | None = None) -> Shape:
        """A list of events of the item's type, whose trigger has the given shape; None: any mention, or none."""
        full = object_of((r, _filler(fill(f"{item.name}|{r}"))) for r in item.roles)
        args = OneOf((full, Text("{}"))) if item.roles else Text("{}")
        return ListOf(object_of((("trigger", trigger or _TRIGGER), ("arguments", args))))

    def keys(self, facts: Facts, match: Match = "string") -> dict[str, list[tuple[str, Hashable]]]:
        out: dict[str, list[tuple[str, Hashable]]] = {g: [] for g in (*self.groups, *self.field_groups)}
        for e in facts.events:
            trigger = NONE if e.trigger is None else span_key(e.trigger, match)
            out["event"].append((e.type, (e.type, trigger)))
            if e.trigger is not None:
                out["trigger-id"].append(("", trigger))
                out["trigger-class"].append((e.type, (e.type, trigger)))
            argument_keys(out, e, trigger, match)
        return out

    def triples(self, facts: Facts) -> list[Triple]:
        out: list[Triple] = []
        for e in facts.events:
            node = e.trigger if e.trigger is not None else Span(e.type)
            out.append(Triple(node, "type", Span(e.type), "type", head_type=e.type, confidence=e.confidence))
            out += (Triple(node, a.role, a.span, "role", head_type=e.type, confidence=a.confidence)
                    for a in e.arguments)
        return out

    def label_rows(self, facts: Facts, positions: bool = False) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for e in facts.events:
            trigger = e.trigger or Span("")
            row: dict[str, Any] = {"event_trigger": trigger.text, "event_type": e.type}
            args: list[dict[str, Any]] = [{"argument": a.span.text, "role": a.role} for a in e.arguments]
            if positions:
                row["trigger_pos"] = place(trigger)
                args = [r | {"argument_pos": place(a.span)} for r, a in zip(args, e.arguments, strict=True)]
            rows.append(row | {"arguments": args})
        return rows

    def read_label_rows(self, rows: Sequence[Mapping[str, Any]]) -> Facts:
        try:
            return Facts(events=tuple(
                Event(
                    read_text(r["event_type"]),
                    None if r.get("event_trigger") in (None, *NOBODY)
                    else read_span(r["event_trigger"], r.get("trigger_pos")),
                    tuple(Argument(read_text(a["role"]), read_span(a["argument"], a.get("argument_pos")))
                          for a in r.get("arguments") or ()),
                )
                for r in rows
            ))
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise InputError(f"not an EE annotation ({e!r})", field="label",
                             expected='[{"event_trigger": text, "event_type": label, "arguments": [...]}]') from None


def _canonical(event: Event) -> Event | None:
    args: dict[tuple[str, str], Argument] = {}
    for a in event.arguments:
        if a.span.text not in NOBODY:
            args.setdefault((a.role, a.span.text), a)
    trigger = event.trigger if event.trigger is not None and event.trigger.text not in NOBODY else None
    if trigger is None and not args:
        return None
    return Event(event.type, trigger, tuple(args.values()), event.confidence)


def argument_keys(
    out: dict[str, list[tuple[str, Hashable]]], event: Event, trigger: Hashable, match: Match
) -> None:
    """Add the scoring keys of an event's arguments, by group.

    `argument` pools the arguments over the events of a type, repeats kept, as the reference scores them
    (formats.md 5). The others are the field's: identified is an argument of an event of its type, classified one that
    has its role; with `+` it is an argument of the event with this trigger.
    """
    for a in event.arguments:
        span, kind = span_key(a.span, match), event.type
        out["argument"].append((kind, (kind, span, a.role)))
        out["argument-id"].append((kind, (kind, span)))
        out["argument-class"].append((kind, (kind, span, a.role)))
        out["argument-id+"].append((kind, (kind, trigger, span)))
        out["argument-class+"].append((kind, (kind, trigger, span, a.role)))


def _filler(value: Shape) -> Shape:
    return OneOf((_NOTHING, value, ListOf(value, least=2)))


TASK = EventExtraction()
