"""Where a mention stands in a text: the ladder of exact, normalised and fuzzy search.

A mention is looked for exactly, then with letters, widths, accents, punctuation and blanks levelled, then by likeness.

>>> found = Aligner("Then Ada spoke.").find("ada")
>>> found.method, found.places
('normalised', [(5, 8)])
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Literal

import msgspec

Method = Literal["exact", "normalised", "fuzzy", "free", "none"]
"""Rung of the ladder. `free`: it need not be in the text, and is not; `none`: it is nowhere in the text."""
Place = tuple[int, int]
"""(start, end) in code points."""

FUZZY_SCORES = {"zh": {5: 85.0, 8: 80.0}, "en": {6: 85.0}}
"""Least likeness (0 to 100) for a fuzzy place, from a length (levelled) on; shorter mentions are like everything.

`zh`: mentions with Chinese, Japanese or Korean characters. See `benchmarks/grounding.py` for what these cost and bring.
"""
_SLACK = 2
"""Characters by which the borders of an alignment may move."""
_BORDER = 10.0
"""Likeness that moving the borders may bring."""
MOST_PLACES = 1000
"""Occurrences of one mention that are considered, from the start of the text."""

_MARKS = {"“”„«»": '"', "‘’‚`´": "'", "—–−‐‑": "-", "·•": ".", "《〈": "<", "》〉": ">"}
_WIDE = str.maketrans("，。：；（）！？、【】", ",.:;()!?,[]")
_PUNCTUATION = _WIDE | {ord(ch): plain for marks, plain in _MARKS.items() for ch in marks}


class Found(msgspec.Struct, frozen=True):
    """The places of a mention, by start, and how they were found."""

    method: Method
    places: list[Place] = []
    score: float = 0.0
    """Likeness of mention and place, both levelled, 0 to 100."""


class Aligner:
    """Finds mentions in one text."""

    def __init__(self, text: str, fuzzy: bool = True) -> None:
        """`fuzzy`: whether mentions that are only alike may be placed."""
        self.text, self.fuzzy = text, fuzzy
        self._found: dict[tuple[str, bool], Found] = {}
        self._normal: tuple[str, list[int]] | None = None

    def find(self, mention: str, free: bool = False) -> Found:
        """The places of a mention; a free one is found only as whole words and letter for letter."""
        key = mention, free
        if key not in self._found:
            self._found[key] = self._free(mention) if free else self._search(mention)
        return self._found[key]

    def _free(self, mention: str) -> Found:
        # A number must not be found in the middle of another one.
        places = self._exact(mention) if mention.strip() else []
        whole = [p for p in places if not (self._inside_word(p[0]) or self._inside_word(p[1]))]
        return Found("exact", whole, 100.0) if whole else Found("free")

    def _exact(self, mention: str) -> list[Place]:
        return [(i, i + len(mention)) for i in _occurrences(mention, self.text)]

    def _search(self, mention: str) -> Found:
        if not mention.strip():
            return Found("none")
        if exact := self._exact(mention):
            return Found("exact", self._whole_words(exact), 100.0)
        query = normalise(mention)[0]
        # Marks around a mention belong to the sentence of the answer rather than to the mention.
        for levelled in dict.fromkeys((query, _without_edges(query))):
            if levelled and (places := self._levelled_places(levelled)):
                return Found("normalised", self._whole_words(places), 100.0)
        return self._alike(_without_edges(query)) if self.fuzzy else Found("none")

    def _levelled_places(self, query: str) -> list[Place]:
        normal, origin = self._levelled
        return [self._widened(origin[i], origin[i + len(query) - 1] + 1) for i in _occurrences(query, normal)]

    def _alike(self, query: str) -> Found:
        from rapidfuzz import fuzz

        normal, origin = self._levelled
        least = least_score(query)
        if len(query) > len(normal) or least > 100:
            return Found("none")
        a = fuzz.partial_ratio_alignment(query, normal, score_cutoff=least - _BORDER)
        if a is None or a.dest_end <= a.dest_start:
            return Found("none")
        # The alignment is as long as its query; with a character more or less it may be liker still.
        first, last = max(0, a.dest_start - _SLACK), min(len(normal), a.dest_end + _SLACK)
        windows = [(s, e) for s in range(first, min(a.dest_start + _SLACK, last) + 1)
                   for e in range(max(s + 1, a.dest_end - _SLACK), last + 1)]
        best = max(windows, key=lambda w: (fuzz.ratio(query, normal[w[0] : w[1]]), -abs(w[0] - a.dest_start)))
        start, end = self._snapped(origin[best[0]], origin[best[1] - 1] + 1)
        found = normalise(self.text[start:end])[0]
        # Moving the borders to whole words must not have turned it into something else; nor is 2019 like 2020.
        score = fuzz.ratio(query, found) if _digits(query) == _digits(found) else 0.0
        return Found("fuzzy", [(start, end)], score) if score >= least else Found("none")

    def _snapped(self, start: int, end: int) -> Place:
        """An alignment is as long as its query: move its borders out of words, blanks and punctuation."""
        text = self.text
        if self._inside_word(start):
            out = start
            while self._inside_word(out):
                out -= 1
            into = start
            while into < end and self._inside_word(into):
                into += 1
            start = out if start - out < into - start else into
        if self._inside_word(end):
            out = end
            while self._inside_word(out):
                out += 1
            into = end
            while into > start and self._inside_word(into):
                into -= 1
            end = out if out - end < end - into else into
        while start < end and not text[start].isalnum():
            start += 1
        while start < end and not text[end - 1].isalnum():
            end -= 1
        return self._widened(start, end)

    def _widened(self, start: int, end: int) -> Place:
        """With the combining marks that follow: they belong to the last letter."""
        while end < len(self.text) and unicodedata.category(self.text[end]) == "Mn":
            end += 1
        return start, end

    def _inside_word(self, at: int) -> bool:
        return 0 < at < len(self.text) and _spaced(self.text[at - 1]) and _spaced(self.text[at])

    def _whole_words(self, places: list[Place]) -> list[Place]:
        """Without those that begin or end inside a word, unless all do."""
        whole = [p for p in places if not (self._inside_word(p[0]) or self._inside_word(p[1]))]
        return whole or places

    @property
    def _levelled(self) -> tuple[str, list[int]]:
        if self._normal is None:
            self._normal = normalise(self.text)
        return self._normal


def least_score(query: str) -> float:
    """The least likeness for a fuzzy place of a mention, levelled; above 100: it has none."""
    spaced = all(_spaced(c) or not c.isalnum() for c in query)
    return next((v for n, v in reversed(FUZZY_SCORES["en" if spaced else "zh"].items()) if len(query) >= n), 101.0)


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _without_edges(text: str) -> str:
    """Without what is no letter or digit at both ends."""
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return text[start:end]


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
