"""Draws that hang on a key alone: the same everywhere, and fair."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from iepile.instructions.draws import Draws


def test_the_same_on_every_machine() -> None:
    draws = Draws("42\x00key")
    assert draws.shuffled(range(10)) == [9, 5, 7, 1, 3, 8, 4, 6, 2, 0]
    assert [draws.below(100) for _ in range(5)] == [21, 59, 42, 27, 62]
    assert (draws.binomial(1000, 0.3), draws.sample("abcdefgh", 3)) == (279, ["b", "a", "e"])


@given(st.text(), st.lists(st.integers()), st.integers(0, 300))
def test_what_is_drawn(key: str, items: list[int], k: int) -> None:
    draws, again = Draws(key), Draws(key)
    assert Counter(draws.shuffled(items)) == Counter(items)
    got = draws.sample(items, k)
    assert len(got) == min(k, len(items))
    assert not Counter(got) - Counter(items)
    assert 0 <= draws.binomial(k, 0.5) <= k
    assert (draws.binomial(k, 0), draws.binomial(k, 1)) == (0, k)
    assert 0 <= draws.below(k + 1) <= k
    again.shuffled(items)
    assert again.sample(items, k) == got


def test_fair() -> None:
    draws = Draws("any")
    orders = Counter(tuple(draws.shuffled("abc")) for _ in range(6000))
    assert set(orders) == set(permutations("abc"))
    pairs = Counter(frozenset(draws.sample("abcde", 2)) for _ in range(6000))
    assert len(pairs) == 10
    for counts, want in ((orders, 1000), (pairs, 600)):
        assert all(0.85 * want < n < 1.15 * want for n in counts.values())
    assert 0.29 < sum(draws.binomial(10, 0.3) for _ in range(3000)) / 30_000 < 0.31
