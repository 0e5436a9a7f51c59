"""Random draws that hang on a key alone: no global state, the same on every machine and Python version.

The numbers are the output of SHAKE-128 for the key, read as 64-bit words. Seeding a Mersenne Twister costs
more than all the draws of a record, and `random.shuffle` promises no fixed result across Python versions.

>>> Draws("42/some text").shuffled("abcdef") == Draws("42/some text").shuffled("abcdef")
True
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import shake_128
from struct import unpack
from typing import TypeVar

T = TypeVar("T")
WORD = 1 << 64


class Draws:
    """A stream of draws."""

    def __init__(self, key: str) -> None:
        """`key`: any text; it fixes every draw."""
        self._hash = shake_128(key.encode("utf-8", "surrogatepass"))
        self._words: tuple[int, ...] = ()
        self._used = 0

    def binomial(self, n: int, p: float) -> int:
        """How many of `n` trials of chance `p` succeed."""
        return n if p >= 1 else sum(map(int(p * WORD).__gt__, self._take(n)))

    def below(self, n: int) -> int:
        """A number from 0 to n - 1."""
        return self._take(1)[0] * n >> 64

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order."""
        if len(items) < 2:
            return list(items)
        words = iter(self._take(len(items)))
        return sorted(items, key=lambda _: next(words))

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """`k` of the items, each set of `k` as likely as another; all of them as they stand where `k` is enough."""
        if k >= len(items):
            return list(items)
        left, drawn = list(items), []
        for word in self._take(k):
            i = word * len(left) >> 64
            drawn.append(left[i])
            left[i] = left[-1]
            left.pop()
        return drawn

    def _take(self, n: int) -> tuple[int, ...]:
        start, self._used = self._used, self._used + n
        if self._used > len(self._words):
            # A longer output of SHAKE begins with the shorter one, so what was taken stays.
            size = max(self._used, 2 * len(self._words), 16)
            self._words = unpack(f"<{size}Q", self._hash.digest(8 * size))
        return self._words[start : self._used]
