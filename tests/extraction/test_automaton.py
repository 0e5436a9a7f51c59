"""The suffix automaton knows the pieces of a text and nothing else, in a size that is linear."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iepile.extraction.automaton import in_reach, suffix_automaton

STRETCHES = st.lists(st.text("abc", max_size=12), max_size=4)


def known(edges: list[dict[str, int]], longest: int) -> set[str]:
    found, now = {""}, [("", 0)]
    for _ in range(longest + 1):
        now = [(piece + sign, t) for piece, state in now for sign, t in edges[state].items()]
        assert len({piece for piece, _ in now}) == len(now)
        found |= {piece for piece, _ in now}
    return found


@given(STRETCHES)
def test_it_knows_the_pieces_and_nothing_else(stretches: list[str]) -> None:
    edges = suffix_automaton(stretches)
    pieces = {s[a:b] for s in stretches for a in range(len(s)) for b in range(a, len(s) + 1)} | {""}
    assert known(edges, max(map(len, stretches), default=0)) == pieces
    size = sum(map(len, stretches))
    assert len(edges) <= 2 * size + 1
    assert sum(map(len, edges)) <= 3 * size


@given(STRETCHES, st.sets(st.sampled_from("abc")))
def test_states_in_reach_are_those_of_pieces_that_begin_so(stretches: list[str], first: set[str]) -> None:
    edges = suffix_automaton(stretches)
    first &= set(edges[0])
    reached, now = set(), {edges[0][sign] for sign in first}
    while now:
        reached |= now
        now = {t for state in now for t in edges[state].values()} - reached
    assert in_reach(edges, first) == sorted(reached)
