"""Text to tokens to hashed features, for Chinese, English and mixtures, without a vocabulary.

A token is one CJK character, one run of letters, one run of digits, or one other character; blanks separate.
So `U.S.` is four tokens and any span that starts and ends at a character class border can be predicted. Position
0 of every text is a virtual token with no characters: the place of a trigger that the text does not name.

>>> tokens = tokenize("Ada在IBM工作")
>>> [tokens.text[s:e] for s, e in tokens.offsets]
['', 'Ada', '在', 'IBM', '工', '作']
>>> tokens.locate(4, 7), tokens.locate(4, 6)
((3, 3), None)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

from iepile.models.compact.example import NOWHERE, Label, Offsets

CJK = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{CJK}]|[^\W\d_{CJK}]+|\d+|\S")
_CJK = re.compile(f"[{CJK}]")
_CHUNK = re.compile(r"\S+")
_PARTS = re.compile(r"[\s|/\\\-_.,:;()（）、，：；·]+")

FEATURES = 10
"""Hashed features of one token."""
REMEMBERED = 100
"""Longest word or label, in characters, whose features are remembered: a service is sent any that somebody makes up."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text cut into tokens; index 0 is the virtual token."""

    text: str
    offsets: list[Offsets]
    """Code points of each token."""
    starts: dict[int, int]
    """First code point to token index."""
    ends: dict[int, int]
    """End code point (exclusive) to token index."""

    def __len__(self) -> int:
        return len(self.offsets)

    def locate(self, start: int, end: int) -> tuple[int, int] | None:
        """First and last (inclusive) token of a span; None when its borders are not token borders.

        Blanks at the edges of the span do not count.
        """
        if (start, end) == NOWHERE:
            return (0, 0)
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        first, last = self.starts.get(start), self.ends.get(end)
        return None if first is None or last is None or first > last else (first, last)

    def span(self, first: int, last: int) -> Offsets:
        """Code points of the tokens `first` to `last` (inclusive)."""
        return self.offsets[first][0], self.offsets[last][1]


def tokenize(text: str) -> Tokens:
    """Cut a text into tokens."""
    offsets = [NOWHERE, *(m.span() for m in _TOKEN.finditer(text))]
    starts = {s: i for i, (s, _) in enumerate(offsets) if i}
    ends = {e: i for i, (_, e) in enumerate(offsets) if i}
    return Tokens(text, offsets, starts, ends)


def _shape(word: str) -> str:
    return re.sub(r"[^\W\d_A-Z]+", "a", re.sub(r"[A-Z]+", "A", re.sub(r"\d+", "0", word)))


_known_shape = lru_cache(maxsize=1 << 14)(_shape)


def _word_features(word: str, buckets: int) -> tuple[int, ...]:
    """Features of a token by itself: 6 of the 10; 0 is "none"."""
    if len(word) == 1 and _CJK.match(word):
        return (_bucket("u" + word, buckets), 0, 0, 0, 0, 0)
    low = word.lower()
    pieces = ("u" + word, "l" + low, "s" + _shape(word), "p" + word[:3], "x" + word[-3:], "y" + low[-2:])
    return tuple(_bucket(p, buckets) for p in pieces)


_known_word = lru_cache(maxsize=1 << 16)(_word_features)


def _bucket(piece: str, buckets: int) -> int:
    # Zero is kept for padding.
    return crc32(piece.encode("utf-8", "surrogatepass")) % (buckets - 1) + 1


def featurize(tokens: Tokens, buckets: int) -> list[list[int]]:
    """Feature buckets of each token, shape [tokens, FEATURES]; 0 means none."""
    words = [tokens.text[s:e] for s, e in tokens.offsets]
    words[0] = "<nowhere>"
    padded = ["<s>", *words, "</s>"]
    chunks = _chunks(tokens)
    latin = [not (len(w) == 1 and _CJK.match(w)) for w in padded]
    shapes = [(_known_shape if len(w) <= REMEMBERED else _shape)(w) if ok else ""
              for w, ok in zip(padded, latin, strict=True)]
    out = []
    for i, word in enumerate(words):
        before, after = padded[i], padded[i + 2]
        row = list((_known_word if len(word) <= REMEMBERED else _word_features)(word, buckets))
        row.append(_bucket(f"b{before} {word}", buckets))
        row.append(_bucket(f"c{word} {after}", buckets))
        # Three words in a row say little that returns; three characters do, and so do three shapes of words.
        if latin[i + 1]:
            row.append(_bucket(f"T{shapes[i]} {shapes[i + 1]} {shapes[i + 2]}", buckets))
            row.append(_bucket("K" + chunks[i], buckets))
        else:
            row.append(_bucket(f"t{before} {word} {after}", buckets))
            row.append(_bucket(f"k{before} {after}", buckets))
        out.append(row)
    return out


def _chunks(tokens: Tokens) -> list[str]:
    """What stands between two blanks around each token (`U.S.`), in lower case; empty where that is long."""
    out = [""] * len(tokens)
    at = 1
    for m in _CHUNK.finditer(tokens.text):
        short = m.group().lower() if m.end() - m.start() <= 20 else ""
        while at < len(out) and tokens.offsets[at][1] <= m.end():
            out[at] = short
            at += 1
    return out


def label_words(text: str, buckets: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Features by which the tokens of a label text are told in a text.

    Returns:
        Of each word or CJK character (column 1, or 0 where that is none), and of each couple of neighbours as its
        second token has it (column 6) and as its first one has it (column 7).
    """
    return (_known_label_words if len(text) <= REMEMBERED else _label_words)(text, buckets)


def _label_words(text: str, buckets: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    words = [text[s:e] for s, e in tokenize(text).offsets[1:]]
    rows = (_word_features(w, buckets) for w in words)
    couples = [(a, b) for a, b in pairwise(words) if a.isalnum() and b.isalnum()]
    return (
        tuple(sorted({row[1] or row[0] for row in rows})),
        tuple(_bucket(f"b{a} {b}", buckets) for a, b in couples),
        tuple(_bucket(f"c{a} {b}", buckets) for a, b in couples),
    )


_known_label_words = lru_cache(maxsize=1 << 14)(_label_words)


def label_pieces(label: Label, role: str, buckets: int) -> tuple[int, ...]:
    """Hashed pieces of a label text: whole, words, and for CJK characters and pairs of characters.

    `role` tells apart the several uses of one label (a relation's heads and its pairs).
    """
    short = len(label.text) + len(label.of) <= REMEMBERED
    return (_known_label_pieces if short else _label_pieces)(label, role, buckets)


def _label_pieces(label: Label, role: str, buckets: int) -> tuple[int, ...]:
    out = [_bucket(f"K{role}", buckets), _bucket(f"Z{role} {label.of}|{label.text}", buckets)]
    for mark, text in (("", label.text), ("o", label.of)):
        for part in filter(None, _PARTS.split(text)):
            low = part.lower()
            out.append(_bucket(f"{mark}W{low}", buckets))
            if _CJK.search(part):
                out += [_bucket(f"{mark}C{low[i : i + n]}", buckets) for n in (1, 2) for i in range(len(low) - n + 1)]
            else:
                out.append(_bucket(f"{mark}P{low[:4]}", buckets))
    return tuple(out)


_known_label_pieces = lru_cache(maxsize=1 << 14)(_label_pieces)
