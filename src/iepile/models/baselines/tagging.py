"""BIES tags: B and E where a mention begins and ends, I between, S where it is one token, O elsewhere.

Tags carry the number of a label, not its name: a name may hold any characters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from iepile.models.baselines.tokens import Place

Mention = tuple[int, int, int]
"""(start, end, number of the label)."""

OUTSIDE = "O"
NESTED = "nested or overlapping mention"
BORDERS = "mention that begins or ends within a word"


def tags(mentions: Iterable[Mention], places: Sequence[Place], left_out: Counter[str]) -> list[str]:
    """One tag a token. Of mentions that overlap the longest wins, of equally long ones the first in the text.

    Args:
        left_out: counts the mentions that tags cannot say.
    """
    out = [OUTSIDE] * len(places)
    starts, ends = {s: n for n, (s, _) in enumerate(places)}, {e: n for n, (_, e) in enumerate(places)}
    for start, end, label in sorted(mentions, key=lambda m: (m[0] - m[1], m)):
        first, last = starts.get(start), ends.get(end)
        if first is None or last is None:
            left_out[BORDERS] += 1
        elif any(tag != OUTSIDE for tag in out[first : last + 1]):
            left_out[NESTED] += 1
        else:
            marks = "S" if first == last else "B" + "I" * (last - first - 1) + "E"
            out[first : last + 1] = [f"{mark}{label}" for mark in marks]
    return out


def mentions_of(tagged: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """(first token, last token, number of the label) of each mention.

    Runs that no BIES writer would write are read as what they most likely mean: a mention ends where the label changes,
    or where another begins.
    """
    first: int | None = None
    for n, tag in enumerate(tagged):
        if tag == OUTSIDE:
            continue
        mark, label = tag[0], tag[1:]
        if first is None or mark in "BS":
            first = n
        after = tagged[n + 1] if n + 1 < len(tagged) else OUTSIDE
        if mark in "ES" or after == OUTSIDE or after[1:] != label or after[0] in "BS":
            yield first, n, int(label)
            first = None
