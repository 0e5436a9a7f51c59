"""How two mentions of a text lie to one another: what tells a wrong border from a wrong mention.

>>> lie = Lie("Ada Byron met Bob.", "string")
>>> lie.of(Span("Byron"), Span("Ada Byron")), lie.of(Span("Bob"), Span("Ada Byron")), lie.of(Span("Bob"), Span("Bob"))
(2, 5, 0)
"""

from __future__ import annotations

from collections.abc import Hashable
from itertools import product

from iepile.evaluation.errors.mistaken import inside_word
from iepile.records import Span
from iepile.tasks.matching import BY_PLACE, Match, agree, normal_form, span_key

SAME, PLACE, CONTAINED, OVERLAPPING, SIMILAR, APART = range(6)
"""The same to the scoring; the same words at another place, or one of them without place (scoring by place only); one
within the other; sharing characters; one of them not in the text letter by letter, but of similar words; nothing of
these."""
MOST_PLACES = 64
"""Occurrences of a mention that are looked at."""
ALIKE = 60
"""Similarity of words, 0 to 100, from which a mention that is not in the text stands for one that is."""


Reach = tuple[int, int, str, Hashable] | None
"""From where to where a mention can be, its words, and what scoring compares it by; None: not in the text."""


def meet(here: Reach, there: Reach) -> bool:
    """Whether two mentions can have anything in common."""
    if here is None or there is None:
        return True
    return (here[0] < there[1] and there[0] < here[1]) or here[2] == there[2] or here[3] == there[3]


class Lie:
    """Mentions of one text, compared."""

    def __init__(self, text: str, match: Match) -> None:
        """
        Args:
            match: what scoring compares mentions by; by place, a mention is where it says, else wherever its words are.
        """
        self.text, self.match = text, match
        self._places: dict[str, tuple[tuple[int, int], ...]] = {}

    def of(self, a: Span | None, b: Span | None) -> int:
        """How they lie, best first: `SAME` to `APART`. None, an event's missing trigger, is the same as itself only."""
        if a is None or b is None:
            return SAME if a is b else APART
        if agree(self.key(a), self.key(b)):
            return SAME
        if a.text == b.text:
            return PLACE
        best = APART
        for (start, end), (first, last) in product(self.places(a), self.places(b)):
            if start < last and first < end:
                if (start <= first and last <= end) or (first <= start and end <= last):
                    return CONTAINED
                best = OVERLAPPING
        if best == APART and not (self.places(a) and self.places(b)) and self._alike(a.text, b.text):
            return SIMILAR
        return best

    def shared(self, a: Span | None, b: Span | None) -> int:
        """Characters that they share at the places where they share most."""
        if a is None or b is None:
            return 0
        return max((min(end, last) - max(start, first)
                    for (start, end), (first, last) in product(self.places(a), self.places(b))), default=0)

    def key(self, span: Span | None) -> Hashable:
        """What scoring compares the mention by."""
        return None if span is None else span_key(span, self.match)

    def holds(self, span: Span | None) -> bool:
        """Whether the mention is in the text, to the eyes of the scoring."""
        if span is None or self.places(span):
            return True
        return self.match in ("normalised", "head") and normal_form(span.text) in normal_form(self.text)

    def places(self, span: Span) -> tuple[tuple[int, int], ...]:
        """(start, end) of the mention: its own by place, else of its words in the text, the first `MOST_PLACES`."""
        if self.match in BY_PLACE and span.offsets is not None:
            return (span.offsets,)
        if (found := self._places.get(span.text)) is None:
            found = self._places[span.text] = self._found(span.text)
        return found

    def reach(self, span: Span | None) -> Reach:
        """What tells quickly that two mentions have nothing in common (`meet`)."""
        if span is None or not (places := self.places(span)):
            return None
        return places[0][0], max(end for _, end in places), span.text, self.key(span)

    def first(self, span: Span) -> tuple[int, int] | None:
        """The mention's own place, else the first of its words in the text."""
        if span.offsets is not None:
            return span.offsets
        return next(iter(self.places(span)), None)

    def _found(self, words: str) -> tuple[tuple[int, int], ...]:
        text = self.text
        if self.match in ("normalised", "head") and words not in text and len(text.casefold()) == len(text):
            text, words = text.casefold(), words.casefold()
        every: list[tuple[int, int]] = []
        at = text.find(words) if words else -1
        while at >= 0 and len(every) < MOST_PLACES:
            every.append((at, at + len(words)))
            at = text.find(words, at + 1)
        # "ada" stands in "canada", but is no word of it.
        whole = [place for place in every if not (inside_word(text, place[0]) or inside_word(text, place[1]))]
        return tuple(whole or every)

    @staticmethod
    def _alike(a: str, b: str) -> bool:
        from rapidfuzz import fuzz

        a, b = normal_form(a), normal_form(b)
        return a in b or b in a or fuzz.ratio(a, b) >= ALIKE
