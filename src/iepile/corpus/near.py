"""Texts that may be alike: MinHash signatures of shingles (library rensa), filed by their bands.

Texts that agree on a band, a few numbers of their signatures, are proposed; whoever asks checks the true similarity
(`iepile.corpus.shingles.jaccard`). Signatures and proposals are the same in every process.

The buckets are ours: those of rensa take 100 to 170 bytes a band and text, these 32 to 56.

>>> rows_of_a_band(0.85)
6
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from iepile.corpus.digests import DigestMap
from iepile.corpus.shingles import enough, shingles_of, tokens
from iepile.errors import MissingDependency
from iepile.language import language_of

BANDS = 10
"""Bands of a signature."""
RECALL = 0.99
"""Share of pairs at the threshold that the index must propose."""
MOST_OF_A_BUCKET = 1000
"""Texts of one bucket that are looked at, the latest first."""
_SEED = 1


class NearIndex:
    """Numbers of texts by their signatures."""

    def __init__(self, threshold: float, min_words: int) -> None:
        """Texts of fewer words (`enough`) have no signature.

        Raises:
            MissingDependency: rensa.
        """
        try:
            from rensa import RMinHash
        except ImportError:
            raise MissingDependency("rensa", "corpus", "near-duplicate removal (near_threshold above 0)") from None
        self._sign = RMinHash.digests_from_token_sets
        self._min_words = max(1, min_words)
        self._rows = rows_of_a_band(threshold)
        self._buckets = DigestMap()
        """Band -> 1 + the last place that has it."""
        self._numbers = array("I")
        """Place -> text."""
        self._before = array("I")
        """Place -> 1 + the place before it in its bucket."""

    def signatures(self, texts: Sequence[str]) -> list[bytes | None]:
        """One a text, None for a short one."""
        words = [tokens(text) for text in texts]
        languages = [language_of(text) for text in texts]
        long = [n for n, w in enumerate(words) if enough(w, languages[n], self._min_words)]
        sets = [shingles_of(words[n], languages[n]) for n in long]
        found: list[bytes | None] = [None] * len(texts)
        for n, digest in zip(long, self._sign(sets, BANDS * self._rows, _SEED), strict=True):
            found[n] = array("I", digest).tobytes()
        return found

    def add(self, part: str, signature: bytes, number: int) -> None:
        """File a text under its number, in one of several separate parts."""
        for band in self._bands(part, signature):
            self._before.append(self._buckets.get(band) or 0)
            self._numbers.append(number)
            self._buckets.set(band, len(self._numbers))

    def candidates(self, part: str, signature: bytes) -> list[int]:
        """Numbers of that part's texts that may be similar: with most bands in common first, then the earliest."""
        shared: dict[int, int] = {}
        for band in self._bands(part, signature):
            at, left = self._buckets.get(band) or 0, MOST_OF_A_BUCKET
            while at and left:
                number = self._numbers[at - 1]
                shared[number] = shared.get(number, 0) + 1
                at, left = self._before[at - 1], left - 1
        return sorted(shared, key=lambda number: (-shared[number], number))

    def _bands(self, part: str, signature: bytes) -> Iterator[int]:
        size = len(signature) // BANDS
        base = blake2b(part.encode("utf-8", "surrogatepass"), digest_size=8)
        for n in range(BANDS):
            bucket = base.copy()
            bucket.update(bytes((n,)) + signature[n * size : (n + 1) * size])
            yield int.from_bytes(bucket.digest(), "big")


def rows_of_a_band(threshold: float) -> int:
    """Most rows with which a pair at the threshold still meets in one of the bands with probability `RECALL`.

    A pair of similarity s meets with probability 1 - (1 - s**rows)**bands (Leskovec, Rajaraman and Ullman,
    Mining of Massive Datasets, 3.4.2). More rows, fewer false candidates.
    """
    rows = 1
    while rows < 32 and 1 - (1 - threshold ** (rows + 1)) ** BANDS >= RECALL:
        rows += 1
    return rows
