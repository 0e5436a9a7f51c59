"""Mentions: their order in an answer, and how records write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from iepile.records import Span

NONE = "NAN"
"""What an answer says where there is no trigger or no filler."""
NOBODY = ("", NONE)


def first_seen(text: str) -> Callable[[str], int]:
    """Sort key of a mention: where its characters first occur in `text`, -1 (first) if nowhere."""
    return text.find


def occurrences(mention: str, text: str) -> Iterator[int]:
    """Where a text has a mention, also inside a longer one; in scripts with blanks, as whole words.

    >>> list(occurrences("Ada", "Adam, Ada")), list(occurrences("水球", "女子水球世界杯"))
    ([6], [2])
    """
    at = text.find(mention) if mention else -1
    while at >= 0:
        end = at + len(mention)
        if not (_in_word(text, at) or _in_word(text, end)):
            yield at
        at = text.find(mention, at + 1)


def occurs(mention: str, text: str) -> bool:
    """Whether a text names a mention; see `occurrences`."""
    return next(occurrences(mention, text), None) is not None


def _in_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and _in_spaced_word(text[at - 1]) and _in_spaced_word(text[at])


def _in_spaced_word(c: str) -> bool:
    return c.isalnum() and not ("\u2e80" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" or c >= "\U00020000")


def place(span: Span) -> list[int]:
    """`[start, end]`, or `[]` when unknown, as unified records write it."""
    return [] if span.start is None or span.end is None else [span.start, span.end]


def read_text(value: Any) -> str:
    """The value, if it is text.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def read_span(text: Any, pos: Any) -> Span:
    """A span from a record's text and position fields.

    Raises:
        TypeError, ValueError: not text, or not two whole numbers.
    """
    if not pos:
        return Span(read_text(text))
    start, end = pos
    if type(start) is not int or type(end) is not int:
        raise TypeError(f"{pos!r} is not a position")
    return Span(read_text(text), start, end)


def one_or_list(values: Iterable[str], find: Callable[[str], int]) -> str | list[str]:
    """What fills a role or attribute: the one mention, else a list by first occurrence."""
    ordered = sorted(dict.fromkeys(values), key=find)
    return ordered[0] if len(ordered) == 1 else ordered


def described(names: Iterable[str], descriptions: dict[str, str]) -> list[str] | dict[str, str]:
    """Labels as a question writes them: with descriptions where one of them has some, else bare."""
    names = list(names)
    if any(descriptions.get(n) for n in names):
        return {n: descriptions.get(n, "") for n in names}
    return names
