"""Windows of a text that is too long for one question: whole sentences, some of them shared, nothing left out.

>>> cut("One came. Two left. Three stayed.", 24, len)
[Window(start=0, end=20), Window(start=10, end=33)]

Windows end where sentences do, as many sentences to a window as its budget holds. Neighbours share the sentences
at their border, so that what stands across it is seen whole by one of them. A sentence that is longer than a whole
window is cut into parts of about a quarter of one: at a comma, else at a blank, else between two letters, words of
Latin script and letters with their accents kept whole where that can be; then its parts are shared as sentences are.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import chain, pairwise

import msgspec

from iepile.errors import InputError
from iepile.sentences import sentence_starts

PARTS = 4
"""Parts of a long sentence that fill a window: fewer would share too much, more would cut too often."""
_CLAUSE = re.compile(r"[，、：；…—]+\s*|[,;:]+\s+")
_BLANK = re.compile(r"\s+")
_JOINER, _KEYCAP = "\u200d", "\u20e3"


class Window(msgspec.Struct, frozen=True, order=True):
    """A stretch of a text, in code points."""

    start: int
    end: int
    """One past the last."""


def cut(text: str, budget: int, measure: Callable[[str], int], overlap: int = 1) -> list[Window]:
    """Cut a text into windows, in text order; together they are the whole text.

    Args:
        budget: tokens that a window may have, at least 1.
        measure: tokens of a piece of text, at most rather too many: windows are held against the sum over their
            sentences, each of which is measured once. A long sentence is measured whole and in its parts.
        overlap: sentences that a window shares with the one before. Fewer are shared where those and the
            next sentence do not fit together.

    Returns:
        One window for a text that fits, the empty text too. No window is over the budget but one of a single
        character that is; none repeats the one before, so there are at most as many as sentences and parts.

    Raises:
        InputError: a budget without room for text, or a negative overlap.
    """
    if budget < 1:
        raise InputError(f"no room for text: a budget of {budget} tokens", field="budget", expected="1 or more",
                         fix="ask fewer labels at once, leave less room for the answer, or use a longer context")
    if overlap < 0:
        raise InputError(f"{overlap} sentences", field="overlap", expected="0 or more")
    if measure(text) <= budget:
        return [Window(0, len(text))]
    units, sizes = _units(text, budget, measure)
    out: list[Window] = []
    first = 0
    while True:
        last, total = first + 1, sizes[first]
        while last < len(units) and total + sizes[last] <= budget:
            total += sizes[last]
            last += 1
        out.append(Window(units[first].start, units[last - 1].end))
        if last == len(units):
            return out
        first, total = last, sizes[last]
        while last - first < overlap and total + sizes[first - 1] <= budget:
            first -= 1
            total += sizes[first]


def _units(text: str, budget: int, measure: Callable[[str], int]) -> tuple[list[Window], list[int]]:
    """Sentences that fit and parts of those that do not, in order, and the tokens of each."""
    units: list[Window] = []
    sizes: list[int] = []
    starts = [*sentence_starts(text), len(text)]
    for start, end in pairwise(starts):
        waiting = [Window(start, end)]
        while waiting:
            unit = waiting.pop()
            size = measure(text[unit.start : unit.end])
            if size > budget and unit.end - unit.start > 1:
                waiting += reversed(_parts(text, unit, budget / size))
            else:
                units.append(unit)
                sizes.append(size)
    return units, sizes


def _parts(text: str, whole: Window, share: float) -> list[Window]:
    """Cut a stretch, of which this share fits into a window."""
    usual = max(1, int((whole.end - whole.start) * share / PARTS))
    piece = text[whole.start : whole.end]
    levels = [[whole.start + m.end() for m in marks.finditer(piece)] for marks in (_CLAUSE, _BLANK)]
    parts: list[Window] = []
    start = whole.start
    while start < whole.end:
        end = _border(text, start, whole, usual, levels)
        parts.append(Window(start, end))
        start = end
    return parts


def _border(text: str, start: int, whole: Window, usual: int, levels: Sequence[Sequence[int]]) -> int:
    """Where a part of `whole` ends that begins at `start` and would best be `usual` long."""
    if 2 * (whole.end - start) <= 3 * usual:
        return whole.end
    ideal = start + usual
    for borders in levels:
        near = borders[bisect_left(borders, start + max(1, usual // 2)) : bisect_right(borders, ideal + usual // 2)]
        if near:
            nearest: int = min(near, key=lambda at: (abs(at - ideal), at))
            return nearest
    # Looking on for ever would take quadratic time where a text is one endless word, and no part may be the whole.
    farthest = min(whole.end - (start == whole.start), start + (PARTS - 1) * usual)
    for splits in (_splits_word, _splits_letter):
        for at in chain(range(ideal, start, -1), range(ideal + 1, farthest + 1)):
            if not splits(text, at):
                return at
    return ideal


def _splits_word(text: str, at: int) -> bool:
    """A cut here goes through a word of a script that puts blanks between words, or through a letter."""
    return (0 < at < len(text) and _spaced(text[at - 1]) and _spaced(text[at])) or _splits_letter(text, at)


def _spaced(ch: str) -> bool:
    return ch.isalnum() and not ("\u2e80" <= ch <= "\u9fff" or "\uac00" <= ch <= "\ud7af" or ch >= "\U00020000")


def _splits_letter(text: str, at: int) -> bool:
    """A cut here parts a letter from its accents, or an emoji or line end in two."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    return (
        unicodedata.category(after) in ("Mn", "Mc", "Me")
        or _JOINER in (before, after) or after == _KEYCAP
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or (_flag(before) and _flag(after))
        or (before == "\r" and after == "\n")
        or ("\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff")
    )


def _flag(ch: str) -> bool:
    """Half of a flag; a run of flags is kept whole, for telling them apart needs its beginning."""
    return "\U0001f1e6" <= ch <= "\U0001f1ff"
