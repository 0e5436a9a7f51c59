"""From the facts of windows to the facts of the document: each once, at its place, in text order.

>>> ada = Facts((Entity("person", Span("Ada", 0, 3), 0.6),))
>>> merge_windows([(Window(0, 9), ada), (Window(0, 30), ada)], "Ada met Bob. He left. She too.") == ada
True

Two windows that share sentences state what stands there twice: the same type at the same place is one fact. A mention
that a window saw only in part gives way to the longer one that another window saw whole. What windows do not agree
on stays: either may have seen what the other could not.

A fact keeps the highest confidence and support that a window gave it. A window that holds only the edge of what tells
a fact is rightly less sure of it, and that it was asked twice makes the fact no less true; a mean would punish exactly
the facts at borders, which are asked twice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import product
from typing import Generic, TypeVar

from msgspec.structs import replace

from iepile.extraction.windows import Window
from iepile.records import Argument, Entity, Event, Facts, Relation, Span

Fact = TypeVar("Fact", bound=Entity | Relation | Argument | Event)


def shift(facts: Facts, window: Window) -> Facts:
    """Facts of a window's text with places in the document; mentions without a place stay without."""
    if not window.start:
        return facts

    def moved(span: Span) -> Span:
        if span.start is None or span.end is None:
            return span
        return Span(span.text, span.start + window.start, span.end + window.start)

    return Facts(
        tuple(replace(e, span=moved(e.span)) for e in facts.entities),
        tuple(replace(r, head=moved(r.head), tail=moved(r.tail)) for r in facts.relations),
        tuple(replace(e, trigger=e.trigger and moved(e.trigger),
                      arguments=tuple(replace(a, span=moved(a.span)) for a in e.arguments)) for e in facts.events),
    )


def merge_windows(parts: Sequence[tuple[Window, Facts]], text: str) -> Facts:
    """The facts of one document, stated window by window (one task's, or several tasks').

    Args:
        parts: windows of the text, in any order, each with its facts at their places in the document (see `shift`).
            A window may come several times.

    Returns:
        Facts in text order, those without any place last. Facts of equal texts at different places are
        different facts; of facts of equal texts those that lack a place give way to those that have it.

    Raises:
        ValueError: a mention is not what the text holds at its place; its places are not those of the document.
    """
    for _, facts in parts:
        for span in facts.spans():
            if span.offsets is not None and text[span.start : span.end] != span.text:
                raise ValueError(f"{span.text!r} is not at {span.offsets}: places must be those of the document")
    parts = sorted(parts, key=lambda p: p[0])
    across = _Across(parts)
    entities = _Once[Entity](lambda e: e.type, lambda e: (e.span,))
    relations = _Once[Relation](lambda r: (r.type, r.head_type, r.tail_type), lambda r: (r.head, r.tail))
    for window, facts in parts:
        for e in facts.entities:
            entities.add(window, e)
        for r in facts.relations:
            relations.add(window, r)
    return in_text_order(Facts(
        # Whatever type the whole mention has, its window was the better judge.
        tuple(e for e, windows in entities.placed() if not across.longer(e.span, windows, across.entities)),
        tuple(relations.whole(across)),
        tuple(e.event(across) for e in _events(parts, across)),
    ))


def in_text_order(facts: Facts) -> Facts:
    """Facts sorted by the places of their mentions, those without a place last, then by what they say."""
    def arguments(e: Event) -> Event:
        return replace(e, arguments=tuple(sorted(e.arguments, key=_argument)))

    return Facts(
        tuple(sorted(facts.entities, key=lambda e: (where(e.span), e.type, e.span.text))),
        tuple(sorted(facts.relations, key=lambda r: (
            where(r.head), where(r.tail), r.type, r.head.text, r.tail.text, r.head_type or "", r.tail_type or ""))),
        tuple(sorted(map(arguments, facts.events), key=lambda e: (
            min(map(where, _mentions(e)), default=where(None)), e.type, "" if e.trigger is None else e.trigger.text,
            list(map(_argument, e.arguments))))),
    )


def _mentions(e: Event) -> tuple[Span, ...]:
    return tuple(a.span for a in e.arguments) if e.trigger is None else (e.trigger,)


