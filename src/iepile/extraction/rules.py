"""The rules of a grammar for a shape: what Lark and GBNF write alike.

Both write alternatives, sequences, groups and repetitions in the same way; literals, definitions and what a hole may
hold are the notation's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TypeAlias

from iepile.errors import InputError
from iepile.tasks.shape import Bare, Choice, Free, InOrder, ListOf, Mention, OneOf, Pattern, Shape, Text, Words, quoted

LONGEST_TEXT = 50_000
"""Characters that a grammar was measured to take."""

Hole: TypeAlias = Mention | Bare | Words | Free | Pattern


class Rules(ABC):
    """Rules of a shape; equal parts share one rule."""

    def __init__(self, most: int | None) -> None:
        """`most`: most elements of a list; None: no bound."""
        self.most = most
        self.names: dict[str, str] = {}
        """Body -> name, in order."""
        self.holes: dict[Hole, str] = {}
        """What a hole may hold -> the name of its rule, in order."""

    @abstractmethod
    def literal(self, text: str) -> str:
        """Exactly these characters, as a term."""

    def start(self, shape: Shape, leading_space: bool) -> str:
        """The body of the first rule."""
        return (f"({self.literal(' ')})? " if leading_space else "") + self.rule(shape)

    def rule(self, shape: Shape) -> str:
        """The name of the shape's rule."""
        if isinstance(shape, Hole):
            return self.holes.setdefault(shape, self.hole_name(shape))
        body = self._body(shape)
        return self.names.setdefault(body, f"r{len(self.names)}")

    def hole_name(self, hole: Hole) -> str:
        """A name for a new hole."""
        return f"{type(hole).__name__.lower()}{len(self.holes)}"

    def _body(self, shape: Shape) -> str:
        match shape:
            case Text(text):
                return self.literal(text)
            case Choice(options):
                return " | ".join(self.literal(quoted(o)) for o in options)
            case OneOf(options):
                return " | ".join(self._term(o) for o in options)
            case InOrder(parts):
                return " ".join(self._term(p) for p in _merged(parts))
            case ListOf():
                return self._list(shape)
        return self.rule(shape)

    def _term(self, shape: Shape) -> str:
        return self.literal(shape.text) if isinstance(shape, Text) else self.rule(shape)

    def _list(self, shape: ListOf) -> str:
        item, few = self.rule(shape.item), max(shape.least - 1, 0)
        many = f"{few}," if self.most is None else f"{few},{max(few, self.most - 1)}"
        times = {"0,": "*", "0,0": ""}.get(many, f"{{{many}}}")
        next_one = f"{self.literal(shape.between)} {item}" if shape.between else item
        items = f"{item} ({next_one}){times}" if times else item
        if shape.least == 0:
            items = f"({items})?"
        left, right = (f"{self.literal(b)}" for b in shape.brackets) if shape.brackets else ("", "")
        return f"{left} {items} {right}".strip()


def possible(shape: Shape, text: str) -> Shape:
    """The shape without what cannot be said about a text that has no pieces to mention.

    Raises:
        InputError: nothing is left, or the text is too long for a grammar.
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(f"the text has {len(text)} characters", expected=f"at most {LONGEST_TEXT}",
                         fix="cut it into windows")
    left = _possible(shape, text)
    if left is None:
        what = "has nothing that may be mentioned" if text else "is empty"
        raise InputError(f"the text {what}, and every answer needs a mention")
    return left


def whole_characters(grammar: str) -> str:
    """The grammar, if it can be written as UTF-8.

    Raises:
        InputError: text or labels hold a lone surrogate.
    """
    if not grammar.isascii() and any("\ud800" <= c <= "\udfff" for c in grammar):
        raise InputError("text or labels hold half a character (a lone surrogate)", fix="mend the encoding of the data")
    return grammar


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


def _possible(shape: Shape, text: str) -> Shape | None:
    match shape:
        case Mention():
            return shape if text else None
        case Bare(without, not_first):
            return shape if any(c not in without and c not in not_first for c in text) else None
        case OneOf(options):
            left = tuple(o for option in options if (o := _possible(option, text)) is not None)
            return OneOf(left) if left else None
        case InOrder(parts):
            kept = [k for p in parts if (k := _possible(p, text)) is not None]
            return InOrder(tuple(kept)) if len(kept) == len(parts) else None
        case ListOf(item, least, brackets, between):
            if (inner := _possible(item, text)) is not None:
                return ListOf(inner, least, brackets, between)
            return Text(brackets) if least == 0 else None
    return shape
