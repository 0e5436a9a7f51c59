"""Common beginnings: found exactly, and grouped so that the fewest ids are read."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from iepile.models.prefixes import prefix_groups, shared_prefix

ROWS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=9)


def by_hand(rows: list[list[int]]) -> int:
    n = 0
    while n < min(map(len, rows)) and len({r[n] for r in rows}) == 1:
        n += 1
    return n


def read(rows: list[list[int]], groups: list[list[int]]) -> int:
    """Ids that are read."""
    return sum(by_hand([rows[i] for i in g]) * (1 - len(g)) + sum(len(rows[i]) for i in g) for g in groups)


@given(ROWS)
def test_the_shared_beginning_is_that_of_all(rows: list[list[int]]) -> None:
    assert shared_prefix(rows) == by_hand(rows)


@given(ROWS, st.integers(1, 4))
def test_every_row_is_in_one_group(rows: list[list[int]], most: int) -> None:
    groups = prefix_groups(rows, most)
    assert sorted(i for g in groups for i in g) == list(range(len(rows)))
    assert all(g == sorted(g) and len(g) <= most for g in groups) and groups == sorted(groups)


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=5), min_size=1, max_size=6))
def test_no_other_grouping_reads_less(rows: list[list[int]]) -> None:
    def splits(order: list[int]) -> list[list[list[int]]]:
        """Every way to cut a list into pieces."""
        n = len(order)
        cuts = [[i for i in range(1, n) if mask >> (i - 1) & 1] for mask in range(1 << (n - 1))]
        return [[order[a:b] for a, b in pairwise([0, *cut, n])] for cut in cuts]

    order = sorted(range(len(rows)), key=lambda i: rows[i])
    assert read(rows, prefix_groups(rows, 6)) == min(read(rows, groups) for groups in splits(order))


def test_groups_of_several_texts() -> None:
    rows = [[1, 2, 3, 4], [7, 8], [1, 2, 3, 9], [7, 8, 1], [5]]
    assert prefix_groups(rows, 8) == [[0, 2], [1, 3], [4]]
    assert prefix_groups([[1, 2]] * 5, 2) in ([[0], [1, 2], [3, 4]], [[0, 1], [2, 3], [4]], [[0, 1], [2], [3, 4]])
