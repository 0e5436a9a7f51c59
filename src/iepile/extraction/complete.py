"""Answers that were cut are closed, so that they are valid again: whole values stay, a half one is dropped.

>>> complete(MENTIONS, '["Ada", "Bo')
'["Ada"]'
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from iepile.tasks.shape import (
    MENTIONS,
    Bare,
    Choice,
    Free,
    InOrder,
    ListOf,
    Mention,
    OneOf,
    Pattern,
    Shape,
    Text,
    Words,
    quoted,
)

__all__ = ["MENTIONS", "complete"]

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)


def complete(shape: Shape, written: str, *, ended: bool = False) -> str | None:
    """The valid answer that keeps most of a valid answer's beginning: whole values stay, a half one is dropped.

    Args:
        written: the beginning of some answer of `shape`.
        ended: it is known to be a whole answer. That matters where nothing but the end marks the end of a mention.

    Returns:
        None when `written` is no such beginning, or nothing valid can be made of it.
    """
    read = _close(shape, written, 0, ended)
    return read.text if read.end >= len(written) else None


class _Read(NamedTuple):
    """How far a shape was followed."""

    end: int
    """Where it ended; past the end of the answer when the answer was cut inside it."""
    text: str | None
    """What stands there, closed if it was cut; None: something else, or it cannot be closed."""
    mentions: int = 0
    """Whole mentions in it."""


def _close(shape: Shape, s: str, at: int, ended: bool) -> _Read:
    over = len(s) + 1
    match shape:
        case Text(text):
            if s.startswith(text, at):
                return _Read(at + len(text), text)
            return _Read(over, text) if text.startswith(s[at:]) else _Read(at, None)
        case Mention() | Free() | Pattern():
            found = _STRING.match(s, at)
            if found is None:
                return _Read(over if s[at : at + 1] in ('"', "") else at, None)
            if not (_matches(shape, found[0]) if isinstance(shape, Pattern) else found[0] != '""'):
                return _Read(at, None)
            return _Read(found.end(), found[0], 1)
        case Choice(options):
            strings = [quoted(o) for o in options]
            for string in strings:
                if s.startswith(string, at):
                    return _Read(at + len(string), string, 1)
            return _Read(over if any(string.startswith(s[at:]) for string in strings) else at, None)
        case Bare(without) | Words(without):
            if at < len(s) and s[at] in shape.not_first:
                return _Read(at, None)
            end = at
            while end < len(s) and s[end] not in without:
                end += 1
            # What follows tells where it ends: without that, there may be more to come.
            return _Read(over, None) if end == len(s) and not ended else _Read(end, s[at:end] or None, 1)
        case InOrder(parts):
            return _close_in_order(parts, s, at, ended)
        case OneOf(options):
            tries = [_close(o, s, at, ended) for o in options]
            cut = [t for t in tries if t.text is not None and t.end > len(s) and t.mentions]
            whole = [t for t in tries if t.text is not None and t.end <= len(s)]
            # What was cut fits all that is there; something whole that is shorter may not.
            if whole and (not cut or any(t.end == len(s) for t in whole)):
                return max(whole, key=lambda t: (t.end, -t.mentions))
            if cut:
                return max(cut, key=lambda t: (t.mentions, -len(t.text or "")))
            # Nothing was named yet, or what was begun cannot be closed: say the least that is valid instead.
            return _Read(over, _least(shape)) if any(t.end == over for t in tries) else _Read(at, None)
        case ListOf():
            return _close_list(shape, s, at, ended)


def _matches(shape: Pattern, string: str) -> bool:
    try:
        return re.fullmatch(shape.regex, json.loads(string)) is not None
    except ValueError:
        return False


def _close_in_order(parts: tuple[Shape, ...], s: str, at: int, ended: bool) -> _Read:
    out: list[str] = []
    mentions = 0
    for part in parts:
        read = _close(part, s, at, ended) if at < len(s) else _Read(len(s) + 1, _least(part))
        at = read.end
        if read.text is None:
            return _Read(at, None)
        out.append(read.text)
        mentions += read.mentions
    return _Read(at, "".join(out), mentions)


def _close_list(shape: ListOf, s: str, at: int, ended: bool) -> _Read:
    left, right = shape.brackets[:1], shape.brackets[1:]
    over = len(s) + 1
    if at < len(s) and not s.startswith(left, at):
        return _Read(at, None)
    items: list[str] = []
    mentions = 0
    at += len(left)
    closed = False
    while at < len(s) and not (closed := bool(right) and s.startswith(right, at)):
        begin = at
        if items:
            if not s.startswith(shape.between, at):
                if shape.between.startswith(s[at:]):
                    at = over
                elif right:
                    return _Read(at, None)
                break
            at += len(shape.between)
        read = _close(shape.item, s, at, ended) if at < len(s) else _Read(over, None)
        at = read.end
        # An element that was cut before it named anything says nothing.
        if read.text is not None and (at <= len(s) or read.mentions):
            items.append(read.text)
            mentions += read.mentions
        elif at <= len(s):
            if right:
                return _Read(at, None)
            at = begin
            break
    text = f"{left}{shape.between.join(items)}{right}" if len(items) >= shape.least else None
    return _Read(at + len(right) if closed else max(at, over) if right else at, text, mentions)


def _least(shape: Shape) -> str | None:
    """The shortest answer without a mention; None when there is none."""
    match shape:
        case Text(text):
            return text
        case Mention() | Bare() | Words() | Free() | Pattern() | Choice():
            return None
        case InOrder(parts):
            said = [_least(p) for p in parts]
            return None if any(x is None for x in said) else "".join(x for x in said if x is not None)
        case OneOf(options):
            found = [x for o in options if (x := _least(o)) is not None]
            return min(found, key=len) if found else None
        case ListOf(least=least, brackets=brackets):
            return brackets if least == 0 else None
