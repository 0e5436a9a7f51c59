"""Which pairs of names are worth a look, without comparing all: names that share a key.

Keys: the letters of the core; its words sorted; the core less one letter (two names one typing error apart share
one); its rarest groups of three letters (two errors); first letters and short forms; and rare neighbours. Time and
memory grow with the number of names, not with its square.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise

from iepile.graph.merging.names import Name, words
from iepile.graph.merging.similarity import initials

Pair = tuple[int, int]
CROWD = 60
"""Names with one key beyond which only those that stand together are compared."""
RARE = 25
"""Most names that a group of letters, or nodes that a neighbour, may have to be a key."""
LONGEST = 200
"""Letters of a name beyond which no slips are looked for: it is a sentence."""
EXPANSIONS = 200
"""Most full names one short form is compared with; one with more is ambiguous anyway."""


def candidates(names: Sequence[Name], nodes: Sequence[int], neighbours: Iterable[Iterable[tuple[str, str]]]
               ) -> set[Pair]:
    """Pairs of indexes into `names`, the smaller first.

    Args:
        names: in an order that does not depend on the input's.
        nodes: the node that each is a name of; the first name of a node is its own.
        neighbours: of each node, (relation, id of the other end).
    """
    found: set[Pair] = set()
    for block in _equal(names):
        found.update(_within(block))
    found.update(_one_slip(names))
    found.update(_two_slips(names))
    found.update(_short_forms(names))
    own: dict[int, int] = {}
    for i, node in enumerate(nodes):
        own.setdefault(node, i)
    near: dict[tuple[str, str], list[int]] = defaultdict(list)
    for node, of in enumerate(neighbours):
        for key in set(of):
            near[key].append(own[node])
    for block in near.values():
        if len(block) <= RARE:
            found.update(combinations(block, 2))
    return {p for p in found if nodes[p[0]] != nodes[p[1]]}


def _within(block: list[int]) -> Iterator[Pair]:
    if len(block) <= CROWD:
        yield from combinations(block, 2)
    else:
        # Equal names: a chain holds them together as well as all pairs.
        yield from pairwise(block)
        yield from ((block[0], i) for i in block[2:])


def _equal(names: Sequence[Name]) -> Iterator[list[int]]:
    stop = words().stop
    letters: dict[str, list[int]] = defaultdict(list)
    ordered: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        letters[name.exact or name.letters].append(i)
        if " " in name.core and not name.exact:
            parts = [w for w in name.core.split() if w not in stop]
            if len(parts) > 1:
                ordered[" ".join(sorted(parts))].append(i)
    for blocks in (letters, ordered):
        yield from (b for b in blocks.values() if len(b) > 1)


def _distinct(names: Sequence[Name]) -> dict[str, int]:
    """Letters -> the first name with them; the others of equal letters are found by `_equal`."""
    out: dict[str, int] = {}
    for i, name in enumerate(names):
        if not name.exact:
            out.setdefault(name.letters, i)
            if name.ending and not name.chinese:
                out.setdefault(name.letters + name.ending.replace(" ", ""), i)  # the slip may be in the ending
    return out


def _one_slip(names: Sequence[Name]) -> Iterator[Pair]:
    """Names of which one edit makes the other: all such pairs share a text that lacks one letter, or one is it."""
    import numpy as np

    keys: list[int] = []
    owners: list[int] = []
    for letters, i in _distinct(names).items():
        n = len(letters)
        if not 4 <= n <= LONGEST:
            continue
        # Equal hashes of unequal texts make a pair too many, which is judged like any other.
        # Names with other numbers are never alike: ids, which are full of them, make no pairs.
        marks = hash(names[i].marks) if names[i].marks else 0
        own = {hash(letters) ^ marks}
        own.update(hash(letters[:k] + letters[k + 1 :]) ^ marks for k in range(n))
        keys.extend(own)
        owners.extend([i] * len(own))
    if not keys:
        return
    key, owner = np.array(keys, np.int64), np.array(owners, np.int32)
    del keys, owners
    order = np.argsort(key, kind="stable")
    key, owner = key[order], owner[order]
    borders = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1], [True])))
    sizes = np.diff(borders)
    for start, size in zip(borders[:-1][sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        block = sorted(owner[start : start + size].tolist())
        if size <= CROWD:
            yield from combinations(sorted(set(block)), 2)


def _two_slips(names: Sequence[Name]) -> Iterator[Pair]:
    """Long names that share a rare group of three letters and are two edits apart, measured in batches."""
    long = [(letters, i) for letters, i in _distinct(names).items() if 10 <= len(letters) <= LONGEST
            and letters.isascii()]
    counts: Counter[str] = Counter()
    for letters, i in long:
        counts.update(_grams(letters, names[i]))
    blocks: dict[str, list[int]] = defaultdict(list)
    for letters, i in long:
        rare = sorted((g for g in _grams(letters, names[i]) if 1 < counts[g] <= RARE), key=lambda g: (counts[g], g))
        for gram in rare[:4]:
            blocks[gram].append(i)
    pairs: set[Pair] = set()
    for block in blocks.values():
        pairs.update(combinations(block, 2))
        if len(pairs) > 500_000:
            yield from _near(pairs, names)
            pairs = set()
    yield from _near(pairs, names)


def _grams(letters: str, name: Name) -> set[str]:
    marks = " ".join(name.marks)
    return {letters[k : k + 3] + marks for k in range(len(letters) - 2)}


def _near(pairs: set[Pair], names: Sequence[Name]) -> Iterator[Pair]:
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    if not pairs:
        return
    listed = list(pairs)
    far = cpdist([names[a].letters for a, _ in listed], [names[b].letters for _, b in listed], scorer=OSA.distance,
                    score_cutoff=2)
    yield from (p for p, d in zip(listed, far.tolist(), strict=True) if d <= 2)


def _short_forms(names: Sequence[Name]) -> Iterator[Pair]:
    shorts: dict[tuple[str, str], list[int]] = defaultdict(list)
    longs: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        if name.exact:
            continue
        letters = name.letters
        if name.chinese:
            if 2 <= len(letters) <= 5:
                shorts["zh", letters[0] + letters[-1]].append(i)
            if len(letters) >= 4:
                for last in set(letters[-3:]):
                    longs["zh", letters[0] + last].append(i)
            continue
        parts = name.core.split()
        if len(parts) == 1 and 2 <= len(letters) <= 8:
            shorts["initials", letters].append(i)
        elif len(parts) > 1:
            for first in {*initials(parts), *initials([*parts, *name.ending.split()])}:
                longs["initials", first].append(i)
            last = parts[-1] + " " + parts[0][0]
            if any(len(w) == 1 for w in parts[:-1]) or (len(parts) == 2 and len(parts[0]) <= 3):
                shorts["given", last].append(i)
            longs["given", last].append(i)
    for key, block in shorts.items():
        full = longs.get(key, [])
        if len(full) <= EXPANSIONS:
            yield from ((min(a, b), max(a, b)) for a in block for b in full if a != b)
