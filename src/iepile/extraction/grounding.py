"""From mentions to places: each fact's text is found in the input, so that facts are always verbatim.

How a mention is found stands in `alignment.py`; here one of its places is chosen. What is not found keeps no offsets
and is reported.

>>> g = ground(Facts(entities=(Entity("person", Span("ada")),)), "Then Ada spoke.")
>>> g.facts.entities[0].span, g.placements[0].method
(Span(text='Ada', start=5, end=8), 'normalised')
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from iepile.extraction.alignment import Aligner, Found, Method, Place
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.sentences import sentence_at, sentence_starts
from iepile.values import Values

_NOWHERE = Found("none")


class Placement(msgspec.Struct, frozen=True):
    """How one mention was placed."""

    answered: str
    """The mention as the model wrote it."""
    method: Method
    """`free`: it need not be in the text, and is not; `none`: it is nowhere in the text."""
    span: Span
    score: float = 0.0
    """Likeness of mention and place (0 to 100), case, widths, accents, marks and blanks aside; 0 without a place."""


class Grounded(msgspec.Struct, frozen=True):
    """Facts with places, and how each was found, in the order of `Facts.spans()`."""

    facts: Facts
    placements: tuple[Placement, ...]

    @property
    def ungrounded(self) -> tuple[str, ...]:
        """Mentions that are not in the text."""
        return tuple(p.answered for p in self.placements if p.method == "none")


def ground(facts: Facts, text: str, fuzzy: bool = True, free: Mapping[str, Values] | None = None) -> Grounded:
    """Give every mention of `facts` its place in `text`.

    Spans whose offsets hold their text are kept. Of several occurrences an entity takes the first unused
    one (in answer order; one that is no part of a longer mention first), a relation or event the ones that
    lie closest together, in one sentence where possible.

    Args:
        fuzzy: whether mentions that are only alike may be placed.
        free: label (of an entity, or of a relation for its tail) or `type|role` to what fills it. What need not be
            a piece of the text is placed where the very words stand, else kept as it is.
    """
    if not facts:
        return Grounded(facts, ())
    return _Grounder(facts, text, fuzzy, free or {}).run(facts)


class _Grounder:
    def __init__(self, facts: Facts, text: str, fuzzy: bool, free: Mapping[str, Values]) -> None:
        self.text = text
        self.aligner = Aligner(text, fuzzy)
        self.free = {field for field, values in free.items() if not values.verbatim}
        self.placements: list[Placement] = []
        self.used: Counter[Place] = Counter()
        self.anchors: Counter[tuple[str, Place]] = Counter()
        self.mentions = sorted({e.span.text for e in facts.entities}, key=lambda m: (-len(m), m))
        self._starts: list[int] | None = None

    def run(self, facts: Facts) -> Grounded:
        entities = tuple(self.entity(e) for e in facts.entities)
        relations = tuple(self.relation(r) for r in facts.relations)
        events = tuple(self.event(e) for e in facts.events)
        return Grounded(Facts(entities, relations, events), tuple(self.placements))

    def entity(self, e: Entity) -> Entity:
        found = self.find(e.span, e.type)
        place = None
        if found.places:
            several = len(found.places) > 1
            place = min(found.places, key=lambda p: (self.used[p], several and self.nested(e.span.text, p), p))
            self.used[place] += 1
        return replace(e, span=self.put(e.span, found, place))

    def relation(self, r: Relation) -> Relation:
        heads, tails = self.find(r.head), self.find(r.tail, r.type)
        head, (tail,) = self.together(heads.places, [tails.places])
        return replace(r, head=self.put(r.head, heads, head), tail=self.put(r.tail, tails, tail))

    def event(self, e: Event) -> Event:
        triggers = _NOWHERE if e.trigger is None else self.find(e.trigger)
        found = [self.find(a.span, f"{e.type}|{a.role}") for a in e.arguments]
        fillers = [f.places for f in found]
        if triggers.places:
            anchor, others = self.together(triggers.places, fillers, lambda place: self.anchors[e.type, place])
            if anchor is not None:
                self.anchors[e.type, anchor] += 1
        else:
            first = next((n for n, places in enumerate(fillers) if places), None)
            anchor, others = None, [None] * len(fillers)
            if first is not None:
                _, others = self.together(fillers[first], fillers)
        span = None if e.trigger is None else self.put(e.trigger, triggers, anchor)
        arguments: list[Argument] = [
            replace(a, span=self.put(a.span, f, place)) for a, f, place in zip(e.arguments, found, others, strict=True)
        ]
        return replace(e, trigger=span, arguments=tuple(arguments))

    def find(self, span: Span, field: str = "") -> Found:
        """Candidate places of what fills a field."""
        if (place := span.offsets) is not None:
            start, end = place
            if 0 <= start < end <= len(self.text) and self.text[start:end] == span.text:
                return Found("exact", [place], 100.0)
        return self.aligner.find(span.text, field in self.free)

    def sentence(self, place: Place) -> int:
        if self._starts is None:
            self._starts = sentence_starts(self.text)
        return sentence_at(self._starts, place[0])

    def nested(self, mention: str, place: Place) -> bool:
        """The place is part of a longer mention that is answered too."""
        start, end = place
        for longer in self.mentions:
            if len(longer) <= len(mention):
                return False
            window = max(0, end - len(longer))
            if mention in longer and self.text.find(longer, window, start + len(longer)) >= 0:
                return True
        return False

    def together(
        self,
        anchors: Sequence[Place],
        others: Sequence[Sequence[Place]],
        uses: Callable[[Place], int] | None = None,
    ) -> tuple[Place | None, list[Place | None]]:
        """The anchor whose nearest companions lie closest, and those companions."""
        if not anchors:
            return None, [places[0] if places else None for places in others]
        if len(anchors) == 1 and all(len(places) <= 1 for places in others):
            return anchors[0], [places[0] if places else None for places in others]
        best: tuple[tuple[int, ...], Place, list[Place | None]] | None = None
        for anchor in anchors:
            near = [self.nearest(anchor, places) if places else None for places in others]
            costs = [self.apart(anchor, place) for place in near if place is not None]
            total = (uses(anchor) if uses else 0, *map(sum, zip(*costs, strict=True)), anchor[0])
            if best is None or total < best[0]:
                best = total, anchor, near
        assert best is not None
        return best[1], best[2]

    def nearest(self, anchor: Place, places: Sequence[Place]) -> Place:
        starts = bisect_left(places, (anchor[1], -1))
        first = starts
        while first > 0 and places[first - 1][1] > anchor[0]:
            first -= 1
        close = places[max(0, first - 1) : starts + 1]
        return min(close, key=lambda place: (self.apart(anchor, place), place))

    def apart(self, a: Place, b: Place) -> tuple[int, int, int]:
        """Other sentence, overlapping, code points between: smaller is closer."""
        overlap = a[0] < b[1] and b[0] < a[1]
        return self.sentence(a) != self.sentence(b), overlap, max(0, a[0] - b[1], b[0] - a[1])

    def put(self, span: Span, found: Found, place: Place | None) -> Span:
        """The span at its place, noted in the report."""
        if place is None:
            method: Method = "free" if found.method == "free" else "none"
            placed = Span(span.text)
            self.placements.append(Placement(span.text, method, placed))
            return placed
        start, end = place
        verbatim = self.text[start:end]
        placed = span if span.offsets == place and span.text == verbatim else Span(verbatim, start, end)
        self.placements.append(Placement(span.text, found.method, placed, round(found.score, 1)))
        return placed
