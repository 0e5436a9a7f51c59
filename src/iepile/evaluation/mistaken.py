"""Wrong labels, and the gold labels of the text that they may have been mistaken for.

Other than in errors.py, an answer is held against every gold fact of its text, also those that were found, and words
are compared without case and with the ends of a relation in either order: it is about labels, and not about scores.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from iepile.records import Facts
from iepile.tasks.labelled import mentions
from iepile.tasks.task import Task

Surface = tuple[str, ...]


class Mistaken(msgspec.Struct, frozen=True):
    """An answered label that is wrong."""

    label: str
    surface: Surface
    """The words of its mention (`Mention.surface`)."""
    same: tuple[str, ...]
    """Other labels of gold facts with these words."""
    within: tuple[str, ...]
    """Other labels of gold facts with words that hold these, or are held by them."""
    border: bool
    """A gold fact of its own label is so."""
    present: tuple[str, ...]
    """Labels of all gold facts of the text."""


def true_labels(task: Task, gold: Facts) -> list[tuple[str, Surface]]:
    """Label and words of each distinct gold fact."""
    return sorted({(m.label, m.surface) for m in mentions(task, gold)})


def mistaken(task: Task, gold: Facts, answered: Facts) -> list[Mistaken]:
    """Every distinct answer whose label no gold fact of its words has."""
    right = true_labels(task, gold)
    known = set(right)
    present = tuple(sorted({label for label, _ in right}))
    out = []
    for label, surface in dict.fromkeys((m.label, m.surface) for m in mentions(task, answered)):
        if (label, surface) in known:
            continue
        # Events without trigger have empty surfaces, which are equal: their types are compared within the text.
        same = dict.fromkeys(g for g, words in right if g != label and words == surface)
        within = dict.fromkeys(g for g, words in right if g != label and words != surface and _overlap(words, surface))
        border = any(g == label and _overlap(words, surface) for g, words in right)
        out.append(Mistaken(label, surface, tuple(same), tuple(within), border, present))
    return out


def _overlap(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether the mentions are equal or one holds the other; of pairs, at both ends, in either order."""
    if a == b:
        return True
    if len(a) != len(b) or not a:
        return False
    return any(all(_within(x, y) for x, y in zip(a, order, strict=True)) for order in (b, b[::-1]))


def _within(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    start = long.find(short) if short else -1
    while start >= 0:
        end = start + len(short)
        # "ada" stands in "canada", but is no word of it; Chinese has no such borders.
        if not (inside_word(long, start) or inside_word(long, end)):
            return True
        start = long.find(short, start + 1)
    return False


def inside_word(text: str, at: int) -> bool:
    """Whether a Latin word or number goes on across this place."""
    around = text[at - 1 : at + 1] if 0 < at < len(text) else ""
    return around.isascii() and around.isalnum()
