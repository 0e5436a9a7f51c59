"""From mentions to places: each fact's text is found in the input, so that facts are always verbatim.

A mention is looked for exactly, then with letters, widths, accents, punctuation and blanks levelled, then
by fuzzy alignment; what is still not found keeps no offsets and is reported.

>>> g = ground(Facts(entities=(Entity("person", Span("ada")),)), "Then Ada spoke.")
>>> g.facts.entities[0].span, g.placements[0].method
(Span(text='Ada', start=5, end=8), 'normalised')
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.sentences import sentence_at, sentence_starts

Method = Literal["exact", "normalised", "fuzzy", "none"]
Place = tuple[int, int]
"""(start, end) in code points."""

FUZZY_SCORE = 85.0
"""Least likeness (0 to 100) for a fuzzy place."""
FUZZY_LENGTH = 3
"""Shortest mention, normalised, that is looked for by likeness; shorter ones are like everything."""
MOST_PLACES = 1000
"""Occurrences of one mention that are considered, from the start of the text."""

_MARKS = {"“”„«»": '"', "‘’‚`´": "'", "—–−‐‑": "-", "·•": ".", "《〈": "<", "》〉": ">"}
_WIDE = str.maketrans("，。：；（）！？、【】", ",.:;()!?,[]")
_PUNCTUATION = _WIDE | {ord(ch): plain for marks, plain in _MARKS.items() for ch in marks}


class Placement(msgspec.Struct, frozen=True):
    """How one mention was placed."""

    answered: str
    """The mention as the model wrote it."""
    method: Method
    """`none`: it is nowhere in the text."""
    span: Span


class Grounded(msgspec.Struct, frozen=True):
    """Facts with places, and how each was found, in the order of `Facts.spans()`."""

    facts: Facts
    placements: tuple[Placement, ...]

    @property
    def ungrounded(self) -> tuple[str, ...]:
        """Mentions that are not in the text."""
        return tuple(p.answered for p in self.placements if p.method == "none")


def ground(facts: Facts, text: str, fuzzy: bool = True) -> Grounded:
    """Give every mention of `facts` its place in `text`.

    Spans whose offsets hold their text are kept. Of several occurrences an entity takes the first unused
    one (in answer order; one that is no part of a longer mention first), a relation or event the ones that
    lie closest together, in one sentence where possible.

    Args:
        fuzzy: whether mentions that are only alike may be placed.
    """
    if not facts:
        return Grounded(facts, ())
    return _Grounder(facts, text, fuzzy).run(facts)


class _Grounder:
    def __init__(self, facts: Facts, text: str, fuzzy: bool) -> None:
        self.text, self.fuzzy = text, fuzzy
        self.placements: list[Placement] = []
        self.found: dict[str, tuple[Method, list[Place]]] = {}
        self.used: Counter[Place] = Counter()
        self.anchors: Counter[tuple[str, Place]] = Counter()
        self.mentions = sorted({e.span.text for e in facts.entities}, key=lambda m: (-len(m), m))
        self._normal: tuple[str, list[int]] | None = None
        self._starts: list[int] | None = None

    def run(self, facts: Facts) -> Grounded:
        entities = tuple(self.entity(e) for e in facts.entities)
        relations = tuple(self.relation(r) for r in facts.relations)
        events = tuple(self.event(e) for e in facts.events)
        return Grounded(Facts(entities, relations, events), tuple(self.placements))

    def entity(self, e: Entity) -> Entity:
        places = self.places(e.span)
        place = None
        if places:
            several = len(places) > 1
            place = min(places, key=lambda p: (self.used[p], several and self.nested(e.span.text, p), p))
            self.used[place] += 1
        return replace(e, span=self.put(e.span, place))

    def relation(self, r: Relation) -> Relation:
        heads, tails = self.places(r.head), self.places(r.tail)
        head, (tail,) = self.together(heads, [tails])
        return replace(r, head=self.put(r.head, head), tail=self.put(r.tail, tail))

    def event(self, e: Event) -> Event:
        trigger = [] if e.trigger is None else self.places(e.trigger)
        fillers = [self.places(a.span) for a in e.arguments]
        if trigger:
            anchor, others = self.together(trigger, fillers, lambda place: self.anchors[e.type, place])
            if anchor is not None:
                self.anchors[e.type, anchor] += 1
        else:
            first = next((n for n, places in enumerate(fillers) if places), None)
            anchor, others = None, [None] * len(fillers)
            if first is not None:
                _, others = self.together(fillers[first], fillers)
        span = None if e.trigger is None else self.put(e.trigger, anchor)
        arguments: list[Argument] = [
            replace(a, span=self.put(a.span, place)) for a, place in zip(e.arguments, others, strict=True)
        ]
        return replace(e, trigger=span, arguments=tuple(arguments))

    def places(self, span: Span) -> list[Place]:
        """Candidate places of a mention, by start."""
        if (place := span.offsets) is not None:
            start, end = place
            if 0 <= start < end <= len(self.text) and self.text[start:end] == span.text:
                return [place]
        if span.text not in self.found:
            self.found[span.text] = self.search(span.text)
        return self.found[span.text][1]

    def search(self, mention: str) -> tuple[Method, list[Place]]:
        if not mention.strip():
            return "none", []
        exact = [(i, i + len(mention)) for i in _occurrences(mention, self.text)]
        if exact:
            return "exact", self.whole_words(exact)
        normal, origin = self.normal
        query, _ = normalise(mention)
        if not query:
            return "none", []
        levelled = [self.widened(origin[i], origin[i + len(query) - 1] + 1) for i in _occurrences(query, normal)]
        if levelled:
            return "normalised", self.whole_words(levelled)
        if self.fuzzy and (place := self.alike(query)) is not None:
            return "fuzzy", [place]
        return "none", []

    def alike(self, query: str) -> Place | None:
        from rapidfuzz import fuzz

        normal, origin = self.normal
        if not FUZZY_LENGTH <= len(query) <= len(normal):
            return None
        a = fuzz.partial_ratio_alignment(query, normal, score_cutoff=FUZZY_SCORE)
        if a is None or a.dest_end <= a.dest_start:
            return None
        start, end = self.snapped(origin[a.dest_start], origin[a.dest_end - 1] + 1)
        # Moving the borders to whole words must not have turned it into something else.
        if start >= end or fuzz.ratio(query, normalise(self.text[start:end])[0]) < FUZZY_SCORE:
            return None
        return start, end

    def snapped(self, start: int, end: int) -> Place:
        """An alignment is as long as its query: move its borders out of words, blanks and punctuation."""
        text = self.text
        if self.inside_word(start):
            out = start
            while self.inside_word(out):
                out -= 1
            into = start
            while into < end and self.inside_word(into):
                into += 1
            start = out if start - out < into - start else into
        if self.inside_word(end):
            out = end
            while self.inside_word(out):
                out += 1
            into = end
            while into > start and self.inside_word(into):
                into -= 1
            end = out if out - end < end - into else into
        while start < end and not text[start].isalnum():
            start += 1
        while start < end and not text[end - 1].isalnum():
            end -= 1
        return self.widened(start, end)

    def widened(self, start: int, end: int) -> Place:
        """With the combining marks that follow: they belong to the last letter."""
        while end < len(self.text) and unicodedata.category(self.text[end]) == "Mn":
            end += 1
        return start, end

    def inside_word(self, at: int) -> bool:
        return 0 < at < len(self.text) and _spaced(self.text[at - 1]) and _spaced(self.text[at])

    def whole_words(self, places: list[Place]) -> list[Place]:
        """Without those that begin or end inside a word, unless all do."""
        whole = [p for p in places if not (self.inside_word(p[0]) or self.inside_word(p[1]))]
        return whole or places

    @property
    def normal(self) -> tuple[str, list[int]]:
        if self._normal is None:
            self._normal = normalise(self.text)
        return self._normal

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

    def put(self, span: Span, place: Place | None) -> Span:
        """The span at its place, noted in the report."""
        if place is None:
            placed = Span(span.text)
            self.placements.append(Placement(span.text, "none", placed))
            return placed
        start, end = place
        verbatim = self.text[start:end]
        method = "exact" if verbatim == span.text else self.found[span.text][0]
        placed = span if span.offsets == place and span.text == verbatim else Span(verbatim, start, end)
        self.placements.append(Placement(span.text, method, placed))
        return placed


def normalise(text: str) -> tuple[str, list[int]]:
    """The text levelled, and the code point in `text` that each of its characters comes from.

    Compatibility forms, case, accents, kinds of quotation marks and dashes are levelled; blanks and
    invisible characters go.
    """
    out: list[str] = []
    origin: list[int] = []
    for at, ch in enumerate(text):
        for c in unicodedata.normalize("NFKD", ch.translate(_PUNCTUATION)).translate(_PUNCTUATION).casefold():
            if not c.isspace() and unicodedata.category(c) not in ("Cf", "Mn"):
                out.append(c)
                origin.append(at)
    return "".join(out), origin


def _occurrences(mention: str, text: str) -> Iterable[int]:
    """Starts of the occurrences that do not overlap each other."""
    at, n = text.find(mention), 0
    while at >= 0 and n < MOST_PLACES:
        yield at
        at, n = text.find(mention, at + len(mention)), n + 1


def _spaced(ch: str) -> bool:
    """A letter or digit of a script that separates words with blanks."""
    return ch.isalnum() and not ("\u2e80" <= ch <= "\u9fff" or "\uac00" <= ch <= "\ud7af" or ch >= "\U00020000")
