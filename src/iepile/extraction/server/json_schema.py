"""The JSON schema of an answer, for servers that take nothing stricter: exact keys, but any text as a mention.

In short texts the mentions are held to the text as well, by listing every run of its words. Within the limits of
OpenAI's strict mode, which knows no optional keys and no keys that are mentions: answers of KG have no schema there.
"""

from __future__ import annotations

import json
import re
from typing import Any

from iepile.tasks.shape import Choice, InOrder, ListOf, Mention, OneOf, Shape, Text

MOST_VALUES = 900
"""Values of one enum; the limit of all enums of a schema is 1,000, and labels take some."""
MOST_ENUM_CHARACTERS = 15_000
MOST_CHARACTERS = 120_000
"""Names and values of a schema together."""
_WORD = re.compile(r"[A-Za-z0-9\u00c0-\u024f]+|\S")
_EMPTY = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


class _Unsayable(Exception):
    """No JSON schema says this."""


def json_schema(shape: Shape, text: str, *, most: int | None = None, strict: bool = True) -> dict[str, Any] | None:
    """The schema of the answers of `shape` about `text`.

    Args:
        most: most elements of a list; None: no bound.
        strict: keep to what OpenAI's strict mode takes.

    Returns:
        None where no schema can say it.
    """
    writer = _Writer(most, strict)
    try:
        schema = writer.schema(shape)
    except _Unsayable:
        return None
    if strict and schema.get("type") != "object":
        return None
    if writer.mentions:
        found = runs_of_words(text)
        schema["$defs"] = {"mention": {"type": "string", "enum": found} if found else {"type": "string"}}
    return schema if len(json.dumps(schema, ensure_ascii=False)) <= MOST_CHARACTERS else None


def runs_of_words(text: str) -> list[str]:
    """Every piece of a text from the beginning of a word to the end of one; empty where there are too many.

    Words of Latin letters are whole; any other sign, a Chinese character too, stands for itself. Empty as well where a
    piece cannot stand in JSON as it is: servers that turn a schema into a grammar of their own stumble over escapes
    (llama-cpp-python 0.3.36 crashes).
    """
    if json.dumps(text, ensure_ascii=False)[1:-1] != text:
        return []
    words = [m.span() for m in _WORD.finditer(text)]
    if len(words) * (len(words) + 1) // 2 > 2 * MOST_VALUES:
        return []
    runs = list(dict.fromkeys(text[a:b] for n, (a, _) in enumerate(words) for _, b in words[n:]))
    return runs if len(runs) <= MOST_VALUES and sum(map(len, runs)) <= MOST_ENUM_CHARACTERS else []


class _Writer:
    def __init__(self, most: int | None, strict: bool) -> None:
        self.most, self.strict = most, strict
        self.mentions = False

    def schema(self, shape: Shape) -> dict[str, Any]:
        any_shape: Any = shape
        match any_shape:
            case Mention():
                self.mentions = True
                return {"$ref": "#/$defs/mention"}
            case Text(text):
                return self._literal(text)
            case Choice(options):
                return {"type": "string", "enum": list(options)}
            case OneOf(options):
                return self._one_of([self.schema(o) for o in options])
            case ListOf(item, least, "{}"):
                return self._members(item, least)
            case ListOf(item, least):
                bounds = ({"minItems": least} if least else {}) | ({"maxItems": self.most} if self.most else {})
                return {"type": "array", "items": self.schema(item), **bounds}
            case InOrder(parts):
                return self._in_order(parts)
        # A field that need not be a piece of the text: its value is checked when the answer is read.
        return {"type": "string"}

    @staticmethod
    def _literal(text: str) -> dict[str, Any]:
        value = _read(text)
        if isinstance(value, str):
            return {"type": "string", "enum": [value]}
        if value == {}:
            return dict(_EMPTY)
        if value == []:
            return {"type": "array", "items": {"type": "string"}, "maxItems": 0}
        raise _Unsayable

    @staticmethod
    def _one_of(options: list[dict[str, Any]]) -> dict[str, Any]:
        enums = [o["enum"] for o in options if "enum" in o]
        others = [o for o in options if "enum" not in o]
        if enums:
            others.insert(0, {"type": "string", "enum": list(dict.fromkeys(v for e in enums for v in e))})
        return others[0] if len(others) == 1 else {"anyOf": others}

    def _in_order(self, parts: tuple[Shape, ...]) -> dict[str, Any]:
        """An object with fixed keys: its literal pieces, with a number in each hole, are JSON."""
        written = "".join(p.text if isinstance(p, Text) else str(n) for n, p in enumerate(parts))
        value = _read(written)
        if not isinstance(value, dict):
            raise _Unsayable
        return self._object(value, parts, list(value))

    def _object(self, value: dict[str, Any], parts: tuple[Shape, ...], required: list[str]) -> dict[str, Any]:
        of: dict[str, Any] = {}
        for key, inner in value.items():
            if isinstance(inner, dict):
                of[key] = self._object(inner, parts, list(inner))
            elif isinstance(inner, int):
                of[key] = self.schema(parts[inner])
            else:
                of[key] = self._literal(json.dumps(inner))
        return {"type": "object", "properties": of, "required": required, "additionalProperties": False}

    def _members(self, item: Shape, least: int) -> dict[str, Any]:
        """An object whose members may be left out."""
        if self.strict:
            raise _Unsayable
        of: dict[str, Any] = {}
        for option in item.options if isinstance(item, OneOf) else (item,):
            if not isinstance(option, InOrder):
                raise _Unsayable
            if isinstance(option.parts[0], Mention):
                if option is not item or not isinstance(option.parts[1], Text) or len(option.parts) != 3:
                    raise _Unsayable
                return {"type": "object", "additionalProperties": self.schema(option.parts[2])}
            body = InOrder((Text("{"), *option.parts, Text("}")))
            of |= self._in_order(body.parts)["properties"]
        return {"type": "object", "properties": of, "required": [], "additionalProperties": False,
                **({"minProperties": least} if least else {})}


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise _Unsayable from None
