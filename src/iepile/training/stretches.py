"""Stretches of a text that is too long to be read at once: clean borders, some overlap, nothing left out.

>>> stretches("One came. Two left. Three stayed.", lambda start, end: end - start <= 20)
[(0, 20), (20, 33)]
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from heapq import merge

from iepile.sentences import sentence_starts

OVERLAP = 4
"""Stretches share at most one in so many of their characters with the one before."""
LEAST = 32
"""Characters that a part of a sentence must have: less makes no sense to a reader."""
_CLAUSE = re.compile(r"[，、；：，,;:]+\s*|\s+")


def stretches(text: str, fits: Callable[[int, int], bool]) -> list[tuple[int, int]] | None:
    """Overlapping stretches (start, end) of a text, each as long as fits; None where too little does.

    They begin and end where sentences do; where a sentence is too long, at a comma or blank; at any place where
    there is none.
    """
    levels = (_starts(sentence_starts(text), text), _starts([m.end() for m in _CLAUSE.finditer(text)], text),
              range(1, len(text) + 1))
    out: list[tuple[int, int]] = []
    start, reached, usual = 0, 0, len(text) // 2
    while True:
        end = _end(levels, start, usual, fits)
        if start < reached and (end is None or end <= reached):
            # The overlap leaves no room for anything new.
            start = reached
            end = _end(levels, start, usual, fits)
        if end is None or (end - start < LEAST and end not in levels[0]):
            return None
        if text[start:end].strip():
            out.append((start, end))
        if end == len(text):
            return out
        usual, reached = end - start, end
        start = _next_start(levels, start, end)


def _starts(starts: Sequence[int], text: str) -> list[int]:
    return sorted({*(s for s in starts if 0 < s < len(text)), len(text)})


def _end(levels: Sequence[Sequence[int]], start: int, usual: int, fits: Callable[[int, int], bool]) -> int | None:
    """The farthest border of the coarsest level that a stretch from `start` may reach."""
    sentence = levels[0][bisect_right(levels[0], start)]
    for level, borders in enumerate(levels):
        first = bisect_right(borders, start)
        last = bisect_left(borders, sentence) if level else len(borders)
        found = _last(last - first, lambda i: fits(start, borders[first + i]),  # noqa: B023
                      bisect_left(borders, start + usual) - first)
        end = borders[first + found]
        # Rather a cut amid a word than a scrap before a comma.
        if found >= 0 and (end - start >= LEAST or level != 1):
            return end
    return None


def _last(count: int, ok: Callable[[int], bool], guess: int) -> int:
    """The largest number below `count` that is ok, -1 if none is; those below an ok one are ok too."""
    low, high, step = -1, count, 1
    at = min(max(guess, 0), count - 1)
    while high - low > 1:
        if ok(at):
            low, at = at, at + step
        else:
            high, at = at, at - step
        step *= 2
        if not low < at < high:
            at = (low + high) // 2
    return low


def _next_start(levels: Sequence[Sequence[int]], start: int, end: int) -> int:
    """Where the next stretch begins: at the first border of the last quarter of this one, if there is any."""
    earliest = max(start + 1, end - (end - start) // OVERLAP)
    for borders in levels[:-1]:
        i = bisect_left(borders, earliest)
        if borders[i] < end:
            return borders[i]
    # After a clean end, a clean beginning is worth more than an overlap that begins amid a word.
    clean = any(end in borders for borders in levels[:-1])
    return end if clean else min(earliest, end)


def tightest(places: Sequence[Sequence[int]], lengths: Sequence[int]) -> tuple[int, int] | None:
    """The shortest stretch that holds one of the places of each mention; None where one has no place.

    Args:
        places: where each mention begins, ascending.
        lengths: characters of each mention.
    """
    best: tuple[int, int] | None = None
    latest: dict[int, int] = {}
    for place, mention in merge(*([(p, m) for p in ps] for m, ps in enumerate(places))):
        latest[mention] = place
        if len(latest) == len(places):
            found = min(latest.values()), max(p + lengths[m] for m, p in latest.items())
            if best is None or found[1] - found[0] < best[1] - best[0]:
                best = found
    return best


def around(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole sentences that a stretch lies in."""
    starts = [*sentence_starts(text), len(text)]
    return starts[bisect_right(starts, start) - 1], starts[bisect_left(starts, end)]
