"""Regular expressions of strangers: only such as no text can make slow.

Python's matcher tries one way after the other, so that `(a+)+b` takes time without end on a row of a's (Cox, "Regular
expression matching can be simple and fast", 2007). Let through is what has few ways to be tried: no repetition inside
a repetition, options inside one that begin differently, and at most two repetitions of any length.

>>> check_pattern(r"[A-Z]{2}-\\d+")
>>> check_pattern(r"(a+)+")
Traceback (most recent call last):
...
iepile.errors.InputError: the pattern '(a+)+' repeats something that repeats
  field:    values
  do:       say it without, or let the field be free
"""

from __future__ import annotations

from iepile.errors import InputError
from iepile.extraction.pattern import Chars, Either, Node, Ranges, Repeat, Row, read_pattern
from iepile.schema import Schema

LONGEST = 500
MOST_OPEN = 2
FEW = 32
"""A repetition of at most so many counts as one of a known length."""


def check_patterns(schema: Schema) -> None:
    """
    Raises:
        InputError: a pattern of the schema that could be made slow, or that not every engine reads alike.
    """
    values = [label.values for label in schema.entities] + [label.values for label in schema.relations]
    for of in (*values, *(role.values for event in schema.events for role in event.roles)):
        if of.kind == "pattern":
            check_pattern(of.pattern)


def check_pattern(pattern: str) -> None:
    """
    Raises:
        InputError: it could be made slow, or is none of the forms that every engine reads.
    """
    if len(pattern) > LONGEST:
        raise _refused(pattern[:40] + "…", f"has more than {LONGEST} characters")
    node = read_pattern(pattern)
    if _open(node, pattern) > MOST_OPEN:
        raise _refused(pattern, f"has more than {MOST_OPEN} repetitions of any length")


def _open(node: Node, pattern: str, inside: bool = False) -> int:
    """Repetitions of no known length."""
    if isinstance(node, Repeat):
        if inside and node.least != node.most:
            raise _refused(pattern, "repeats something that repeats")
        wide = node.most is None or node.most > FEW
        varies = node.least != node.most
        return int(wide and varies) + _open(node.node, pattern, inside or (varies and node.most != 1))
    if isinstance(node, Row):
        return sum(_open(part, pattern, inside) for part in node.parts)
    if isinstance(node, Either):
        if inside and not _apart(node.options):
            raise _refused(pattern, "repeats options that may begin alike")
        return sum(_open(option, pattern, inside) for option in node.options)
    return 0


def _apart(options: tuple[Node, ...]) -> bool:
    seen: list[tuple[int, int]] = []
    for option in options:
        ranges = _first(option)
        if ranges is None or any(a <= d and c <= b for a, b in ranges for c, d in seen):
            return False
        seen += ranges
    return True


def _first(node: Node) -> Ranges | None:
    """Characters that a match may begin with; None where it may be empty."""
    while isinstance(node, Row) and node.parts:
        node = node.parts[0]
    if isinstance(node, Repeat):
        return _first(node.node) if node.least else None
    return node.ranges if isinstance(node, Chars) else None


def _refused(pattern: str, what: str) -> InputError:
    return InputError(f"the pattern {pattern!r} {what}", field="values",
                      fix="say it without, or let the field be free")
