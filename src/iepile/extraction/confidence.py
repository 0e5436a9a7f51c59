"""How sure a model is of a fact: from the log-probabilities of the tokens that wrote its mentions.

>>> strings_of('{"person": ["Ada"]}')
[(1, 9), (12, 17)]
>>> from iepile.records import Span
>>> ada = Facts((Entity("person", Span("Ada")),))
>>> with_confidence(ada, '{"person": ["Ada"]}', (0.0, -0.5)).entities[0].confidence
0.6065306597126334

The confidence of an entity is the probability of its string, that of a relation the product of both its mentions'.
An event has that of its trigger (the word `NAN` too), an argument that of its own string: whether the event is one
is the event's question. It is a share of what else the model might have written, so it ranks facts of one kind, and
long mentions have less of it; `iepile calibrate` makes chances of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from math import exp

import msgspec
from msgspec.structs import replace

from iepile.records import Argument, Entity, Event, Facts, Relation

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
_TRIGGER = re.compile("trigger|触发", re.I)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.S)


def strings_of(text: str) -> list[tuple[int, int]]:
    """Places of the JSON strings of an answer, quotes included, in order."""
    return [m.span() for m in _STRING.finditer(text)]


def string_logprobs(text: str, ends: Sequence[int], logprobs: Sequence[float]) -> tuple[float, ...]:
    """Log-probability of each JSON string of an answer: the sum over the tokens that wrote part of it.

    Args:
        text: the answer.
        ends: for each token, the characters of the answer that are written after it; ascending.
        logprobs: of each token.

    Returns:
        One number for each of `strings_of(text)`. A token that wrote the end of one string and the beginning of the
        next counts for both.
    """
    out: list[float] = []
    first = 0
    for start, end in strings_of(text):
        while first < len(ends) and ends[first] <= start:
            first += 1
        total, at = 0.0, first
        begun = ends[at - 1] if at else 0
        while at < len(ends) and begun < end:
            total += logprobs[at]
            begun = ends[at]
            at += 1
        out.append(total)
    return tuple(out)


def with_confidence(facts: Facts, answer: str, logprobs: Sequence[float] | None) -> Facts:
    """The facts with the confidence that the strings of the answer give them.

    Args:
        facts: as they were read from `answer`, in its order. Those that have a confidence keep it.
        logprobs: of each of `strings_of(answer)`.

    Returns:
        The same facts. A fact whose strings are not found has no confidence; so have all where the answer is no
        plain JSON object or the number of strings is not that of `logprobs`.
    """
    if logprobs is None or not facts:
        return facts
    strings = _strings(answer)
    if strings is None or len(strings) != len(logprobs):
        return facts
    return _Reader(strings, logprobs).facts(facts)


class _String(msgspec.Struct, frozen=True):
    """A string of an answer and where it stands."""

    number: int
    text: str
    is_key: bool
    keys: tuple[_String, ...]
    """Keys on the way to it, outermost first."""
    inside: tuple[int, ...]
    """Numbers of the objects and lists that it stands in, outermost first."""


def _strings(answer: str) -> list[_String] | None:
    try:
        if not isinstance(json.loads(answer), dict):
            return None
    except (ValueError, RecursionError):
        return None
    out: list[_String] = []
    # An object: its number and the key whose value comes next; a list: its number and None.
    open_: list[tuple[int, bool, _String | None]] = []
    containers, key_next = 0, False
    for match in _TOKEN.finditer(answer):
        token = match[0]
        if token in "{[":
            open_.append((containers, token == "{", None))
            containers += 1
            key_next = token == "{"
        elif token in "}]":
            open_.pop()
        elif token == ",":
            key_next = open_[-1][1]
        elif token == ":":
            key_next = False
        else:
            keys = tuple(k for _, _, k in (open_[:-1] if key_next else open_) if k is not None)
            string = _String(len(out), json.loads(token), key_next, keys, tuple(n for n, _, _ in open_))
            out.append(string)
            if key_next:
                open_[-1] = open_[-1][0], True, string
    return out


class _Reader:
    """Finds the strings of facts; of equal facts, the first has the first strings."""

    def __init__(self, strings: Sequence[_String], logprobs: Sequence[float]) -> None:
        self.logprobs = logprobs
        self.used: set[int] = set()
        self.values: dict[str, list[_String]] = {}
        self.by_object: dict[int, list[_String]] = {}
        self.by_element: dict[int, list[_String]] = {}
        for s in strings:
            if not s.is_key:
                self.values.setdefault(s.text, []).append(s)
                self.by_object.setdefault(s.inside[-1], []).append(s)
                for n in s.inside[2:3]:
                    self.by_element.setdefault(n, []).append(s)

    def facts(self, facts: Facts) -> Facts:
        """With confidence."""
        return Facts(
            tuple(e if e.confidence is not None else replace(e, confidence=self.entity(e)) for e in facts.entities),
            tuple(r if r.confidence is not None else replace(r, confidence=self.relation(r)) for r in facts.relations),
            tuple(map(self.event, facts.events)),
        )

    def sure(self, *strings: _String | None) -> float | None:
        """Probability of all these strings; they are used now."""
        total = 0.0
        for s in strings:
            if s is None:
                return None
            total += self.logprobs[s.number]
        self.used |= {s.number for s in strings if s is not None}
        return min(1.0, exp(total))

    def first(self, found: Iterable[_String]) -> _String | None:
        """The first that is not used yet; else the first."""
        strings = list(found)
        return next((s for s in strings if s.number not in self.used), strings[0] if strings else None)

    def entity(self, e: Entity) -> float | None:
        return self.sure(self.first(s for s in self.values.get(e.span.text, ()) if e.type in _texts(s)))

    def relation(self, r: Relation) -> float | None:
        pairs = ((head, tail) for tail in self.values.get(r.tail.text, ()) if (head := self.head(r, tail)) is not None)
        found = list(pairs)
        pair = next((p for p in found if p[1].number not in self.used), found[0] if found else None)
        if pair is None:
            return None
        # A head that is a key stands for all its attributes, so it may serve again.
        self.used.add(pair[1].number)
        return self.sure(*pair)

    def head(self, r: Relation, tail: _String) -> _String | None:
        """The head that belongs to a tail: beside it in its object, or the key that its object stands under."""
        texts = _texts(tail)
        if len(texts) == 2 and texts[0] == r.type:
            return next((s for s in self.by_object[tail.inside[-1]]
                         if s.text == r.head.text and s.number != tail.number), None)
        # Type of the head, head, relation.
        return tail.keys[1] if texts == (r.head_type, r.head.text, r.type) else None

    def event(self, e: Event) -> Event:
        elements = [n for n, strings in self.by_element.items() if strings[0].keys[0].text == e.type]
        asked = {a.span.text for a in e.arguments}
        whole = [n for n in elements if asked <= {s.text for s in self.by_element[n]}]
        if e.trigger is not None:
            # A trigger that the question tells need not be in the answer.
            named = [n for n in whole if any(s.text == e.trigger.text for s in self.by_element[n])]
            whole = named or (whole if asked else [])
        fresh = next((n for n in whole if not any(s.number in self.used for s in self.by_element[n])), None)
        element = fresh if fresh is not None else whole[0] if whole else None
        if element is None:
            # Triggers alone: a list of strings under the type.
            trigger = None if e.trigger is None or e.arguments else self.first(
                s for s in self.values.get(e.trigger.text, ()) if _texts(s) == (e.type,))
            sure = e.confidence if e.confidence is not None else self.sure(trigger)
            return replace(e, confidence=sure)
        strings = self.by_element[element]
        arguments = tuple(
            a if a.confidence is not None else replace(a, confidence=self.argument(a, strings)) for a in e.arguments)
        return replace(e, arguments=arguments, confidence=self.of_event(e, strings, arguments))

    def argument(self, a: Argument, strings: Sequence[_String]) -> float | None:
        return self.sure(self.first(s for s in strings if s.text == a.span.text and a.role == _texts(s)[-1]))

    def of_event(self, e: Event, strings: Sequence[_String], arguments: Sequence[Argument]) -> float | None:
        """That of the trigger. Where none is written, that of the surest argument: one is enough to show the event."""
        if e.confidence is not None:
            return e.confidence
        # `NAN` says that there is no trigger; elsewhere it may say that a role is not filled.
        trigger = next((s for s in strings if len(s.keys) == 2 and _TRIGGER.search(s.keys[1].text)
                        and (e.trigger is None or s.text == e.trigger.text)), None)
        if trigger is not None:
            return self.sure(trigger)
        return max((a.confidence for a in arguments if a.confidence is not None), default=None)


def _texts(string: _String) -> tuple[str, ...]:
    return tuple(k.text for k in string.keys)
