"""Which examples an epoch has: how often each source is seen, and how many examples without any fact.

>>> read_mixture("MSRA=2, DuIE2.0=0.5, *=1")
{'MSRA': 2.0, 'DuIE2.0': 0.5, '*': 1.0}

Draws follow from (seed, epoch, content of the example): neither the order of rows nor other sources change them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from iepile.errors import InputError

REST = "*"
"""Stands for sources that are not named."""
_EXPECTED = "source=times an epoch, as in MSRA=2,DuIE2.0=0.5,*=1"
_TOP = np.uint64(2**64 - 1)


def read_mixture(mixture: str | Mapping[str, float]) -> dict[str, float]:
    """How often each source is seen an epoch, from a setting; empty: everything once.

    Raises:
        InputError: a part is no name with a number of 0 or more.
    """
    pairs: list[tuple[str, Any]] = []
    if isinstance(mixture, str):
        for part in (p.strip() for p in mixture.split(",") if p.strip()):
            name, equals, number = part.rpartition("=")
            if not equals or not name.strip():
                raise InputError(f"{part!r} is no source with a number", field="mixture", expected=_EXPECTED)
            pairs.append((name.strip(), number.strip()))
    else:
        pairs = list(mixture.items())
    weights: dict[str, float] = {}
    for name, number in pairs:
        try:
            weight = float(number)
        except (TypeError, ValueError):
            weight = math.nan
        if not 0 <= weight < math.inf:
            raise InputError(f"{number!r} is no number of 0 or more", field=f"mixture: {name}", expected=_EXPECTED)
        if name in weights:
            raise InputError(f"{name!r} is named twice", field="mixture", expected=_EXPECTED)
        weights[name] = weight
    if weights and not any(weights.values()) and weights.get(REST) == 0:
        raise InputError("leaves no row", field="mixture", fix="give a source more than 0")
    return weights


def source_weights(mixture: Mapping[str, float], sources: Sequence[str]) -> list[float]:
    """The weight of each source that the data has.

    Raises:
        InputError: a name is not among them, or nothing would be left.
    """
    unknown = [name for name in mixture if name != REST and name not in sources]
    if unknown:
        raise InputError(f"no rows have the source {', '.join(map(repr, unknown))}", field="mixture",
                         expected=", ".join(sorted(sources)))
    weights = [mixture.get(name, mixture.get(REST, 1.0)) for name in sources]
    if not any(weights):
        raise InputError("leaves no row", field="mixture", fix="give a source more than 0")
    return weights


def draws(keys: Any, *why: object) -> Any:
    """A number of 64 bits for each key (uint64): the same for the same key and reason, else as if random."""
    salt = int.from_bytes(blake2b(" ".join(map(str, why)).encode(), digest_size=8).digest(), "little")
    z = np.asarray(keys, np.uint64) ^ np.uint64(salt)
    # splitmix64, whose output bits each depend on all input bits
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def copies(weights: Any, keys: Any, seed: int, epoch: int) -> Any:
    """How often each example stands in an epoch: its weight, rounded up or down by chance."""
    weights = np.asarray(weights, float)
    chance = draws(keys, "mixture", seed, epoch).astype(float) / 2.0**64
    return np.floor(weights).astype(np.int64) + (chance < weights % 1.0)


def negative_bounds(ratio: float, seed: int, counts: Iterable[tuple[int, Any]]) -> list[int]:
    """For each source, the draw below which an example without facts is kept: at most `ratio` for each with facts.

    Args:
        counts: of each source, the number of examples with facts and the keys of those without.
    """
    bounds: list[int] = []
    for positive, keys in counts:
        room = math.floor(ratio * positive + 1e-9)
        if len(keys) <= room:
            bounds.append(int(_TOP))
        else:
            # Strictly below: equal examples have equal draws, and then none of them may stay.
            bounds.append(int(np.partition(draws(keys, "negatives", seed), room)[room]))
    return bounds


def kept_negatives(bounds: Sequence[int], source: Any, empty: Any, keys: Any, seed: int) -> Any:
    """Which examples stay: all that state a fact, and those below the bound of their source."""
    bound = np.array(bounds, np.uint64)[source]
    return ~empty | (draws(keys, "negatives", seed) < bound) | (bound == _TOP)
