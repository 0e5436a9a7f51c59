"""Pieces that can be taken out of a text so that the rest still reads as text: clauses and whole sentences.

    A, B; C. D!       sentences end at . and !, clauses at , and ; as well

Of the two marks around a clause, the stronger one stays: sentence end, then semicolon, then comma. Quotation marks,
brackets and mentions are kept whole: no mark inside them is a border. Chinese and English marks are known.

>>> text = "2006年，她参加世界杯，夺得冠军。后来退役。"
>>> [text[c.start : c.end] for c in cuts(text, "zh")][2:]
['，她参加世界杯', '，她参加世界杯，夺得冠军', '，夺得冠军', '后来退役。']
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Literal

import msgspec

Kind = Literal["clause", "sentence"]
Place = tuple[int, int]

_COMMA, _SEMICOLON, _END = 1, 2, 3
_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", "《": "》", "〈": "〉", "【": "】", "〔": "〕",
          "（": "）", "(": ")", "[": "]", "［": "］", "{": "}", "``": "''"}
_CLOSING = {close: opening for opening, close in _PAIRS.items()}
_ENCLOSING = re.compile("``|''|[" + re.escape("".join(c for c in (*_PAIRS, *_CLOSING, '"') if len(c) == 1)) + "]")
_MARK = re.compile(r"[，,]|[；;]|[。！？!?]+|…+|\.|\s*\n\s*")
_ENDS, _QUOTES = "。！？!?….", "”」』\""
_QUOTED_END = re.compile(r"[。！？!?….]\s*(?:''|[”」』\"])\Z")
_MARKS = _ENDS + ",，;；"
_WORD_BEFORE = re.compile(r"[A-Za-z.]+\Z")
_WORD = re.compile(r"[A-Za-z]+")
_NEAR = 20


class Cut(msgspec.Struct, frozen=True, order=True):
    """What can be taken out of a text: code points, end exclusive."""

    start: int
    end: int
    kind: Kind


class _Border(msgspec.Struct, frozen=True):
    """A mark between two clauses, with the blanks around it."""

    start: int
    """Where the blanks before the mark begin."""
    mark_end: int
    end: int
    """Where the blanks behind it end."""
    strength: int


class _Words(msgspec.Struct, frozen=True):
    abbreviations: frozenset[str]
    begins_aside: frozenset[str]
    follows_aside: frozenset[str]
    opens_sentence: frozenset[str]


@cache
def _words() -> _Words:
    return msgspec.convert(tomllib.loads(files("iepile.corpus").joinpath("clauses.toml").read_text("utf-8")), _Words)


def cuts(text: str, language: str, whole: Iterable[Place] = ()) -> list[Cut]:
    """What can be taken out of a text, by place: a clause, the clauses to the end of a sentence, or a whole sentence.

    Args:
        language: `en` or another. English needs more care: no small letter may begin a sentence, a sentence keeps
            the clause behind its opening, and an aside takes both its commas along.
        whole: places that no border may lie in (mentions).

    Returns:
        Never the whole text. Put back at its place, a cut gives the text again.
    """
    borders = _borders(text, whole)
    clauses = _english_clauses if language == "en" else _clauses
    found: set[Cut] = set()
    first = 0
    for n, border in enumerate(borders[1:], 1):
        if border.strength == _END:
            found.update(_sentence(borders, first, n))
            if n - first > 1:
                found.update(clauses(text, borders[first : n + 1]))
            first = n
    return sorted(cut for cut in found if _reads(text, cut))


def sentence_ends(text: str, whole: Iterable[Place] = ()) -> list[int]:
    """Where the sentences of a text end, marks and blanks included, by the same rules."""
    return [b.end for b in _borders(text, whole)[1:] if b.strength == _END]


def _sentence(borders: list[_Border], first: int, last: int) -> Iterator[Cut]:
    left, right = borders[first], borders[last]
    if last < len(borders) - 1:
        yield Cut(left.end, right.end, "sentence")
    elif first:
        yield Cut(left.mark_end, right.mark_end, "sentence")


def _clauses(text: str, borders: list[_Border]) -> Iterator[Cut]:
    """Clauses of one sentence between its borders."""
    for left, right in pairwise(borders):
        yield _between(left, right)
    for left in borders[1:-2]:
        yield _between(left, borders[-1])


def _english_clauses(text: str, borders: list[_Border]) -> Iterator[Cut]:
    words = _words()
    for n, (left, right) in enumerate(pairwise(borders)):
        word = _word(text, left.end)
        after = "" if right.strength == _END else _word(text, right.end)
        if left.strength > right.strength:
            if word.lower() in words.opens_sentence and not (left.strength == _END and after[:1].islower()):
                yield _between(left, right)
        elif word in words.follows_aside or (n == 1 and _word(text, borders[0].end).lower() in words.opens_sentence):
            continue  # what is left would have no predicate
        elif left.strength == right.strength == _COMMA and (
                after in words.follows_aside or (word in words.begins_aside and after[:1].islower())):
            yield Cut(left.start, right.mark_end, "clause")
        else:
            yield _between(left, right)


def _between(left: _Border, right: _Border) -> Cut:
    """What stands between two marks, with the weaker one."""
    return Cut(left.end, right.end, "clause") if left.strength > right.strength else Cut(
        left.start, right.start, "clause")


def _word(text: str, at: int) -> str:
    word = _WORD.match(text, at)
    return word[0] if word else ""


def _reads(text: str, cut: Cut) -> bool:
    """Whether no two marks would meet, and the full stop inside a quotation is not the one of the sentence."""
    before, after = text[: cut.start].rstrip()[-3:].rstrip(_QUOTES), text[cut.end : cut.end + _NEAR].lstrip()
    if before and after and before[-1] in _MARKS and after[0] in _MARKS:
        return False
    return cut.kind == "sentence" or _QUOTED_END.search(text[max(cut.start, cut.end - _NEAR) : cut.end]) is None


def _borders(text: str, whole: Iterable[Place]) -> list[_Border]:
    """The begin of the text, every border, and its end. Between two of them stands something with a letter."""
    out = [_border(text, 0, 0, _END)]
    for start, end, strength in _marks(text, _protected(text, whole)):
        border = _border(text, start, end, strength)
        if _blank(text, out[-1].end, border.start):
            last = out.pop()
            border = _Border(last.start, border.mark_end, border.end, max(last.strength, border.strength))
        out.append(border)
    if len(out) > 1 and _blank(text, out[-1].end, len(text)):
        last = out.pop()
        # A comma before nothing is a sentence's end all the same; it stays with what stands before it.
        out.append(_Border(last.start, len(text.rstrip()), len(text), _END))
    else:
        out.append(_border(text, len(text), len(text), _END))
    return out


def _border(text: str, start: int, end: int, strength: int) -> _Border:
    before, after = start, end
    while before and text[before - 1].isspace():
        before -= 1
    while after < len(text) and text[after].isspace():
        after += 1
    return _Border(before, end, after, strength)


def _blank(text: str, start: int, end: int) -> bool:
    return not any(c.isalpha() for c in text[start:end])


def _marks(text: str, protected: list[Place]) -> Iterator[tuple[int, int, int]]:
    """(start, end, strength) of each mark outside of what is protected."""
    at = 0
    for low, high in (*protected, (len(text), len(text))):
        for m in _MARK.finditer(text, at, low):
            if m[0].isspace():  # lines go as blanks do
                yield m.start(), m.start(), _END
            elif strength := _strength(text, m):
                yield m.start(), m.end(), strength
        if _quotes_a_sentence(text, high):
            yield high, high, _END
        at = high


def _quotes_a_sentence(text: str, end: int) -> bool:
    """Whether the quotation that ends there ends the sentence around it."""
    if _QUOTED_END.search(text[max(0, end - _NEAR) : end]) is None:
        return False
    rest = text[end : end + _NEAR].lstrip()
    return not (rest[:1].islower() or rest[:1] in ",，;；、")


def _strength(text: str, m: re.Match[str]) -> int:
    mark, before, after = m[0], text[m.start() - 1 : m.start()], text[m.end() : m.end() + 1]
    if mark == ",":
        number = before.isdecimal() and re.match(r"\d|\s\d{4}(?!\d)", text[m.end() :  m.end() + 6])
        return 0 if number else _COMMA
    if mark in ",，":
        return _COMMA
    if mark in ";；":
        return _SEMICOLON
    if mark != ".":
        return _END
    if after and not after.isspace():
        return 0
    rest = text[m.end() : m.end() + 100].lstrip()
    if not rest:
        return _END
    word = _WORD_BEFORE.search(text[max(0, m.start() - _NEAR) : m.start()])
    short = word and (len(word[0]) == 1 or "." in word[0] or word[0].lower() in _words().abbreviations)
    return 0 if short or rest[0].islower() else _END


def _protected(text: str, whole: Iterable[Place]) -> list[Place]:
    """What no border may lie in, by place, none overlapping another: quotations, brackets, and `whole`."""
    ranges = sorted({*_enclosed(text), *(place for place in whole if place[0] < place[1])})
    out: list[Place] = []
    for start, end in ranges:
        if out and start < out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return out


def _enclosed(text: str) -> Iterator[Place]:
    """From each opening mark to its closing one; what is never closed, or never opened, encloses nothing."""
    opened: list[tuple[str, int]] = []
    for m in _ENCLOSING.finditer(text):
        mark = m[0]
        opening = _CLOSING.get(mark, mark)
        at = next((n for n in range(len(opened) - 1, -1, -1) if opened[n][0] in (opening, mark)), None)
        if mark in _PAIRS:
            opened.append((mark, m.start()))
        elif at is not None:
            yield opened[at][1], m.end()
            del opened[at:]
        elif mark in ('"', "''"):  # which open as well as close
            opened.append((mark, m.start()))
