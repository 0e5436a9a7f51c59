"""Which answered fact stands for which gold fact: each used once, as many pairs as can be.

>>> pairs([("x", 1), ("x", 2)], [("x", 2), ("y", 2)], "string")
[None, 0]
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence

from iepile.tasks.matching import Match, agree

Key = tuple[str, Hashable]
"""Label and scoring key of a fact (`Task.keys`)."""


def pairs(answered: Sequence[Key], gold: Sequence[Key], match: Match) -> list[int | None]:
    """For each answered fact, the place of its gold fact, or None.

    Equal keys are paired first, in order. Under `overlap` the rest is paired so that as many as possible have a
    partner (augmenting paths), which does not depend on the order of the facts.
    """
    free: dict[Key, deque[int]] = {}
    for n, fact in enumerate(gold):
        free.setdefault(fact, deque()).append(n)
    found: list[int | None] = [free[fact].popleft() if free.get(fact) else None for fact in answered]
    if match == "overlap" and any(free.values()) and None in found:
        _augment(answered, gold, found)
    return found


def _augment(answered: Sequence[Key], gold: Sequence[Key], found: list[int | None]) -> None:
    # Keys of one label agree or not; with them overlap is no equivalence, so nothing can be looked up.
    partners = [[g for g, fact in enumerate(gold) if fact[0] == a[0] and agree(a[1], fact[1])] for a in answered]
    holder: dict[int, int] = {g: a for a, g in enumerate(found) if g is not None}

    def place(a: int, tried: set[int]) -> bool:
        for g in partners[a]:
            if g in tried:
                continue
            tried.add(g)
            if g not in holder or place(holder[g], tried):
                holder[g], found[a] = a, g
                return True
        return False

    for a, g in enumerate(found):
        if g is None:
            place(a, set())
