"""Streams side by side: nothing is lost, nothing is paired twice."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from iepile.evaluation.aligning import aligned

SOME = st.lists(st.sampled_from("abcd"), max_size=12)


@given(SOME, SOME)
def test_every_entry_once_and_as_many_pairs_as_can_be(first: list[str], second: list[str]) -> None:
    found = list(aligned(first, second, key=str))
    assert Counter(a for a, _ in found if a) == Counter(first)
    assert Counter(b for _, b in found if b) == Counter(second)
    both = [(a, b) for a, b in found if a and b]
    assert all(a == b for a, b in both)
    assert Counter(a for a, _ in both) == Counter(first) & Counter(second)


def test_the_nth_goes_with_the_nth() -> None:
    first, second = [("a", 1), ("a", 2)], [("b", 3), ("a", 4), ("a", 5)]
    assert list(aligned(first, second, key=lambda e: e[0])) == [
        (("a", 1), ("a", 4)), (("a", 2), ("a", 5)), (None, ("b", 3))]
