"""Where the mentions of training rows stand in their texts: as the rows say, else where the words occur."""

from __future__ import annotations

from collections.abc import Iterator

from iepile.models.compact.example import Offsets
from iepile.records import Span

MANY = 200
"""Occurrences of a mention that are looked at where one is to be chosen: a word of one letter may have thousands."""


def places(text: str, span: Span) -> list[Offsets]:
    """The place of a span, or all that its words have."""
    return list(_occurrences(text, span.text)) if span.offsets is None else [span.offsets]


def _occurrences(text: str, mention: str) -> Iterator[Offsets]:
    at = text.find(mention) if mention else -1
    while at >= 0:
        yield at, at + len(mention)
        at = text.find(mention, at + len(mention))


def meant(triggers: list[Offsets], fillers: list[list[Offsets]], taken: set[Offsets]) -> Offsets:
    """Which occurrence of a trigger word is meant, where the word alone is known: one that no other event of the type
    has, and of these the one nearest to the arguments."""
    return min(triggers[:MANY], key=lambda t: (t in taken, sum(min(_gap(t, f) for f in found[:MANY])
                                                               for found in fillers), t))


def nearest(left: list[Offsets], right: list[Offsets]) -> tuple[Offsets, Offsets] | None:
    """The occurrences of two mentions that stand closest together; None where one of them has none."""
    pairs = [(a, b) for a in left[:MANY] for b in right[:MANY]]
    return min(pairs, key=lambda p: (_gap(*p), p)) if pairs else None


def _gap(a: Offsets, b: Offsets) -> int:
    return max(a[0] - b[1], b[0] - a[1], 0)
