"""The shape of a valid answer: literal JSON text with holes that only a piece of the input may fill.

A task describes its answers once in these nodes; grammar writers (extraction/grammar.py) turn them into the notation
of an engine. `Mention` is any non-empty substring of the input, as a JSON string. A schema may say that a field need
not be one (`iepile.values`): then `filled` gives what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from iepile.values import DATE, NUMBER, Values


class Text(msgspec.Struct, frozen=True, tag=True):
    """Exactly these characters."""

    text: str


class Mention(msgspec.Struct, frozen=True, tag=True):
    """A JSON string holding a non-empty substring of the input."""


class Bare(msgspec.Struct, frozen=True, tag=True):
    """A non-empty substring of the input as it stands, in no quotes, without some characters."""

    without: str = ""
    """Characters that end it, none of which it holds."""
    not_first: str = ""
    """Characters that it does not begin with besides."""


class Words(msgspec.Struct, frozen=True, tag=True):
    """Characters of any kind as they stand, in no quotes: one or more, without some."""

    without: str
    """Characters that end it, none of which it holds."""
    most: int = 50
    """Characters at most."""
    not_first: str = ""
    """Characters that it does not begin with besides."""


class Free(msgspec.Struct, frozen=True, tag=True):
    """A JSON string of any text but none; bounded, so that a model that has lost the thread comes to an end."""

    most: int = 200
    """Characters at most."""


class Pattern(msgspec.Struct, frozen=True, tag=True):
    """A JSON string whose text matches a regular expression from beginning to end."""

    regex: str


class Choice(msgspec.Struct, frozen=True, tag=True):
    """A JSON string holding one of some texts."""

    options: tuple[str, ...]


class OneOf(msgspec.Struct, frozen=True, tag=True):
    """One of several shapes."""

    options: tuple[Shape, ...]


class InOrder(msgspec.Struct, frozen=True, tag=True):
    """Several shapes, one after the other."""

    parts: tuple[Shape, ...]


class ListOf(msgspec.Struct, frozen=True, tag=True):
    """A JSON list of a shape; `least` elements or more. Between other brackets: an object of such members.

    Without brackets, nothing marks its end but the end of the answer.
    """

    item: Shape
    least: int = 0
    brackets: str = "[]"
    """The opening and the closing one, or none."""
    between: str = ", "
    """What stands between two elements."""


Shape = Text | Mention | Bare | Words | Free | Pattern | Choice | OneOf | InOrder | ListOf
Fill = Callable[[str], Shape]
"""What fills a field: label, or `type|role`, to the shape of one value."""

MENTION = Mention()
MENTIONS = ListOf(MENTION)


def filled(values: Values | None) -> Shape:
    """The shape of one value of a field."""
    if values is None or values.verbatim:
        return MENTION
    if values.kind == "enum":
        return Choice(values.options)
    if values.kind == "free":
        return Free()
    return Pattern({"number": NUMBER, "date": DATE}.get(values.kind, values.pattern))


def some_of(members: Iterable[Shape]) -> Shape:
    """A JSON object of members `key: value`, any number of them."""
    options = tuple(members)
    return ListOf(OneOf(options) if len(options) > 1 else options[0], brackets="{}") if options else Text("{}")


def quoted(text: str) -> str:
    """A JSON string literal as the answers write it."""
    from iepile.jsonl import dumps

    return dumps(text)


def object_of(members: Iterable[tuple[str, Shape]]) -> Shape:
    """A JSON object with exactly these keys in this order."""
    parts: list[Shape] = []
    for n, (key, shape) in enumerate(members):
        parts += (Text((", " if n else "{") + quoted(key) + ": "), shape)
    return InOrder((*parts, Text("}"))) if parts else Text("{}")
