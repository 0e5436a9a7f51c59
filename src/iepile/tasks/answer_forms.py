"""An answer in the form that was asked for, whatever form the model chose: labels to values.

    [{"entity": "Ada", "type": "person"}]   {"Ada": "person"}   {"Person": "Ada"}   {"entities": {"person": ["Ada"]}}

all state what `{"person": ["Ada"]}` states. Nothing is made up: what a person could not read for sure stays as it is,
and is then reported as not asked or of a wrong form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from iepile.tasks.aliases import is_wrapper, levelled, match_names, names_of, pick
from iepile.tasks.plain_answers import read_plain
from iepile.tasks.value_forms import Form, Forms
from iepile.values import Values


class Asked(msgspec.Struct, frozen=True):
    """What was asked under a label."""

    key: str
    """The label in the answer object."""
    roles: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    """Triggers that the question tells."""


def arranged(
    value: Any, answer: str, form: Form, asked: Sequence[Asked], text: str, values: Mapping[str, Values]
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """An answer object as it was asked for, and what was put right for that.

    Args:
        value: what was read of the answer; None: no JSON.
        answer: as the model wrote it.
        form: of the values.
        values: what need not be a piece of the text.

    Returns:
        None where the answer states nothing that could be read. Keys that nobody asked for are kept.
    """
    return _Arranger(form, asked, text, values).run(value, answer)


class _Arranger:
    def __init__(self, form: Form, asked: Sequence[Asked], text: str, values: Mapping[str, Values]) -> None:
        self.form, self.text = form, text
        self.asked = {a.key: a for a in asked}
        self.names = match_names(self.asked)
        self.forms = Forms(text, values)
        self.out: dict[str, list[Any]] = {}
        """Label -> the values read for it."""
        self.other: dict[str, Any] = {}

    def run(self, value: Any, answer: str) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
        if not (self.take(value) or self.other or value == {}):
            lines = read_plain(answer, self.text, self.form, self.names)
            if not lines:
                return None, ()
            self.forms.note("lines in place of JSON")
            self.out = {k: list(v) for k, v in lines.items()}
        done = {key: self.value(self.asked[key], found) for key, found in self.out.items()}
        return done | {k: v for k, v in self.other.items() if k not in done}, tuple(self.forms.notes)

    def value(self, asked: Asked, found: list[Any]) -> Any:
        """The values of a label as one, in the form asked for."""
        one: Any = found[0] if len(found) == 1 else [x for v in found for x in (v if isinstance(v, list) else [v])]
        key, forms = asked.key, self.forms
        if self.form == "attributes":
            return forms.attributes(key, one, asked.roles)
        if self.form == "mentions":
            read = forms.mentions(key, one)
        elif self.form == "pairs":
            read = forms.pairs(key, one)
        else:
            read = forms.events(key, one, asked.roles, asked.told)
        return forms.without_repeats(key, read)

    def take(self, value: Any, depth: int = 0) -> bool:
        """Sort what an answer states by label; False: it states nothing under any label."""
        if depth > 4 or not value or not isinstance(value, dict | list):
            return False
        if isinstance(value, list):
            return self.take_list(value, depth)
        named = {k: self.names.get(levelled(k)) for k in value}
        if any(name is not None and self.fits(value[k], name) for k, name in named.items()):
            for k, v in value.items():
                name = k if k in self.asked else named[k]
                if name is None:
                    self.other[k] = v
                    continue
                if name != k:
                    self.forms.note(f"{k!r} is {name!r}")
                self.out.setdefault(name, []).append(v)
            return True
        if self.record(value) or self.by_mention(value):
            return True
        for k, v in value.items():
            if (is_wrapper(k) or len(value) == 1) and isinstance(v, dict | list) and self.take(v, depth + 1):
                self.forms.note(f"the answer stands under {k!r}")
                return True
        if depth == 0:
            self.other = dict(value)
        return False

    def fits(self, value: Any, name: str) -> bool:
        """Whether what stands under a name may be an answer: a label may be called like a part of one."""
        # {"entity": "Ada", "type": "person"} where `type` is a label too: it is that of a fact here.
        return self.label(value) in (None, name)

    def take_list(self, value: list[Any], depth: int) -> bool:
        taken = False
        if all(isinstance(v, dict) for v in value):
            for v in value:
                taken = self.take(v, depth + 1) or taken
            if taken:
                self.forms.note("a list in place of an object")
                return True
        if self.form in ("pairs", "attributes"):
            for v in value:
                if isinstance(v, list) and len(v) == 3 and all(isinstance(x, str) for x in v):
                    head, relation, tail = v
                    taken = self.put_relation(head, relation, tail) or taken
            if taken:
                self.forms.note("triples in place of an object")
                return True
        return self.only(value)

    def only(self, value: Any) -> bool:
        """One label was asked, so it need not be named."""
        strings = isinstance(value, list) and all(isinstance(v, str) and v in self.text for v in value)
        pairs = self.form == "pairs" and isinstance(value, list) and all(
            isinstance(v, dict) and pick(v, "head") is not None for v in value)
        if len(self.asked) != 1 or not ((self.form == "mentions" and strings) or pairs):
            return False
        self.forms.note("the label is not named")
        self.out.setdefault(next(iter(self.asked)), []).append(value)
        return True

    def record(self, value: dict[str, Any]) -> bool:
        """One fact that names its label: `{"entity": ..., "type": ...}`, `{"head", "relation", "tail"}`."""
        if self.form == "mentions":
            mention, trigger = pick(value, "mention"), pick(value, "trigger")
            mention = trigger if mention is None else mention
            label = self.label(pick(value, "type")) or self.label(pick(value, "event_type"))
            return self.put(label, [mention] if not isinstance(mention, list) else mention)
        if self.form == "events":
            label = self.label(pick(value, "event_type"))
            return self.put(label, [self.unnamed(value, "event_type")])
        head, tail, relation = pick(value, "head"), pick(value, "tail"), pick(value, "relation")
        if head is not None and tail is not None and isinstance(relation, str):
            return self.put_relation(head, relation, tail)
        if self.form == "attributes" and (label := self.label(pick(value, "type"))):
            return self.put(label, [self.unnamed(value, "type")])
        if self.form == "pairs" and head is not None and tail is not None:
            return self.only([value])
        return False

    def unnamed(self, value: dict[str, Any], part: str) -> dict[str, Any]:
        """Without the name of the label."""
        return {k: v for k, v in value.items() if levelled(k) not in names_of(part) or self.label(v) is None}

    def put_relation(self, head: Any, relation: str, tail: Any) -> bool:
        if self.form == "pairs":
            return self.put(self.label(relation), [{"subject": head, "object": tail}])
        owners = [a for a in self.asked.values() if levelled(relation) in match_names(a.roles)]
        if len(owners) != 1 or not isinstance(head, str):
            return False
        return self.put(owners[0].key, [{head: {relation: tail}}])

    def by_mention(self, value: dict[str, Any]) -> bool:
        """`{"Ada": "person"}`, `{"Ada": {"spouse": "Bob"}}`: all keys are mentions, all values name labels."""
        if not all(k in self.text for k in value):
            return False
        rows: list[tuple[str, str, Any]] = []
        for mention, held in value.items():
            if self.form == "mentions":
                labels = held if isinstance(held, list) else [held]
                rows += [(mention, x, None) for x in labels] if all(map(self.label, labels)) else [(mention, "", None)]
            elif isinstance(held, dict) and held:
                rows += [(mention, k, v) for k, v in held.items()]
            else:
                return False
        if self.form == "attributes":
            only = next(iter(self.asked.values())) if len(self.asked) == 1 else None
            known = match_names(only.roles) if only else {}
            if only is None or not rows or not all(levelled(k) in known for _, k, _ in rows):
                return False
            self.forms.note("the label is not named")
            return self.put(only.key, [value])
        if self.form == "events" or not rows or not all(self.label(k) for _, k, _ in rows):
            return False
        self.forms.note("mentions in place of labels")
        for mention, label, held in rows:
            fact = mention if self.form == "mentions" else {"subject": mention, "object": held}
            self.put(self.label(label), [fact])
        return True

    def label(self, name: Any) -> str | None:
        return self.names.get(levelled(name)) if isinstance(name, str) else None

    def put(self, label: str | None, found: list[Any]) -> bool:
        if label is None or found == [None]:
            return False
        self.out.setdefault(label, []).append(found)
        return True
