"""What rows of token ids have in common at their beginning, and which rows are best read together.

>>> shared_prefix([[1, 2, 3, 4], [1, 2, 3, 9], [1, 2, 3]])
3
>>> prefix_groups([[1, 2, 3, 4], [7, 8], [1, 2, 3, 9]], most=8)
[[0, 2], [1]]
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

Ids = Any
"""A list or an array of token ids: both have an order, as sequences in general have not."""


def shared_prefix(rows: Sequence[Ids]) -> int:
    """How many ids all rows have in common at their beginning."""
    # What the first and the last in order share, all between them share.
    return _common(min(rows), max(rows))


def prefix_groups(rows: Sequence[Ids], most: int) -> list[list[int]]:
    """Numbers of rows that are read together, so that as few ids as possible are read.

    A group reads what its rows share once, and of each row the rest. Groups are in the order of their first rows,
    rows within a group in the order given.

    Args:
        rows: all arrays, or all lists.
        most: most rows of a group.
    """
    order = sorted(range(len(rows)), key=lambda i: (rows[i], i))
    common = [0] + [_common(rows[a], rows[b]) for a, b in pairwise(order)]
    # saved[j]: most ids saved among the first j rows in order; begin[j]: where the last group of that begins.
    saved, begin = [0] * (len(order) + 1), [0] * (len(order) + 1)
    for j in range(1, len(order) + 1):
        saved[j], begin[j] = saved[j - 1], j - 1
        shared = len(rows[order[j - 1]])
        for i in range(j - 1, max(j - most, 0), -1):
            shared = min(shared, common[i])
            if shared == 0:
                break
            if saved[i - 1] + (j - i) * shared > saved[j]:
                saved[j], begin[j] = saved[i - 1] + (j - i) * shared, i - 1
    groups: list[list[int]] = []
    end = len(order)
    while end:
        groups.append(sorted(order[begin[end] : end]))
        end = begin[end]
    return sorted(groups)


def _common(one: Ids, other: Ids) -> int:
    """Length of the common beginning, by halving: comparing slices is much faster than comparing ids."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
