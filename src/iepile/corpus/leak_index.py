"""Evaluation texts, filed so that a training text finds those it equals, resembles, contains or is part of.

>>> index = LeakIndex(LeakSettings(min_words=4))
>>> index.add([Document("Ada Lund founded Pinewise in Oberwald last spring.", source="news")], "test")
>>> text = "We heard that Ada Lund founded Pinewise in Oberwald last spring, and that it grew."
>>> match = index.find(Document(text))
>>> match.kind, match.set
('contained', 'news/test')

Every shingle of every evaluation text is in an inverted index, so similarity is exact and nothing above the
thresholds is missed, but for texts made of nothing but shingles that `COMMON` evaluation texts share. It takes
about 85 bytes for each word or Chinese character of the evaluation texts.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from iepile.corpus.digests import DigestMap
from iepile.corpus.shingles import digest, enough, shingles_of, tokens
from iepile.errors import InputError
from iepile.language import language_of
from iepile.records import Document

COMMON = 256
"""Evaluation texts from which a shingle they share proposes none of them; it still counts for similarity."""
_BITS = 16
_KINDS = ("exact", "near", "contained")


@dataclass(kw_only=True)
class LeakSettings:
    """What counts as a leak."""

    threshold: float = 0.8
    """Jaccard similarity of shingles (3 words, 4 Chinese characters) from which two texts are nearly the same."""
    containment: float = 0.9
    """Share of the shorter text's shingles that the longer one must have for a part of it to count; above 1: never."""
    min_words: int = 10
    """Words of the shorter text from which similarity counts, two Chinese characters as one; below, only equal
    texts do."""


class Match(msgspec.Struct, frozen=True):
    """An evaluation text that a training text leaks."""

    kind: Literal["exact", "near", "contained"]
    """Equal letters and digits; similar as a whole; one part of the other."""
    similarity: float
    """Jaccard; of contained texts, the share of the shorter one."""
    set: str
    """Data set and split."""
    key: str
    """Id of the evaluation text, else its SHA-256."""
    number: int
    """Place in the index."""
    short: bool = False
    """Below `min_words`: a heading or a dateline may be equal by chance."""


class LeakIndex:
    """The evaluation texts."""

    def __init__(self, settings: LeakSettings | None = None) -> None:
        """Raises InputError for a threshold that is none."""
        self.settings = settings or LeakSettings()
        for name in ("threshold", "containment"):
            value = getattr(self.settings, name)
            if not value > 0 or (name == "threshold" and value > 1):
                raise InputError(f"{name} is {value}", field=name, expected="a share above 0, at most 1")
        self.sets: dict[str, int] = {}
        """Evaluation set -> its texts."""
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._set_of = array("I")
        self._keys: list[str] = []
        self._exact = DigestMap()
        self._same = array("Q")
        """Text -> 1 + the text before it with the same letters."""
        self._long = array("B")
        """Whether a text has `min_words`."""
        self._ends = array("Q")
        """Text -> end of its shingles in the next three."""
        self._shingles = array("Q")
        self._text_of = array("I")
        self._next = array("Q")
        """1 + the place before it with the same shingle."""
        self._postings = DigestMap()
        """Shingle -> 1 + its last place, and how many texts have it (at most `COMMON`)."""

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, docs: Iterable[Document], split: str = "") -> None:
        """File evaluation documents; the set is named by `source` and the split (default: of their `meta`)."""
        for doc in docs:
            self._add(doc, set_name(doc, split))

    def find(self, doc: Document) -> Match | None:
        """The evaluation text that the document leaks most plainly; None where it leaks none."""
        return next(iter(self.matches(doc)), None)

    def matches(self, doc: Document) -> list[Match]:
        """Every evaluation text that the document leaks: exact ones first, then by similarity."""
        found = list(self._matches(doc.text))
        found.sort(key=lambda match: (_KINDS.index(match.kind), -match.similarity, match.number))
        return found

    def _add(self, doc: Document, name: str) -> None:
        number = len(self._keys)
        self.sets[name] = self.sets.get(name, 0) + 1
        self._set_of.append(self._numbers.setdefault(name, len(self._numbers)))
        if len(self._names) < len(self._numbers):
            self._names.append(name)
        self._keys.append(doc.key)
        words = tokens(doc.text)
        # Letters and digits alone are equal however a text was split into tokens.
        letters = digest("".join(words))
        before = self._exact.get(letters)
        self._same.append(0 if before is None else before + 1)
        self._exact.set(letters, number)
        long, grams = self._grams(words, doc.text)
        self._long.append(long)
        for gram in grams:
            packed = self._postings.get(gram) or 0
            count = min(COMMON, (packed & _MASK) + 1)
            self._shingles.append(gram)
            self._text_of.append(number)
            self._next.append(packed >> _BITS)
            self._postings.set(gram, len(self._shingles) << _BITS | count)
        self._ends.append(len(self._shingles))

    def _matches(self, text: str) -> Iterator[Match]:
        words = tokens(text)
        equal: set[int] = set()
        at = self._exact.get(digest("".join(words))) if words else None
        while at is not None:
            equal.add(at)
            yield self._match("exact", 1.0, at, not self._long[at])
            at = self._same[at] - 1 if self._same[at] else None
        long, grams = self._grams(words, text)
        if not long:
            return
        shared, common = self._shared(grams)
        for number, count in shared.items():
            if number in equal or not self._long[number]:
                continue
            size = self._size(number)
            if common and self._judge(count + len(common), len(grams), size) is not None:
                start = self._ends[number] - size
                count += len(common.intersection(self._shingles[start : start + size]))
            if (found := self._judge(count, len(grams), size)) is not None:
                yield self._match(*found, number)

    def _shared(self, grams: list[int]) -> tuple[dict[int, int], set[int]]:
        """Text -> how many uncommon shingles it shares; the common ones."""
        shared: dict[int, int] = {}
        common: set[int] = set()
        for gram in grams:
            packed = self._postings.get(gram)
            if packed is None:
                continue
            if packed & _MASK >= COMMON:
                common.add(gram)
                continue
            at = packed >> _BITS
            while at:
                number = self._text_of[at - 1]
                shared[number] = shared.get(number, 0) + 1
                at = self._next[at - 1]
        return shared, common

    def _judge(self, count: int, size: int, other: int) -> tuple[Literal["near", "contained"], float] | None:
        count = min(count, size, other)
        if (similarity := count / (size + other - count)) >= self.settings.threshold:
            return "near", similarity
        if (share := count / min(size, other)) >= self.settings.containment:
            return "contained", share
        return None

    def _match(self, kind: Literal["exact", "near", "contained"], similarity: float, number: int,
               short: bool = False) -> Match:
        return Match(kind, similarity, self._names[self._set_of[number]], self._keys[number], number, short)

    def _grams(self, words: list[str], text: str) -> tuple[bool, list[int]]:
        """Whether the text is long enough to be compared, and its shingles."""
        language = language_of(text)
        grams = [digest(s) for s in dict.fromkeys(shingles_of(words, language))]
        # Ten times the same word is one shingle, which proves nothing.
        return enough(words, language, self.settings.min_words) and 2 * len(grams) >= self.settings.min_words, grams

    def _size(self, number: int) -> int:
        return self._ends[number] - (self._ends[number - 1] if number else 0)


def set_name(doc: Document, split: str = "") -> str:
    """`source/split`, as reports name a set."""
    split = split or str(doc.meta.get("split", ""))
    return "/".join(part for part in dict.fromkeys((doc.source or "", split)) if part)


_MASK = (1 << _BITS) - 1
