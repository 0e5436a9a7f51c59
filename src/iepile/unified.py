"""IEPile's unified record: one JSON object a text, with what is annotated in it.

    {"text": "...", "id": "...", "language": "en", "source": "...", "meta": {},
     "entity":   [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]}],
     "relation": [{"head": "Ada", "relation": "spouse", "tail": "Bob", "head_type": "person",
                   "tail_type": "person", "head_pos": [0, 3], "tail_pos": [8, 11]}],
     "event":    [{"event_trigger": "met", "event_type": "meeting", "trigger_pos": [4, 7],
                   "arguments": [{"argument": "Ada", "role": "host", "argument_pos": [0, 3]}]}]}

Only `text` is required. Positions are code points, end exclusive; `[]` or none means unknown. A list
that is not there means nobody looked for that kind of fact; an empty one means there is none.
Every fact may carry a `confidence`, and the `support` of several answers. Keys the format does not know are kept
in `Document.meta`.

>>> doc = document_from_row({"text": "Ada met Bob.", "entity": [{"entity": "Ada", "entity_type": "person"}]})
>>> doc.annotated, doc.entities[0].type, doc.entities[0].span.offsets
(('entity',), 'person', None)
>>> document_to_row(doc)
{'text': 'Ada met Bob.', 'entity': [{'entity': 'Ada', 'entity_type': 'person'}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from iepile.errors import InputError
from iepile.records import Argument, Document, Entity, Event, Relation, Span

_KEYS = frozenset(("text", "id", "language", "source", "meta", "entity", "relation", "event"))
_UNKNOWN_TYPES = ("NA", "", None)
_NO_TRIGGERS = ("", "NAN", None)
# What people write for a key of ours, to name the right one in the message.
_OTHER_NAMES = {
    "head": ("subject",),
    "tail": ("object",),
    "relation": ("predicate", "type"),
    "entity": ("word", "mention", "name"),
    "entity_type": ("type", "label"),
    "event_type": ("type",),
    "text": ("sentence", "content", "input"),
}


class _Bad(Exception):
    """A fault inside a record; `document_from_row` adds the file and the line."""

    def __init__(self, problem: str, field: str, expected: str, fix: str) -> None:
        self.problem, self.field, self.expected, self.fix = problem, field, expected, fix


def document_from_row(
    row: Mapping[str, object], file: str | None = None, line: int | None = None
) -> Document:
    """Read one record.

    Args:
        row: the decoded JSON object.
        file: named in an error.
        line: 1-based, named in an error.

    Raises:
        InputError: no text, a wrong type, an empty mention, or a position that does not hold the mention.
    """
    try:
        return _document(row)
    except _Bad as bad:
        raise InputError(
            bad.problem, file=file, line=line, field=bad.field, expected=bad.expected, fix=bad.fix
        ) from None


def document_to_row(doc: Document) -> dict[str, Any]:
    """Write one record: the lists `doc.annotated` names and any that are not empty; positions when known."""
    row: dict[str, Any] = {"text": doc.text}
    if doc.id is not None:
        row["id"] = doc.id
    if doc.language is not None:
        row["language"] = doc.language
    if doc.source is not None:
        row["source"] = doc.source
    annotated = doc.annotated
    if doc.entities or "entity" in annotated:
        row["entity"] = [_entity_row(e) for e in doc.entities]
    if doc.relations or "relation" in annotated:
        row["relation"] = [_relation_row(r) for r in doc.relations]
    if doc.events or "event" in annotated:
        row["event"] = [_event_row(e) for e in doc.events]
    if doc.meta:
        row["meta"] = dict(doc.meta)
    return row


def _entity_row(entity: Entity) -> dict[str, Any]:
    out: dict[str, Any] = {"entity": entity.span.text, "entity_type": entity.type}
    _place(out, "pos", entity.span)
    return _sure(out, entity)


def _relation_row(relation: Relation) -> dict[str, Any]:
    out: dict[str, Any] = {
        "head": relation.head.text,
        "relation": relation.type,
        "tail": relation.tail.text,
    }
    if relation.head_type is not None:
        out["head_type"] = relation.head_type
    if relation.tail_type is not None:
        out["tail_type"] = relation.tail_type
    _place(out, "head_pos", relation.head)
    _place(out, "tail_pos", relation.tail)
    return _sure(out, relation)


def _event_row(event: Event) -> dict[str, Any]:
    out: dict[str, Any] = {
        "event_trigger": "" if event.trigger is None else event.trigger.text,
        "event_type": event.type,
    }
    if event.trigger is not None:
        _place(out, "trigger_pos", event.trigger)
    arguments = []
    for argument in event.arguments:
        item: dict[str, Any] = {"argument": argument.span.text, "role": argument.role}
        _place(item, "argument_pos", argument.span)
        arguments.append(_sure(item, argument))
    out["arguments"] = arguments
    return _sure(out, event)


def _place(out: dict[str, Any], key: str, span: Span) -> None:
    if span.start is not None and span.end is not None:
        out[key] = [span.start, span.end]


def _sure(out: dict[str, Any], fact: Entity | Relation | Argument | Event) -> dict[str, Any]:
    if fact.confidence is not None:
        out["confidence"] = fact.confidence
    if fact.support is not None:
        out["support"] = fact.support
    return out


def _document(row: Any) -> Document:
    if not isinstance(row, Mapping):
        raise _Bad(f"a record is {_kind(row)}", "record", "a JSON object", "write one object a line")
    text: Any = row.get("text")
    if type(text) is not str:
        _wrong(row, "text", "", "a string")
    known = 1
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    events: tuple[Event, ...] = ()
    annotated: tuple[str, ...] = ()
    # `in` before `get`: most records have one or two of the eight keys.
    if "entity" in row:
        known += 1
        if row["entity"] is not None:
            entities, annotated = _entities(row, text), ("entity",)
    if "relation" in row:
        known += 1
        if row["relation"] is not None:
            relations, annotated = _relations(row, text), (*annotated, "relation")
    if "event" in row:
        known += 1
        if row["event"] is not None:
            events, annotated = _events(row, text), (*annotated, "event")
    if len(row) == known:
        return Document(text, entities=entities, relations=relations, events=events, annotated=annotated)
    meta = row.get("meta")
    if meta is None:
        meta = {}
    if not isinstance(meta, Mapping):
        _wrong(row, "meta", "", "an object")
    meta = dict(meta)
    for key, value in row.items():
        if key not in _KEYS:
            meta[key] = value
    return Document(
        text,
        _optional(row, "id"),
        _optional(row, "language"),
        _optional(row, "source"),
        entities,
        relations,
        events,
        annotated,
        meta,
    )


def _entities(row: Mapping[str, Any], text: str) -> tuple[Entity, ...]:
    items, out = _list(row, "entity", ""), []
    for n, item in enumerate(items):
        if type(item) is not dict:
            _not_object(item, f"entity[{n}]")
        get = item.get
        mention, kind = get("entity"), get("entity_type")
        if type(mention) is not str or type(kind) is not str or not mention:
            _check_strings(item, ("entity", "entity_type"), f"entity[{n}].")
        pos = get("pos")
        span = _span(text, mention, pos, f"entity[{n}].pos") if pos else Span(mention)
        out.append(Entity(kind, span, *_surety(item, f"entity[{n}].")))
    return tuple(out)


def _relations(row: Mapping[str, Any], text: str) -> tuple[Relation, ...]:
    items, out = _list(row, "relation", ""), []
    for n, item in enumerate(items):
        if type(item) is not dict:
            _not_object(item, f"relation[{n}]")
        get = item.get
        head, kind, tail = get("head"), get("relation"), get("tail")
        if not (type(head) is str and type(kind) is str and type(tail) is str and head and tail):
            _check_strings(item, ("head", "tail", "relation"), f"relation[{n}].")
        if len(item) == 3:  # as most corpora have them: nothing else to read
            out.append(Relation(kind, Span(head), Span(tail)))
            continue
        pos = get("head_pos")
        head_span = _span(text, head, pos, f"relation[{n}].head_pos") if pos else Span(head)
        pos = get("tail_pos")
        tail_span = _span(text, tail, pos, f"relation[{n}].tail_pos") if pos else Span(tail)
        head_type, tail_type = get("head_type"), get("tail_type")
        if head_type in _UNKNOWN_TYPES:
            head_type = None
        elif type(head_type) is not str:
            _wrong(item, "head_type", f"relation[{n}].", "a string")
        if tail_type in _UNKNOWN_TYPES:
            tail_type = None
        elif type(tail_type) is not str:
            _wrong(item, "tail_type", f"relation[{n}].", "a string")
        out.append(Relation(kind, head_span, tail_span, head_type, tail_type, *_surety(item, f"relation[{n}].")))
    return tuple(out)


def _events(row: Mapping[str, Any], text: str) -> tuple[Event, ...]:
    items, out = _list(row, "event", ""), []
    for n, item in enumerate(items):
        if type(item) is not dict:
            _not_object(item, f"event[{n}]")
        kind, word = item.get("event_type"), item.get("event_trigger")
        if type(kind) is not str:
            _wrong(item, "event_type", f"event[{n}].", "a string")
        trigger = None
        if word not in _NO_TRIGGERS:
            if type(word) is not str:
                _wrong(item, "event_trigger", f"event[{n}].", 'a string, "" for none')
            pos = item.get("trigger_pos")
            trigger = _span(text, word, pos, f"event[{n}].trigger_pos") if pos else Span(word)
        arguments = _arguments(item, text, n) if item.get("arguments") is not None else ()
        out.append(Event(kind, trigger, arguments, *_surety(item, f"event[{n}].")))
    return tuple(out)


def _arguments(event: Mapping[str, Any], text: str, n: int) -> tuple[Argument, ...]:
    items, out = _list(event, "arguments", f"event[{n}]."), []
    for k, item in enumerate(items):
        if type(item) is not dict:
            _not_object(item, f"event[{n}].arguments[{k}]")
        mention, role = item.get("argument"), item.get("role")
        if type(mention) is not str or type(role) is not str or not mention:
            _check_strings(item, ("argument", "role"), f"event[{n}].arguments[{k}].")
        if len(item) == 2:
            out.append(Argument(role, Span(mention)))
            continue
        where, pos = f"event[{n}].arguments[{k}]", item.get("argument_pos")
        span = _span(text, mention, pos, where + ".argument_pos") if pos else Span(mention)
        out.append(Argument(role, span, *_surety(item, where + ".")))
    return tuple(out)


def _span(text: str, mention: str, pos: Any, field: str) -> Span:
    form = "[start, end) in code points, or [] when unknown"
    if (
        not isinstance(pos, list | tuple)
        or len(pos) != 2
        or type(pos[0]) is not int
        or type(pos[1]) is not int
    ):
        raise _Bad(f"a position is {pos!r}", field, form, "write the two numbers or leave the key out")
    start, end = pos
    beyond = end > len(text)  # which a slice forgives
    if start >= 0 and not beyond and text[start:end] == mention:
        return Span(mention, start, end)
    there = text[start:end] if 0 <= start <= end else ""
    if start >= 0 and not beyond and text[start : end + 1] == mention:
        fix = f"ends are exclusive: write [{start}, {end + 1}]"
    elif (found := text.find(mention)) >= 0:
        fix = f"the text first has it at [{found}, {found + len(mention)}]"
    else:
        fix = "the mention is not in the text: correct the mention or the text"
    if beyond:
        raise _Bad(f"{list(pos)} ends beyond the text, which has {len(text)} characters", field, form, fix)
    raise _Bad(f"the text has {there!r} at {list(pos)}, not {mention!r}", field, form, fix)


def _list(item: Mapping[str, Any], key: str, where: str) -> list[Any]:
    items = item[key]
    if isinstance(items, list | tuple):
        return items  # type: ignore[return-value]
    raise _Bad(
        f"`{key}` is {_kind(items)}",
        where + key,
        "a list",
        "write [] for none, leave the key out when nobody looked",
    )


def _optional(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None or type(value) is str:
        return value
    if key == "id" and type(value) is int:
        return str(value)
    _wrong(row, key, "", "a string")


def _surety(item: Mapping[str, Any], where: str) -> tuple[float | None, float | None]:
    """Confidence and support."""
    if "confidence" not in item and "support" not in item:
        return None, None
    return _share(item, "confidence", where), _share(item, "support", where)


def _share(item: Mapping[str, Any], key: str, where: str) -> float | None:
    value = item.get(key)
    if value is None or type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    _wrong(item, key, where, "a number from 0 to 1")


def _check_strings(item: Mapping[str, Any], keys: tuple[str, ...], where: str) -> NoReturn:
    """Name the key at fault; the fast path only saw that one of them is wrong."""
    for key in keys:
        if type(item.get(key)) is not str:
            _wrong(item, key, where, "a string")
    key = next(key for key in keys if not item[key])
    raise _Bad(f"`{key}` is empty", where + key, "words of the text", "take the item out of the list")


def _wrong(item: Mapping[str, Any], key: str, where: str, expected: str) -> NoReturn:
    if key in item:
        fix = "put it in quotes" if isinstance(item[key], int | float) else f"write {expected}"
        raise _Bad(f"`{key}` is {_kind(item[key])}", where + key, expected, fix)
    other = next((name for name in _OTHER_NAMES.get(key, ()) if name in item), None)
    fix = f"rename `{other}` to `{key}`" if other else f"add `{key}`"
    raise _Bad(f"no `{key}`", where + key, expected, fix)


def _not_object(item: object, where: str) -> NoReturn:
    raise _Bad(f"an element is {_kind(item)}", where, "an object", "write {...}; docs/en/data.md lists the keys")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {"str": "a string", "int": "a number", "float": "a number", "bool": "true or false"}
    names |= {"list": "a list", "dict": "an object"}
    return names.get(type(value).__name__, f"a {type(value).__name__}")
