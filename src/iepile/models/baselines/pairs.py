"""Pairs of mentions that may be related, and what speaks for it: the keys under which relations are counted.

A pair is read by its two mentions themselves, by the words between and around them, and by the types of the two with
the order they stand in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from iepile.models.baselines.gazetteer import plain
from iepile.models.baselines.tokens import Place, spaceless

NEIGHBOURS = 8
"""A mention is paired with this many before it and after it."""
PHRASE = 6
"""Longest phrase between two mentions that is a key, in tokens."""
AROUND = 4
"""Tokens before the first and after the second mention that are looked at."""
BETWEEN = 12
"""Tokens between that are looked at, half of them after the first mention and half before the second."""
_SEP = "\x1f"


class Pair(msgspec.Struct, frozen=True):
    """Two mentions, as first and second argument."""

    head: Place
    tail: Place
    keys: tuple[str, ...]


def pairs(
    text: str, found: Sequence[tuple[int, int, str]], types: Mapping[str, str], places: Sequence[Place]
) -> Iterator[Pair]:
    """Every ordered pair of different mentions once, where the two stand closest.

    Args:
        found: mentions of a gazetteer, from left to right.
        types: plain mention -> its type.
        places: tokens of the text.
    """
    closest: dict[tuple[str, str], tuple[int, int, int]] = {}
    for i, (_, left_end, left) in enumerate(found):
        for j in range(i + 1, min(i + 1 + NEIGHBOURS, len(found))):
            start, _, right = found[j]
            if left == right:
                continue
            for key in ((left, right), (right, left)):
                gap = start - left_end
                if key not in closest or gap < closest[key][0]:
                    closest[key] = (gap, i, j)
    starts, ends = {s: n for n, (s, _) in enumerate(places)}, {e: n for n, (_, e) in enumerate(places)}
    words: dict[tuple[int, int], tuple[str | None, list[str]]] = {}
    for (head, tail), (_, i, j) in closest.items():
        if (i, j) not in words:
            words[i, j] = _words(text, places, (starts[found[i][0]], ends[found[i][1]]),
                                 (starts[found[j][0]], ends[found[j][1]]))
        phrase, around = words[i, j]
        forward = found[i][2] == head
        ends_of = _SEP.join((types.get(head, ""), types.get(tail, ""), ">" if forward else "<"))
        keys = [f"pair{_SEP}{head}{_SEP}{tail}", f"types{_SEP}{ends_of}{_SEP}{min(j - i - 1, 3)}"]
        if phrase is not None:
            keys.append(f"phrase{_SEP}{ends_of}{_SEP}{phrase}")
        keys += [f"word{_SEP}{ends_of}{_SEP}{word}" for word in around]
        first, second = found[i][:2], found[j][:2]
        yield Pair(first if forward else second, second if forward else first, tuple(keys))


def _words(text: str, places: Sequence[Place], left: Place, right: Place) -> tuple[str | None, list[str]]:
    """The phrase between two mentions if it is short, and the words between and around, each with where it stands."""
    between = list(places[left[1] + 1 : right[0]])
    phrase = None
    if len(between) <= PHRASE:
        phrase = plain(text[places[left[1]][1] : places[right[0]][0]])
    if len(between) > BETWEEN:
        between = between[: BETWEEN // 2] + between[-BETWEEN // 2 :]
    before = places[max(0, left[0] - AROUND) : left[0]]
    after = places[right[1] + 1 : right[1] + 1 + AROUND]
    out: dict[str, None] = {}
    for mark, some in (("<", before), ("=", between), (">", after)):
        out.update((mark + word, None) for word in _tokens(text, some))
    return phrase, list(out)


def _tokens(text: str, places: Sequence[Place]) -> Iterator[str]:
    """Words; of scripts without spaces couples of characters that stand together."""
    for n, (start, end) in enumerate(places):
        word = plain(text[start:end])
        if not spaceless(word):
            yield word.lower()
        elif n + 1 < len(places) and places[n + 1][0] == end and spaceless(text[slice(*places[n + 1])]):
            yield plain(text[start : places[n + 1][1]])


