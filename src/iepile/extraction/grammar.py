"""Shapes of answers as grammars: every valid answer, and nothing else, with mentions taken from this very text.

`lark` writes the notation of llguidance (xgrammar and vLLM take it too, without `local`); `complete` closes an answer
that was cut, so that the result is valid again. Both read the same shape (tasks/shape.py).

>>> print(lark(MENTIONS, "Ada"))
start: r0
r0: "[" (SPAN (", " SPAN)*)? "]"
SPAN: "\\"" (SUB & SOME) "\\""
SUB: %regex {"substring_chunks": ["A", "d", "a"]}
SOME: /(?s:.+)/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from iepile.errors import InputError
from iepile.tasks.shape import MENTIONS, InOrder, ListOf, Mention, OneOf, Shape, Text

__all__ = ["MENTIONS", "complete", "lark", "limits"]

LONGEST_TEXT = 50_000
"""Characters that a grammar was measured to take, with `limits`."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)+"', re.S)
_WORD = re.compile(r"[A-Za-z0-9\u00c0-\u024f]+|.", re.S)


def lark(
    shape: Shape,
    text: str,
    *,
    unit: Literal["char", "word"] = "char",
    most: int | None = None,
    leading_space: bool = False,
    no_forcing: bool = False,
    local: bool = True,
) -> str:
    """The grammar of all answers of `shape` about `text`.

    Args:
        unit: where a mention may begin and end: anywhere, or at the borders of Latin words. Words make smaller
            grammars of long English texts, but shut out mentions such as "Iraqi" in "Iraqis".
        most: most elements of a list; None: no bound.
        leading_space: allow one blank before the answer, as SentencePiece models write it.
        no_forcing: needed where text or labels spell out a special token of the tokenizer.
        local: for llguidance in this process. Servers that read the grammar with xgrammar know neither `&` nor
            `%llguidance`; for them, empty mentions are not shut out.

    Raises:
        InputError: no answer of the shape is possible, or the text is too long or no Unicode text.
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(f"the text has {len(text)} characters", expected=f"at most {LONGEST_TEXT}",
                         fix="cut it into windows")
    possible = _possible(shape, bool(text))
    if possible is None:
        raise InputError("the text is empty, and every answer needs a mention")
    writer = _Writer(most)
    start = writer.rule(possible)
    lines = ['%llguidance {"no_forcing": true}'] if no_forcing and local else []
    lines.append(f"start: {'SPACE? ' if leading_space else ''}{start}")
    lines += (f"{name}: {body}" for body, name in writer.rules.items())
    if leading_space:
        lines.append('SPACE: " "')
    if writer.mentions:
        pieces = text if unit == "char" else _WORD.findall(text)
        chunks = [_quote(p)[1:-1] for p in pieces]
        sub = "%regex " + json.dumps({"substring_chunks": chunks}, ensure_ascii=False)
        if local:
            lines += ['SPAN: "\\"" (SUB & SOME) "\\""', f"SUB: {sub}", "SOME: /(?s:.+)/"]
        else:
            lines += ['SPAN: "\\"" SUB "\\""', f"SUB: {sub}"]
    grammar = "\n".join(lines)
    if not grammar.isascii() and any("\ud800" <= c <= "\udfff" for c in grammar):
        raise InputError("text or labels hold half a character (a lone surrogate)", fix="mend the encoding of the data")
    return grammar


def limits() -> Any:
    """Limits for llguidance under which texts of `LONGEST_TEXT` characters pass; its own stop at 2,000 to 3,000."""
    from llguidance import LLParserLimits

    return LLParserLimits(step_lexer_fuel=20_000_000, initial_lexer_fuel=50_000_000, max_lexer_states=2_000_000,
                          step_max_items=500_000, max_grammar_size=5_000_000)


class _Writer:
    """Lark rules of a shape; equal shapes share one rule."""

    def __init__(self, most: int | None) -> None:
        self.most = most
        self.rules: dict[str, str] = {}
        self.mentions = False

    def rule(self, shape: Shape) -> str:
        body = self._body(shape)
        if body == "SPAN":
            return body
        return self.rules.setdefault(body, f"r{len(self.rules)}")

    def _body(self, shape: Shape) -> str:
        match shape:
            case Text(text):
                return _literal(text)
            case Mention():
                self.mentions = True
                return "SPAN"
            case OneOf(options):
                return " | ".join(self._body(o) if isinstance(o, Text) else self.rule(o) for o in options)
            case InOrder(parts):
                return " ".join(self._body(p) if isinstance(p, Text) else self.rule(p) for p in _merged(parts))
            case ListOf(item, least, brackets):
                return self._list(self.rule(item), least, brackets)

    def _list(self, item: str, least: int, brackets: str) -> str:
        few = max(least - 1, 0)
        many = f"{few}," if self.most is None else f"{few},{max(few, self.most - 1)}"
        times = {"0,": "*", "0,0": ""}.get(many, f"{{{many}}}")
        items = f'{item} (", " {item}){times}' if times else item
        left, right = brackets[0], brackets[1]
        return f'"{left}" ({items})? "{right}"' if least == 0 else f'"{left}" {items} "{right}"'


def _merged(parts: tuple[Shape, ...]) -> Iterator[Shape]:
    """Neighbouring literals as one: fewer lexemes, the same language."""
    pending = ""
    for part in parts:
        if isinstance(part, Text):
            pending += part.text
            continue
        if pending:
            yield Text(pending)
            pending = ""
        yield part
    if pending:
        yield Text(pending)


def _possible(shape: Shape, mentions: bool) -> Shape | None:
    """The shape without what cannot be said when there are no mentions; None when nothing is left."""
    if mentions:
        return shape
    match shape:
        case Mention():
            return None
        case OneOf(options):
            left = tuple(o for option in options if (o := _possible(option, False)) is not None)
            return OneOf(left) if left else None
        case InOrder(parts):
            kept = [_possible(p, False) for p in parts]
            return None if any(k is None for k in kept) else InOrder(tuple(k for k in kept if k is not None))
        case ListOf(item, least, brackets):
            if (inner := _possible(item, False)) is None:
                return Text(brackets) if least == 0 else None
            return ListOf(inner, least, brackets)
    return shape


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _literal(text: str) -> str:
    # llguidance refuses DEL and the C1 controls as they are, JSON leaves them unescaped.
    return re.sub("[\x7f-\x9f]", lambda m: f"\\u{ord(m[0]):04x}", _quote(text))


def complete(shape: Shape, written: str) -> str | None:
    """The valid answer that keeps most of a valid answer's beginning: whole values stay, a half one is dropped.

    >>> complete(MENTIONS, '["Ada", "Bo')
    '["Ada"]'

    Args:
        written: the beginning of some answer of `shape`.

    Returns:
        None when `written` is no such beginning, or nothing valid can be made of it.
    """
    read = _close(shape, written, 0)
    return read.text if read.end >= len(written) else None


class _Read(NamedTuple):
    """How far a shape was followed."""

    end: int
    """Where it ended; past the end of the answer when the answer was cut inside it."""
    text: str | None
    """What stands there, closed if it was cut; None: something else, or it cannot be closed."""
    mentions: int = 0
    """Whole mentions in it."""


def _close(shape: Shape, s: str, at: int) -> _Read:
    over = len(s) + 1
    match shape:
        case Text(text):
            if s.startswith(text, at):
                return _Read(at + len(text), text)
            return _Read(over, text) if text.startswith(s[at:]) else _Read(at, None)
        case Mention():
            if found := _STRING.match(s, at):
                return _Read(found.end(), found[0], 1)
            return _Read(over if s[at : at + 1] in ('"', "") else at, None)
        case InOrder(parts):
            return _close_in_order(parts, s, at)
        case OneOf(options):
            tries = [_close(o, s, at) for o in options]
            if whole := [t for t in tries if t.text is not None and t.end <= len(s)]:
                return max(whole, key=lambda t: (t.end, -t.mentions))
            if closed := [t for t in tries if t.text is not None and t.mentions]:
                return max(closed, key=lambda t: (t.mentions, -len(t.text or "")))
            # Nothing was named yet, or what was begun cannot be closed: say the least that is valid instead.
            return _Read(over, _least(shape)) if any(t.end == over for t in tries) else _Read(at, None)
        case ListOf(item, least, brackets):
            return _close_list(item, least, brackets, s, at)


def _close_in_order(parts: tuple[Shape, ...], s: str, at: int) -> _Read:
    out: list[str] = []
    mentions = 0
    for part in parts:
        read = _close(part, s, at) if at < len(s) else _Read(len(s) + 1, _least(part))
        at = read.end
        if read.text is None:
            return _Read(at, None)
        out.append(read.text)
        mentions += read.mentions
    return _Read(at, "".join(out), mentions)


def _close_list(item: Shape, least: int, brackets: str, s: str, at: int) -> _Read:
    left, right = brackets[0], brackets[1]
    if at < len(s) and s[at] != left:
        return _Read(at, None)
    items: list[str] = []
    mentions = 0
    at += 1
    while at < len(s) and s[at] != right:
        if items:
            if not s.startswith(", ", at):
                if s[at:] != ",":
                    return _Read(at, None)
                at += 1
                break
            at += 2
        read = _close(item, s, at)
        at = read.end
        # An element that was cut before it named anything says nothing.
        if read.text is not None and (at <= len(s) or read.mentions):
            items.append(read.text)
            mentions += read.mentions
        elif at <= len(s):
            return _Read(at, None)
    text = f"{left}{', '.join(items)}{right}" if len(items) >= least else None
    return _Read(at + 1 if at < len(s) else len(s) + 1, text, mentions)


def _least(shape: Shape) -> str | None:
    """The shortest answer without a mention; None when there is none."""
    match shape:
        case Text(text):
            return text
        case Mention():
            return None
        case InOrder(parts):
            said = [_least(p) for p in parts]
            return None if any(x is None for x in said) else "".join(x for x in said if x is not None)
        case OneOf(options):
            found = [x for o in options if (x := _least(o)) is not None]
            return min(found, key=len) if found else None
        case ListOf(_, least, brackets):
            return brackets if least == 0 else None