def _argument(a: Argument) -> tuple[Hashable, str, str]:
    return where(a.span), a.role, a.span.text


def where(span: Span | None) -> tuple[int, int, int]:
    """Sorts mentions by place, those without one last."""
    return (1, 0, 0) if span is None or span.start is None or span.end is None else (0, span.start, span.end)


def surer(fact: Fact, other: Fact) -> Fact:
    """The fact with the higher confidence and the higher support of two."""
    return replace(fact, confidence=_most(fact.confidence, other.confidence),
                   support=_most(fact.support, other.support))


def _most(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def identity(span: Span) -> Hashable:
    """What tells two mentions of a text apart: the place; without one the characters."""
    return span.offsets or span.text


class _Across:
    """Mentions that stand across a border of windows: what a window may have seen in part."""

    def __init__(self, parts: Sequence[tuple[Window, Facts]]) -> None:
        borders = sorted({at for w, _ in parts for at in (w.start, w.end)})
        self.at: dict[int, dict[tuple[int, int], Span]] = {}
        self.entities: set[tuple[int, int]] = set()
        for _, facts in parts:
            self.entities |= {e.span.offsets for e in facts.entities if e.span.offsets is not None}
            for span in facts.spans():
                if (place := span.offsets) is not None:
                    for border in borders[bisect_right(borders, place[0]) : bisect_left(borders, place[1])]:
                        self.at.setdefault(border, {})[place] = span

    def longer(self, span: Span, windows: Sequence[Window], among: set[tuple[int, int]] | None = None) -> list[Span]:
        """Longer mentions that overlap this one and that none of its windows holds whole, longest first.

        Args:
            windows: those that state the mention.
            among: places to look at; None: all.
        """
        if (place := span.offsets) is None:
            return []
        found = {
            other: whole for border in (windows[0].start, windows[0].end)
            for other, whole in self.at.get(border, {}).items()
            if other[0] < place[1] and place[0] < other[1] and other[1] - other[0] > place[1] - place[0]
            and not any(w.start <= other[0] and other[1] <= w.end for w in windows)
            and (among is None or other in among)
        }
        return [found[other] for other in sorted(found, key=lambda p: (p[0] - p[1], p))]


class _Once(Generic[Fact]):
    """Facts of one kind, each once, with the windows that state it."""

    def __init__(self, kind: Callable[[Fact], Hashable], mentions: Callable[[Fact], tuple[Span, ...]]) -> None:
        self.kind, self.mentions = kind, mentions
        self.facts: dict[Hashable, tuple[Fact, list[Window]]] = {}

    def add(self, window: Window, fact: Fact) -> None:
        """Take a fact that a window states."""
        key = self.kind(fact), *map(identity, self.mentions(fact))
        known, windows = self.facts.get(key, (fact, []))
        self.facts[key] = surer(known, fact), [*windows, window]

    def placed(self) -> list[tuple[Fact, list[Window]]]:
        """The facts with their windows, without those that lack a place which one of equal words has."""
        by_words: dict[Hashable, list[Fact]] = {}
        for fact, _ in self.facts.values():
            by_words.setdefault(self._words(fact), []).append(fact)
        return [(fact, windows) for fact, windows in self.facts.values()
                if all(s.grounded for s in self.mentions(fact))
                or not any(self._less(fact, other) for other in by_words[self._words(fact)])]

    def whole(self, across: _Across) -> list[Fact]:
        """The facts, without those whose mentions were seen in part, where the same is stated of whole ones."""
        return [fact for fact, windows in self.placed() if not any(
            (self.kind(fact), *map(identity, mentions)) in self.facts
            for mentions in product(*([s, *across.longer(s, windows)] for s in self.mentions(fact)))
            if mentions != self.mentions(fact)
        )]

    def _words(self, fact: Fact) -> Hashable:
        return self.kind(fact), *(s.text for s in self.mentions(fact))

    def _less(self, fact: Fact, other: Fact) -> bool:
        """The other has every place that this fact has, and more."""
        pairs = [(a.offsets, b.offsets) for a, b in zip(self.mentions(fact), self.mentions(other), strict=True)]
        return all(a is None or a == b for a, b in pairs) and any(a != b for a, b in pairs)


class _Event:
    """An event with what several windows say of it."""

    def __init__(self, part: int, window: Window, event: Event) -> None:
        self.fact = event
        self.parts: set[int] = set()
        self.windows: list[Window] = []
        self.arguments = _Once[Argument](lambda a: a.role, lambda a: (a.span,))
        self.add(part, window, event)

    def add(self, part: int, window: Window, event: Event) -> None:
        """Unite with what a window says."""
        self.fact = surer(self.fact, event)
        self.parts.add(part)
        self.windows.append(window)
        for a in event.arguments:
            self.arguments.add(window, a)

    def event(self, across: _Across) -> Event:
        """The whole."""
        return replace(self.fact, arguments=tuple(self.arguments.whole(across)))

    def shares(self, event: Event) -> int:
        """Arguments that an event has in common with this one."""
        return len(_arguments(event) & self.arguments.facts.keys())

    def contains(self, window: Window, event: Event) -> bool:
        """The event, stated without trigger, is this one: one of the two says all that the other says, or more."""
        if not any(w.start < window.end and window.start < w.end for w in self.windows):
            return False
        mine, other = self.arguments.facts.keys(), _arguments(event)
        trigger = self.fact.trigger
        if trigger is None:
            return mine <= other or other <= mine
        # What a window did not see it could not name.
        seen = trigger.offsets is None or (window.start <= trigger.offsets[0] and trigger.offsets[1] <= window.end)
        return other <= mine and not seen


def _arguments(event: Event) -> set[Hashable]:
    return {(a.role, identity(a.span)) for a in event.arguments}


def _events(parts: Sequence[tuple[Window, Facts]], across: _Across) -> Iterable[_Event]:
    """Events by type and place of trigger; those without trigger by their arguments."""
    stated = [(n, window, e) for n, (window, facts) in enumerate(parts) for e in facts.events]
    windows: dict[Hashable, list[Window]] = {}
    for _, window, e in stated:
        if e.trigger is not None:
            windows.setdefault((e.type, identity(e.trigger)), []).append(window)
    known: dict[Hashable, list[_Event]] = {}
    # An event whose trigger has no place joins one of the same word that has it: those come first.
    for n, window, e in sorted(stated, key=lambda s: s[2].trigger is None or not s[2].trigger.grounded):
        if e.trigger is None:
            continue
        key = e.type, identity(e.trigger)
        whole = next((t for t in across.longer(e.trigger, windows[key]) if (e.type, identity(t)) in windows), e.trigger)
        e = replace(e, trigger=whole)
        found = [m for m in known.get((e.type, identity(whole)), ()) if n not in m.parts]
        if found:
            max(found, key=lambda m: m.shares(e)).add(n, window, e)
            continue
        made = _Event(n, window, e)
        for name in dict.fromkeys((identity(whole), whole.text)):
            known.setdefault((e.type, name), []).append(made)
    triggered = list(dict.fromkeys(m for found in known.values() for m in found))
    return triggered + _without_trigger(stated, triggered)


def _without_trigger(stated: Sequence[tuple[int, Window, Event]], triggered: Sequence[_Event]) -> list[_Event]:
    near: dict[str, list[_Event]] = {}
    for m in triggered:
        near.setdefault(m.fact.type, []).append(m)
    same: dict[Hashable, _Event] = {}
    made: list[_Event] = []
    # The largest first, so that it does not depend on chance which one takes in a small one.
    for n, window, e in sorted(stated, key=lambda s: (s[1], -len(s[2].arguments))):
        if e.trigger is not None:
            continue
        here = near[e.type] = [m for m in near.get(e.type, ()) if max(w.end for w in m.windows) > window.start]
        key = e.type, frozenset(_arguments(e))
        found = [m for m in (*here, *([same[key]] if key in same else ())) if n not in m.parts]
        home = next((m for m in found if m is same.get(key) or m.contains(window, e)), None)
        if home is None:
            home = _Event(n, window, e)
            here.append(home)
            made.append(home)
        else:
            home.add(n, window, e)
        same.setdefault(key, home)
    return made
