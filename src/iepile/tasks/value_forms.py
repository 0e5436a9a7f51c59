"""What stands under one label, in the form that was asked for, whatever form the model chose.

>>> forms = Forms("Ada wed Bob.", {})
>>> forms.pairs("spouse", {"head": "Ada", "tail": ["Bob"]})
[{'subject': 'Ada', 'object': 'Bob'}]
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from iepile.tasks.aliases import is_nothing, levelled, match_names, names_of, pick
from iepile.tasks.salvage import loads_tolerant
from iepile.values import Values

Form = Literal["mentions", "pairs", "events", "attributes"]
"""What stands under a label: mentions; pairs of mentions; events; entities with attributes."""

_PARTS = re.compile(r"\s*(?:[,，、;；\n]|\band\b)\s*")
_ARROW = re.compile(r"\s*(?:->|=>|→|-->|\||\t|[,，;；])\s*")


class Forms:
    """Reads values that answer questions about one text, and notes what had another form."""

    def __init__(self, text: str, values: Mapping[str, Values]) -> None:
        self.text, self.values = text, values
        self.notes: dict[str, None] = {}

    def note(self, what: str) -> None:
        """Something was not as it was asked for."""
        self.notes[what] = None

    def nothing(self, value: Any, field: str) -> bool:
        """Whether a value says that there is none."""
        if value is None or value != value or value in ("", [], {}):
            return True
        told = self.values.get(field)
        if not isinstance(value, str) or (told and (not told.verbatim and value in (told.options or (value,)))):
            return False
        if is_nothing(value, self.text):
            if value != "NAN":
                self.note(f"{field}: {value!r} is nothing".lstrip(": "))
            return True
        return False

    def mentions(self, field: str, value: Any, nested: bool = False) -> list[Any]:
        """A list of mentions; what cannot be read as one is left in it."""
        if self.nothing(value, field):
            return []
        if isinstance(value, list):
            if nested:
                self.note(f"{field}: lists within lists")
            return [m for v in value for m in self.mentions(field, v, True)]
        if isinstance(value, str):
            return self._split(field, value, nested)
        if isinstance(value, dict):
            held = pick(value, "mention")
            if isinstance(held, str | list):
                self.note(f"{field}: mentions in objects")
                return self.mentions(field, held, True)
            if value and all(k in self.text for k in value):
                self.note(f"{field}: mentions as keys")
                return list(value)
            return [value]
        if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in self.text:
            self.note(f"{field}: a number for text")
            return [str(value)]
        return [value]

    def _split(self, field: str, value: str, nested: bool) -> list[Any]:
        """One string, or the several mentions that are written into it."""
        if not nested:
            self.note(f"{field}: text in place of a list")
        elif value in self.text:
            return [value]
        if value[:1] in "[{" and isinstance(inner := loads_tolerant(value).value, list | dict):
            return self.mentions(field, inner)
        parts = [p for p in _PARTS.split(value.strip()) if p]
        apart = len(parts) > 1 and all(p in self.text for p in parts)
        if apart and levelled(value) not in levelled(self.text):  # a comma of another width is no second mention
            self.note(f"{field}: several mentions in one text")
            return list(parts)
        return [value]

    def pairs(self, field: str, value: Any) -> list[Any]:
        """A list of `{"subject": mention, "object": mention}`."""
        if self.nothing(value, ""):
            return []
        if isinstance(value, list):
            if self._flat_pair(value, field):
                return self._pair(field, value)
            return [p for v in value for p in self._pair(field, v)]
        self.note(f"{field}: one value in place of a list")
        return self._pair(field, value)

    def _flat_pair(self, value: list[Any], field: str) -> bool:
        """Two mentions of the text (or three parts) where a list of pairs was expected."""
        ends = [value[0], value[2]] if len(value) == 3 and _like(value[1], field) else value
        return len(ends) == 2 and all(isinstance(v, str) and v in self.text for v in ends)

    def _pair(self, field: str, value: Any) -> list[Any]:
        head, tail = None, None
        if isinstance(value, dict):
            head, tail = pick(value, "head"), pick(value, "tail")
            if head is None and tail is None and value and all(k in self.text for k in value):
                self.note(f"{field}: heads as keys")
                return [p for k, v in value.items() for p in self._joined(field, k, v)]
            if {"subject", "object"} - set(value) and {"head", "tail"} - set(value) and None not in (head, tail):
                self.note(f"{field}: other names of head and tail")
        elif isinstance(value, str) and len(parts := _ARROW.split(value.strip().strip("()（）[]<>"))) in (2, 3):
            value = parts
        if isinstance(value, list):
            ends = [value[0], value[2]] if len(value) == 3 and _like(value[1], field) else value
            if len(ends) == 2 and all(isinstance(v, str) for v in ends):
                self.note(f"{field}: head and tail as a list")
                head, tail = ends
        if head is None or tail is None:
            return [] if isinstance(value, str) and self.nothing(value, "") else [value]
        return self._joined(field, head, tail)

    def _joined(self, field: str, head: Any, tail: Any) -> list[Any]:
        heads, tails = self._ends(head, ""), self._ends(tail, field)
        if len(heads) > 1 or len(tails) > 1:
            self.note(f"{field}: several mentions at one end")
        return [{"subject": h, "object": t} for h in heads for t in tails]

    def _ends(self, value: Any, field: str) -> list[Any]:
        return self.mentions(field, value if isinstance(value, list) else [value])

    def events(self, field: str, value: Any, roles: Sequence[str], told: Sequence[str] = ()) -> list[Any]:
        """A list of `{"trigger": mention, "arguments": {role: mention or mentions}}`.

        Args:
            told: triggers that the question tells.
        """
        if self.nothing(value, ""):
            return []
        known = match_names(roles)
        if isinstance(value, dict) and not self._is_event(value, known) and value and all(
            k in self.text and isinstance(v, dict) for k, v in value.items()
        ):
            self.note(f"{field}: triggers as keys")
            value = [{"trigger": k, "arguments": v} for k, v in value.items()]
        if not isinstance(value, list):
            self.note(f"{field}: one value in place of a list")
            value = [value]
        return [e for v in value if not self.nothing(v, "") for e in self._event(field, v, known, told)]

    def _is_event(self, value: dict[str, Any], roles: Mapping[str, str]) -> bool:
        keys = set(map(levelled, value))
        return bool(keys & {*names_of("trigger"), *names_of("arguments"), *roles})

    def _event(self, field: str, value: Any, roles: Mapping[str, str], told: Sequence[str]) -> list[Any]:
        if isinstance(value, str) and value in self.text:
            self.note(f"{field}: a trigger in place of an event")
            value = {"trigger": value}
        if not isinstance(value, dict):
            return [value]
        plain = set(value) == {"trigger", "arguments"}
        trigger, args = value.get("trigger"), value.get("arguments")
        if not plain and not {"trigger", "arguments"} & set(roles.values()):
            trigger, args = pick(value, "trigger"), pick(value, "arguments")
            if args is None:
                args = {k: v for k, v in value.items() if levelled(k) in roles}
                if args:
                    self.note(f"{field}: roles beside the trigger")
            elif not {"trigger", "arguments"} & set(value):
                self.note(f"{field}: other names of trigger and arguments")
        elif not plain and "trigger" not in value and not isinstance(args, dict):
            return [value]
        triggers = self.mentions(f"{field}|", [trigger])
        if len(triggers) == 1 and triggers != [trigger]:
            self.note(f"{field}: the trigger is no text")
        if not triggers and len(told) == 1:
            triggers = [told[0]]
        out = {"trigger": triggers[0] if len(triggers) == 1 else trigger if triggers else "NAN"}
        return [out | {"arguments": self._arguments(field, args, roles)}]

    def _arguments(self, field: str, args: Any, roles: Mapping[str, str]) -> Any:
        if self.nothing(args, ""):
            return {}
        rows: list[tuple[Any, Any]] = []
        if isinstance(args, dict):
            if not any(levelled(k) in roles for k in args) and args and all(
                isinstance(v, str) and levelled(v) in roles for v in args.values()
            ):
                self.note(f"{field}: roles as values")
                rows = [(role, mention) for mention, role in args.items()]
            else:
                rows = list(args.items())
        elif isinstance(args, list) and all(isinstance(a, dict) for a in args):
            self.note(f"{field}: arguments as a list")
            for a in args:
                role, filler = pick(a, "role"), pick(a, "filler")
                rows += [(role, filler)] if isinstance(role, str) and filler is not None else a.items()
        else:
            return args
        out: dict[str, list[Any]] = {}
        for role, filler in rows:
            name = self.renamed(role, roles)
            found = self.mentions(f"{field}|{name}", filler if isinstance(filler, list) else [filler])
            out.setdefault(name, []).extend(found)
        return out

    def attributes(self, field: str, value: Any, roles: Sequence[str]) -> Any:
        """`{entity: {attribute: [mentions]}}`."""
        known = match_names(roles)
        if self.nothing(value, ""):
            return {}
        entities: list[tuple[str, Any]] = []
        if isinstance(value, dict) and not self._head(value, known):
            entities = list(value.items())
        elif isinstance(value, dict | list):
            rows = value if isinstance(value, list) else [value]
            if not all(isinstance(r, dict) for r in rows):
                return value
            self.note(f"{field}: entities as a list")
            for row in rows:
                if head := self._head(row, known):
                    held = pick(row, "attributes")
                    entities.append((head, held if isinstance(held, dict) else
                                     {k: v for k, v in row.items() if levelled(k) in known}))
                else:
                    entities += row.items()
        else:
            return value
        out: dict[str, Any] = {}
        for head, held in entities:
            if not isinstance(held, dict):
                out.setdefault(head, {} if self.nothing(held, "") else held)
                continue
            of = out.setdefault(head, {})
            for attribute, filler in held.items():
                name = self.renamed(attribute, known)
                if isinstance(of, dict):
                    of.setdefault(name, []).extend(
                        self.mentions(name, filler if isinstance(filler, list) else [filler]))
        return out

    def _head(self, row: dict[str, Any], roles: Mapping[str, str]) -> str | None:
        """The entity that an object names beside its attributes."""
        head = pick({k: v for k, v in row.items() if levelled(k) not in roles}, "mention")
        return head if isinstance(head, str) and head in self.text else None

    def renamed(self, name: Any, known: Mapping[str, str]) -> str:
        """The asked name that only differs in case, width or blanks."""
        asked = known.get(levelled(str(name)), str(name))
        if asked != name:
            self.note(f"{name!r} is {asked!r}")
        return asked

    def without_repeats(self, field: str, values: list[Any]) -> list[Any]:
        """A value as often as its words stand in the text at most: models get caught in loops."""
        count: dict[str, int] = {}
        allowed: dict[str, int] = {}
        out: list[Any] = []
        for v in values:
            key = json.dumps(v, sort_keys=True)
            count[key] = count.get(key, 0) + 1
            if count[key] > 1:
                if key not in allowed:
                    words = _strings(v)
                    allowed[key] = max(1, min((self.text.count(s) for s in words), default=1))
                if count[key] > allowed[key]:
                    continue
            out.append(v)
        if len(out) < len(values):
            self.note(f"{field}: {len(values) - len(out)} repeats")
        return out


def _like(value: Any, field: str) -> bool:
    return isinstance(value, str) and levelled(value) == levelled(field)


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [s for v in inner for s in _strings(v)]
