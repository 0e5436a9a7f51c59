"""Two streams side by side: each entry of one with its like of the other.

>>> list(aligned("abc", "bxa", key=str))
[('b', 'b'), ('a', 'a'), ('c', None), (None, 'x')]

Files of one corpus mostly have one order, so both are read in step and only what still waits for its like is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def aligned(
    first: Iterable[T], second: Iterable[T], key: Callable[[T], Hashable]
) -> Iterator[tuple[T | None, T | None]]:
    """Pairs with equal keys as soon as both are met, then what is alone, first of the first.

    The n-th of a key in one stream is the n-th of it in the other.
    """
    waiting: tuple[dict[Hashable, T], dict[Hashable, T]] = ({}, {})
    seen: tuple[Counter[Hashable], Counter[Hashable]] = (Counter(), Counter())
    for side, entry in _in_turns(first, second):
        name = key(entry)
        seen[side][name] += 1
        place = (name, seen[side][name])
        if place in waiting[1 - side]:
            like = waiting[1 - side].pop(place)
            yield (like, entry) if side else (entry, like)
        else:
            waiting[side][place] = entry
    yield from ((x, None) for x in waiting[0].values())
    yield from ((None, y) for y in waiting[1].values())


def _in_turns(first: Iterable[T], second: Iterable[T]) -> Iterator[tuple[int, T]]:
    streams = {0: iter(first), 1: iter(second)}
    while streams:
        for side in tuple(streams):
            for entry in streams[side]:
                yield side, entry
                break
            else:
                del streams[side]
