"""A map from 64-bit digests to numbers, in two flat arrays.

>>> seen = DigestMap()
>>> seen.set(7, 1)
>>> seen.get(7), seen.get(8), len(seen)
(1, None, 1)

A `dict` of integers takes about 120 bytes an entry; this takes 24 to 48.
"""

from __future__ import annotations

from array import array

_LOAD = 2 / 3


class DigestMap:
    """Digests (below 2**64, spread evenly) -> numbers from 0."""

    def __init__(self) -> None:
        self._size = 0
        self._empty(1 << 10)

    def __len__(self) -> int:
        return self._size

    def get(self, digest: int) -> int | None:
        """The number of a digest, None if it has none."""
        # `_slot` once more: a call for each digest would take longer than the search.
        keys, mask, digest = self._keys, self._mask, digest or 1
        slot = digest & mask
        while key := keys[slot]:
            if key == digest:
                return self._values[slot]
            slot = (slot + 1) & mask
        return None

    def set(self, digest: int, number: int) -> None:
        """Give a digest its number, a new one where it has one."""
        digest = digest or 1  # 0 marks an empty slot
        slot = self._slot(digest)
        if not self._keys[slot]:
            if self._size >= _LOAD * len(self._keys):
                self._grow()
                slot = self._slot(digest)
            self._size += 1
        self._keys[slot], self._values[slot] = digest, number

    def _slot(self, digest: int) -> int:
        keys, mask = self._keys, self._mask
        slot = digest & mask
        while (key := keys[slot]) and key != digest:
            slot = (slot + 1) & mask
        return slot

    def _empty(self, slots: int) -> None:
        self._keys, self._values, self._mask = array("Q", bytes(8 * slots)), array("Q", bytes(8 * slots)), slots - 1

    def _grow(self) -> None:
        keys, values = self._keys, self._values
        self._empty(2 * len(keys))
        for key, value in zip(keys, values, strict=True):
            if key:
                slot = self._slot(key)
                self._keys[slot], self._values[slot] = key, value
