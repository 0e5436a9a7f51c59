"""A seeded sample of texts in which everything that occurs is represented, drawn in one pass.

    sample = TextSample(most=500, seed=0)
    for text in texts:
        sample.offer(text, ["class boundary", "label person"])
    sample.drawn()

Each text gets a random number, and each stratum keeps the texts with the least ones (bottom-k
sampling). In the end the strata take turns, the rarest first, until there are `most` texts; all texts
together are a stratum too. So a rare class is there with all its texts, a common one with some.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from heapq import heappush, heappushpop
from typing import Generic, TypeVar

HANDFUL = 5
"""Texts kept of a stratum of which there may be thousands."""

T = TypeVar("T")


class TextSample(Generic[T]):
    """Keeps at most `most` texts a stratum."""

    def __init__(self, most: int, seed: int) -> None:
        """
        Args:
            most: texts to draw.
            seed: same seed and texts, same sample.
        """
        self.most, self.offered = most, 0
        self._rng = random.Random(seed)
        self._strata: dict[str, list[tuple[float, int, T]]] = {}
        self._sizes: dict[str, int] = {}

    def offer(self, text: T, strata: Iterable[str], few: Iterable[str] = ()) -> None:
        """Look at a text.

        Args:
            strata: what it stands for.
            few: further strata, of which there may be thousands; a handful of texts is kept for each.
        """
        self.offered += 1
        chance, number = self._rng.random(), self.offered
        for names, most in ((("", *strata), self.most), (few, min(HANDFUL, self.most))):
            for name in names:
                held = self._strata.setdefault(name, [])
                self._sizes[name] = self._sizes.get(name, 0) + 1
                entry = (-chance, -number, text)
                if len(held) < most:
                    heappush(held, entry)
                elif most:
                    heappushpop(held, entry)

    def drawn(self, most: int | None = None) -> list[T]:
        """The sample, in the order in which the texts came.

        Args:
            most: fewer texts than the sample was made for.
        """
        most = min(self.offered, self.most if most is None else min(most, self.most))
        queues = [sorted(held, reverse=True) for _, held in
                  sorted(self._strata.items(), key=lambda s: (self._sizes[s[0]], s[0]))]
        chosen: dict[int, T] = {}
        turn = 0
        while len(chosen) < most:
            for queue in queues:
                if turn < len(queue) and len(chosen) < most:
                    _, number, text = queue[turn]
                    chosen[-number] = text
            turn += 1
        return [chosen[number] for number in sorted(chosen)]
