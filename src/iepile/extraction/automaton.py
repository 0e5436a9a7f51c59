"""The suffix automaton of a text: the smallest machine that knows all its pieces, of a size linear in the text.

>>> [sorted(edges.items()) for edges in suffix_automaton(["ab"])]
[[('a', 1), ('b', 2)], [('b', 2)], []]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def suffix_automaton(stretches: Iterable[Sequence[str]]) -> list[dict[str, int]]:
    """The automaton of all pieces of some stretches; pieces do not reach from one stretch into the next.

    Args:
        stretches: each a sequence of signs (a character, or what stands for it in an answer).

    Returns:
        For each state, sign -> next state. State 0 is the beginning; a piece may end in any state. At most two
        states and three edges a sign.
    """
    edges: list[dict[str, int]] = [{}]
    link, length = [-1], [0]

    def split(state: int, sign: str) -> int:
        """The state that `sign` leads to from `state`, without the longer pieces that end there too."""
        old = edges[state][sign]
        if length[old] == length[state] + 1:
            return old
        new = len(edges)
        edges.append(dict(edges[old]))
        link.append(link[old])
        length.append(length[state] + 1)
        link[old] = new
        while state != -1 and edges[state].get(sign) == old:
            edges[state][sign] = new
            state = link[state]
        return new

    for stretch in stretches:
        last = 0
        for sign in stretch:
            if sign in edges[last]:
                last = split(last, sign)
                continue
            new = len(edges)
            edges.append({})
            link.append(0)
            length.append(length[last] + 1)
            state = last
            while state != -1 and sign not in edges[state]:
                edges[state][sign] = new
                state = link[state]
            if state != -1:
                link[new] = split(state, sign)
            last = new
    return edges


def in_reach(edges: Sequence[dict[str, int]], first: Iterable[str]) -> list[int]:
    """States that are reached from state 0 by one of the signs `first` and whatever follows, in order."""
    waiting = [edges[0][sign] for sign in first]
    seen = set(waiting)
    while waiting:
        for state in edges[waiting.pop()].values():
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    return sorted(seen)
