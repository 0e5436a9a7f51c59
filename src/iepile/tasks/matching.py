"""What two mentions are compared by: one name a way, used by the scoring keys of every task.

`string`      the same characters;
`normalised`  the same characters but for width, case, blanks and punctuation around them;
`offset`      the same place; mentions without places by their characters;
`overlap`     places that share a character;
`head`        the same head word, whatever stands before and behind it.

>>> span_key(Span("ＩＢＭ Corp."), "normalised") == span_key(Span("ibm corp"), "normalised")
True
>>> span_key(Span("the late Ada Byron of London"), "head")
'byron'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable
from functools import lru_cache
from typing import Literal, get_args

from iepile.records import Span

Match = Literal["string", "normalised", "offset", "overlap", "head"]
MATCHES: tuple[Match, ...] = get_args(Match)
BY_PLACE = ("offset", "overlap")
"""Ways that need places."""

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_BLANKS = re.compile(r"\s+")
# A blank beside a Chinese character means nothing.
_LOOSE = re.compile(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])")
# What follows these words describes the head and does not hold it.
_AFTER_HEAD = re.compile(r"[,;:(]|\s(?:of|for|in|at|on|from|by|with|to|who|which|that|and)\s", re.IGNORECASE)
_HEAD_CHARACTERS = 2
"""A Chinese head is the end of the mention; words are not told apart there, and most have two characters."""
REMEMBERED = 200
"""Longest mention, in characters, whose form is remembered: a service is sent names of any length."""


def span_key(span: Span, match: Match) -> Hashable:
    """What a mention is compared by; under `overlap` the span itself, to be compared by `agree`."""
    if match == "string":
        return span.text
    if match == "offset":
        return span.offsets if span.grounded else span.text
    if match == "overlap":
        return span if span.grounded else span.text
    return normal_form(span.text) if match == "normalised" else head_of(span.text)


def agree(a: Hashable, b: Hashable) -> bool:
    """Whether two scoring keys say the same, spans in them compared by overlap."""
    if isinstance(a, Span) and isinstance(b, Span):
        return a.start < b.end and b.start < a.end  # type: ignore[operator]  # only grounded spans are keys
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(agree, a, b))
    return a == b


def normal_form(text: str) -> str:
    """The text in one width and case (NFKC, case folded), blanks as one, punctuation around it taken off."""
    return (_known_form if len(text) <= REMEMBERED else _normal_form)(text)


def _normal_form(text: str) -> str:
    plain = _LOOSE.sub("", _BLANKS.sub(" ", unicodedata.normalize("NFKC", text).casefold()))
    start, end = 0, len(plain)
    while start < end and not plain[start].isalnum():
        start += 1
    while end > start and not plain[end - 1].isalnum():
        end -= 1
    return plain[start:end] or plain or text


_known_form = lru_cache(maxsize=100_000)(_normal_form)


def head_of(text: str) -> str:
    """The head word by rule, in normal form: of Latin script the last word before what describes it, of Chinese the
    last two characters. No parser: it tells apart what differs in its core, and nothing more."""
    return (_known_head if len(text) <= REMEMBERED else _head_of)(text)


def _head_of(text: str) -> str:
    plain = normal_form(text)
    if _CHINESE.search(plain):
        return plain[-_HEAD_CHARACTERS:]
    if (after := _AFTER_HEAD.search(plain)) is not None and after.start():
        plain = plain[: after.start()]
    words = plain.split()
    return normal_form(words[-1]) if words else plain


_known_head = lru_cache(maxsize=100_000)(_head_of)
