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
    labels: dict[Surface, list[str]] = {}
    for label, surface in true_labels(task, gold):
        labels.setdefault(surface, []).append(label)
    present = tuple(sorted({label for held in labels.values() for label in held}))
    out = []
    for label, surface in dict.fromkeys((m.label, m.surface) for m in mentions(task, answered)):
        # Events without trigger have empty surfaces, which are equal: their types are compared within the text.
        same = labels.get(surface, [])
        if label in same:
            continue
        others = sorted((x, words) for words, held in labels.items()
                        if words != surface and _overlap(words, surface) for x in held)
        within = dict.fromkeys(x for x, _ in others)
        border = within.pop(label, label) is None
        out.append(Mistaken(label, surface, tuple(same), tuple(within), border, present))
    return out


def _overlap(a: Sequence[str], b: Sequence[str]) -> bool:
    """Whether one mention holds the other; of pairs, at both ends, in either order."""
    if len(a) != len(b) or not a:
        return False
    if len(a) == 1:
        return _within(a[0], b[0])
    return any(all(_within(x, y) for x, y in zip(a, order, strict=True)) for order in (b, b[::-1]))


def _within(a: str, b: str) -> bool:
    short, long = (a, b) if len(a) <= len(b) else (b, a)
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
