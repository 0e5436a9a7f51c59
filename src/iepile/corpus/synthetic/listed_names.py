"""Names out of a pattern file; those kept apart belong to one split, by the hash of the name."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from hashlib import sha256

from iepile.corpus.synthetic.names import RESIDUES, Cast, Filler, listed
from iepile.corpus.synthetic.pattern_file import RANGE, REFERENCE, PatternFile, Slot
from iepile.corpus.synthetic.patterns import kind_of
from iepile.errors import InputError

TRIES = 2000
"""Draws after which a split counts as having no name for a slot."""


class Named(tuple[str, str]):
    """A filler that may be called by a shorter name."""

    short: str = ""


class ListedNames:
    """Draws what a slot of a pattern file needs, for one split."""

    def __init__(self, file: PatternFile, split: str, rng: random.Random) -> None:
        self.random = rng.random
        self.split = split
        self.parts: dict[str, Sequence[str] | range] = {name: _choices(part) for name, part in file.parts.items()}
        self.draw: dict[str, Callable[[], Filler]] = {
            name: self._drawing(name, slot) for name, slot in file.slots.items()
        }
        self.casts = {name: Cast(name, slot.recurs) for name, slot in file.slots.items() if slot.recurs}

    def again(self, slot: str, filler: Filler) -> Filler:
        """The filler, or its short name."""
        short = filler.short if isinstance(filler, Named) else ""
        return ("", short) if short and self.random() < 0.5 else filler

    def _drawing(self, name: str, slot: Slot) -> Callable[[], Filler]:
        residues = RESIDUES[self.split]

        def draw() -> Filler:
            for _ in range(TRIES):
                known: dict[str, str] = {}
                value = self._filled(slot.values[int(self.random() * len(slot.values))], known)
                before, mark, mention = value.rpartition("[")
                filler = Named((before, mention[:-1] if mark else mention))
                filler.short = self._filled(slot.short, known)
                # A long and a short name of one thing are of one split.
                if not slot.apart or _residue(filler.short or filler[1]) in residues:
                    return filler
            raise InputError(f"no name for {{{name}}} in the split {self.split!r}", field=f"slots.{name}",
                             fix="give it more values or parts, or set apart = false")

        return draw

    def _filled(self, value: str, known: dict[str, str]) -> str:
        """The value with its parts; `known` are those drawn for this name."""
        for reference in REFERENCE.findall(value):
            if reference not in known:
                known[reference] = self._part(kind_of(reference))
        return REFERENCE.sub(lambda m: known[m[1]], value)

    def _part(self, name: str) -> str:
        part = self.parts[name]
        return str(part[int(self.random() * len(part))])


def _choices(part: list[str] | str) -> Sequence[str] | range:
    if not isinstance(part, str):
        return part
    if (bounds := RANGE.fullmatch(part)) is not None:
        return range(int(bounds[1]), int(bounds[2]) + 1)
    return listed(part)


def _residue(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big") % 10
