"""Regular expressions of strangers: only such as no text can make slow.

Python's matcher tries one way after the other, so that `(a+)+b` takes time without end on a row of a's (Cox, "Regular
expression matching can be simple and fast", 2007). The ways in which a pattern can be laid on an answer are counted
here, rather too many than too few, and what has too many is refused.

>>> check_pattern(r"[A-Z]{2}-\\d+")
>>> check_pattern(r"(a+)+")
Traceback (most recent call last):
...
iepile.errors.InputError: the pattern '(a+)+' can match in too many ways
  field:    values
  do:       say it without, or let the field be free
"""

from __future__ import annotations

import math

from iepile.errors import InputError
from iepile.extraction.pattern import Chars, Either, Node, Ranges, Repeat, Row, read_pattern
from iepile.schema import Schema

LONGEST = 500
ANSWER = 2500
"""Characters of a long answer: so many ends has a repetition without bound."""
MOST_WAYS = 5e7


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
    if _ways(read_pattern(pattern)) > MOST_WAYS:
        raise _refused(pattern, "can match in too many ways")


def _ways(node: Node) -> float:
    """In how many ways a part can be laid on one place of a text."""
    if isinstance(node, Row):
        return math.prod(map(_ways, node.parts))
    if isinstance(node, Either):
        ways = list(map(_ways, node.options))
        return max(ways) if _apart(node.options) else sum(ways)
    if isinstance(node, Repeat):
        inner = _ways(node.node)
        ends = (ANSWER if node.most is None else node.most) - node.least + 1
        if inner == 1:
            return ends
        most = math.inf if node.most is None else node.most
        return ends * inner**most if most * math.log(inner) < 100 else math.inf
    return 1


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
