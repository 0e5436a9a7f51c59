"""The map is a map."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.digests import DigestMap

# Few low bits: keys meet in the same slots.
keys = st.one_of(st.integers(0, 40), st.integers(0, (1 << 64) - 1), st.integers(0, 63).map(lambda n: n << 58))


@given(st.lists(st.tuples(keys, st.integers(0, 1 << 40))))
def test_like_a_dict(pairs: list[tuple[int, int]]) -> None:
    found, expected = DigestMap(), {}
    for key, number in pairs:
        found.set(key, number)
        expected[key or 1] = number
    assert all(found.get(key) == number for key, number in expected.items())
    assert len(found) == len(expected)
    assert [key for key in range(1, 41) if found.get(key) is not None] == sorted(set(range(1, 41)) & set(expected))


def test_it_grows() -> None:
    found = DigestMap()
    for n in range(5000):
        found.set(n * 0x9E3779B97F4A7C15 % (1 << 64), n)
    assert len(found) == 5000
    assert all(found.get(n * 0x9E3779B97F4A7C15 % (1 << 64)) == n for n in range(5000))
    assert found.get(12345) is None
