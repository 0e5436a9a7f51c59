"""A schema as one types it: a short list of labels.

    person, place                               entity types
    works for, born in       with task RE       relation types
    wedding(time, place), election(winner)      event types with their roles
    entities: person, city; relations: born in; events: wedding(time)

Commas and semicolons may be Chinese ones.

>>> schema_of_text("人物，地点").entity_names
('人物', '地点')
"""

from __future__ import annotations

import re
from typing import Any

from iepile.errors import InputError
from iepile.schema import KINDS, Schema
from iepile.schema_labels import parse

EXPECTED = "labels with commas: person, place; events with roles: wedding(time, place)"
_OPEN, _CLOSE = "(（", ")）"
_COMMAS = ",，、\n"
_SEMICOLONS = ";；"
_KIND = re.compile(r"\s*(entities|relations|events|实体|关系|事件)\s*[:：]", re.I)
_KINDS = {"实体": "entities", "关系": "relations", "事件": "events"}


def schema_of_text(text: str, task: str | None = None) -> Schema:
    """The schema that a short list names.

    Args:
        task: what labels are that stand without a kind; entity types by default.

    Raises:
        InputError: no label, a label twice, an unclosed bracket, roles of something that is no event.
    """
    default = KINDS.get((task or "NER").upper(), "entities")
    found: dict[str, dict[str, Any]] = {}
    for part in _split(text, _SEMICOLONS):
        kind, body = default, part
        if (head := _KIND.match(part)) is not None:
            kind, body = _KINDS.get(head[1], head[1].lower()), part[head.end() :]
        for label in _split(body, _COMMAS):
            name, roles = _label(label)
            of = "events" if roles is not None and kind == default != "relations" and head is None else kind
            if roles is not None and of != "events":
                raise InputError(f"{name!r} has roles, but is one of the {of}", field="schema", expected=EXPECTED)
            if name in found.setdefault(of, {}):
                raise InputError(f"{name!r} stands there twice", field="schema", expected=EXPECTED)
            found[of][name] = {"roles": roles or []} if of == "events" else ""
    if not found:
        raise InputError("has no label", field="schema", expected=EXPECTED)
    if task and task.upper() in ("SPO", "KG") and "relations" in found:
        joined = parse(list(found.pop("relations")), task)
        return joined + parse(found) if found else joined
    return parse(found)


def _split(text: str, marks: str) -> list[str]:
    """Parts between marks that stand in no bracket; blank ones left out."""
    parts, depth = [""], 0
    for ch in text:
        depth += (ch in _OPEN) - (ch in _CLOSE)
        if ch in marks and depth == 0:
            parts.append("")
        else:
            parts[-1] += ch
    if depth:
        raise InputError(f"{text.strip()!r} has a bracket too {'many' if depth > 0 else 'few'}", field="schema",
                         expected=EXPECTED)
    return [p.strip() for p in parts if p.strip()]


def _label(label: str) -> tuple[str, list[str] | None]:
    at = next((n for n, ch in enumerate(label) if ch in _OPEN), -1)
    if at < 0:
        return label, None
    name = label[:at].strip()
    if not name or label[-1] not in _CLOSE:
        raise InputError(f"{label!r} is no label with roles", field="schema", expected=EXPECTED)
    return name, _split(label[at + 1 : -1], _COMMAS)
