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

FUZZY_SCORE = 85.0
"""Least likeness (0 to 100) for a fuzzy place."""
FUZZY_LENGTH = 3
"""Shortest mention, normalised, that is looked for by likeness; shorter ones are like everything."""
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
        normal, origin = self._levelled
        query, _ = normalise(mention)
        if not query:
            return Found("none")
        levelled = [self._widened(origin[i], origin[i + len(query) - 1] + 1) for i in _occurrences(query, normal)]
        if levelled:
            return Found("normalised", self._whole_words(levelled), 100.0)
        return self._alike(query) if self.fuzzy else Found("none")

    def _alike(self, query: str) -> Found:
        from rapidfuzz import fuzz

        normal, origin = self._levelled
        if not FUZZY_LENGTH <= len(query) <= len(normal):
            return Found("none")
        a = fuzz.partial_ratio_alignment(query, normal, score_cutoff=FUZZY_SCORE)
        if a is None or a.dest_end <= a.dest_start:
            return Found("none")
        start, end = self._snapped(origin[a.dest_start], origin[a.dest_end - 1] + 1)
        # Moving the borders to whole words must not have turned it into something else.
        score = fuzz.ratio(query, normalise(self.text[start:end])[0]) if start < end else 0.0
        return Found("fuzzy", [(start, end)], score) if score >= FUZZY_SCORE else Found("none")

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
