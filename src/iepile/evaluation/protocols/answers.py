"""What the reference reads in an answer and in a label, task by task (formats.md 5).

A fact is a key and a value: (entity type, mention), (relation, (head, tail)), (event type, trigger) and
((event type, role), argument). Values are compared as they stand in the JSON. Usual answers and labels are decoded
with their type, which is fast; all others as the reference decodes them, so that what it skips is skipped and what
ends it raises the error that ends it (KeyError, TypeError, AttributeError, ValueError, RecursionError).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from iepile.jsonl import BROKEN_JSON

Found = tuple[dict[Any, list[Any]], ...]
"""Of each score group: key -> values answered under it."""
Gold = tuple[list[Any], ...]
"""Of each score group: the gold facts, each with `key` and `value`."""


class Fact(msgspec.Struct, frozen=True, gc=False):
    """A gold fact."""

    key: Any
    value: Any


class Rules(NamedTuple):
    """How one task is read."""

    groups: tuple[str, ...]
    answer: Callable[[str], Found | None]
    """None: not a JSON object, which the reference counts as an error."""
    gold: Callable[[str], Gold]


TASKS = ("NER", "RE", "EE", "EEA", "KG")
"""The tasks that the reference scores; the others end it, or are not there."""


def rules(task: str, protocol: str) -> Rules | None:
    """The rules for a task in capitals; None where the reference has none that work."""
    deepke = protocol == "deepke"
    known = {
        "NER": Rules(("entity",), _entities, _gold_entities),
        "RE": Rules(("relation",), _head_tail if deepke else _subject_object, _gold_relations),
        "EE": Rules(("event", "argument"), _events, _gold_events),
        "EEA": Rules(("event", "argument"), _events if deepke else _bare_events, _gold_bare_events),
        "KG": Rules(("triple",), _profiles, _gold_profiles),
    }
    return known.get(task)


class _Entity(msgspec.Struct, frozen=True, gc=False, rename={"key": "entity_type", "value": "entity"}):
    key: str
    value: str


class _Relation(msgspec.Struct, gc=False):
    head: str
    relation: str
    tail: str


class _SubjectObject(msgspec.Struct, gc=False):
    subject: str = ""
    object: str = ""


class _HeadTail(msgspec.Struct, gc=False):
    head: str = ""
    tail: str = ""


class _Event(msgspec.Struct, gc=False):
    trigger: str = ""
    arguments: dict[str, str | list[str]] = {}


_read_entities = msgspec.json.Decoder(dict[str, list[str]]).decode
_read_gold_entities = msgspec.json.Decoder(list[_Entity]).decode
_read_gold_relations = msgspec.json.Decoder(list[_Relation]).decode
_read_subject_object = msgspec.json.Decoder(dict[str, list[_SubjectObject]]).decode
_read_head_tail = msgspec.json.Decoder(dict[str, list[_HeadTail]]).decode
_read_events = msgspec.json.Decoder(dict[str, list[_Event]]).decode


def _object(answer: str) -> dict[str, Any] | None:
    try:
        found = json.loads(answer)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _lists(found: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    return ((label, values) for label, values in found.items() if isinstance(values, list))


def _entities(answer: str) -> Found | None:
    try:
        return (_read_entities(answer),)
    except BROKEN_JSON:
        found = _object(answer)
    if found is None:
        return None
    return ({label: [v for v in values if isinstance(v, str)] for label, values in _lists(found)},)


def _gold_entities(label: str) -> Gold:
    try:
        return (_read_gold_entities(label),)
    except BROKEN_JSON:
        return ([Fact(e["entity_type"], e["entity"]) for e in json.loads(label)],)


def _subject_object(answer: str) -> Found | None:
    try:
        found = _read_subject_object(answer)
    except BROKEN_JSON:
        return _pairs(answer, "subject", "object")
    return ({label: [(v.subject, v.object) for v in values] for label, values in found.items()},)


def _head_tail(answer: str) -> Found | None:
    try:
        found = _read_head_tail(answer)
    except BROKEN_JSON:
        return _pairs(answer, "head", "tail")
    return ({label: [(v.head, v.tail) for v in values] for label, values in found.items()},)


def _pairs(answer: str, head: str, tail: str) -> Found | None:
    found = _object(answer)
    if found is None:
        return None
    out = {label: [(v.get(head, ""), v.get(tail, "")) for v in values if isinstance(v, dict)]
           for label, values in _lists(found)}
    return ({label: [p for p in pairs if isinstance(p[0], str) and isinstance(p[1], str)]
             for label, pairs in out.items()},)


def _gold_relations(label: str) -> Gold:
    try:
        return ([Fact(r.relation, (r.head, r.tail)) for r in _read_gold_relations(label)],)
    except BROKEN_JSON:
        return ([Fact(r["relation"], (r["head"], r["tail"])) for r in json.loads(label)],)


def _events(answer: str) -> Found | None:
    """Also arguments that are no text; an event whose trigger is none is skipped."""
    events: dict[str, list[Any]] = {}
    arguments: dict[Any, list[Any]] = {}
    try:
        for kind, said in _read_events(answer).items():
            events[kind] = [event.trigger for event in said]
            for event in said:
                _add_arguments(arguments, kind, event.arguments)
    except BROKEN_JSON:
        found = _object(answer)
        if found is None:
            return None
        events, arguments = {}, {}
        for kind, values in _lists(found):
            said_here = [v for v in values if isinstance(v, dict) and isinstance(v.get("trigger", ""), str)]
            events[kind] = [v.get("trigger", "") for v in said_here]
            for v in said_here:
                _add_arguments(arguments, kind, v.get("arguments", {}))
    return events, arguments


def _bare_events(answer: str) -> Found | None:
    """Events as {role: argument}, without trigger."""
    found = _object(answer)
    if found is None:
        return None
    events: dict[str, list[Any]] = {}
    arguments: dict[Any, list[Any]] = {}
    for kind, values in _lists(found):
        said = [v for v in values if isinstance(v, dict)]
        events[kind] = [""] * len(said)
        for event in said:
            _add_arguments(arguments, kind, event)
    return events, arguments


def _add_arguments(arguments: dict[Any, list[Any]], kind: str, roles: Any) -> None:
    for role, filler in roles.items():
        values = filler if isinstance(filler, list) else [filler]
        arguments.setdefault((kind, role), []).extend(v for v in values if v != "NAN")


def _gold_events(label: str) -> Gold:
    found = json.loads(label)
    return [Fact(e["event_type"], e["event_trigger"]) for e in found], _gold_arguments(found)


def _gold_bare_events(label: str) -> Gold:
    found = json.loads(label)
    return [Fact(e["event_type"], "") for e in found], _gold_arguments(found)


def _gold_arguments(events: Any) -> list[Fact]:
    return [Fact((e["event_type"], a["role"]), a["argument"]) for e in events for a in e["arguments"]]


def _profiles(answer: str) -> Found | None:
    """Entities with their attributes, which no gold triple equals: the reference scores every answer 0 (B4)."""
    found = _object(answer)
    if found is None:
        return None
    return ({kind: [(entity, {name: _stated(value) for name, value in attributes.items()})
                    for entity, attributes in entities.items() if isinstance(attributes, dict)]
             for kind, entities in found.items() if isinstance(entities, dict)},)


def _stated(value: Any) -> Any:
    if isinstance(value, list):
        return [v for v in value if v.lower() not in ("无", "nan")]
    return value


def _gold_profiles(label: str) -> Gold:
    return ([Fact(t["head"], (t["relation"], t["tail"])) for t in json.loads(label)],)
