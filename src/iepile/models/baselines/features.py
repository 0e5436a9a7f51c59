"""What the CRF sees of a token: the words around, and of words in Latin script case, shape, beginnings and endings."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_WORD = 40
"""Characters of a word that are looked at."""

_BEFORE, _AFTER = ["<s>"] * 3, ["</s>"] * 3
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_SHAPES = ((re.compile("[0-9]+"), "0"), (re.compile("[A-Z]+"), "A"), (re.compile("[a-z]+"), "a"))


def shape(word: str) -> str:
    """Runs of capitals, small letters and digits as one of them each.

    >>> shape("McDonald"), shape("F-16")
    ('AaAa', 'A-0')
    """
    for run, mark in _SHAPES:
        word = run.sub(mark, word)
    return word


def features(words: Sequence[str]) -> list[list[str]]:
    """The features of each word of a sequence: strings, equal ones are the same feature."""
    # Neither the end mark of C strings nor halves of surrogate pairs can be handed over.
    plain = [_UNWRITABLE.sub("\ufffd", w[:LONGEST_WORD]) for w in words]
    w = [*_BEFORE, *plain, *_AFTER]
    low = [x.lower() for x in w]
    shapes = [shape(x) for x in w]
    out = []
    for n in range(3, len(w) - 3):
        row = [f"w{k}={w[n + k]}" for k in range(-3, 4)]
        row += [f"c{k}={w[n + k]} {w[n + k + 1]}" for k in range(-2, 2)]
        row += [f"t{k}={w[n + k]} {w[n + k + 1]} {w[n + k + 2]}" for k in range(-2, 1)]
        row.append(f"s={w[n - 1]} {w[n + 1]}")
        word = w[n]
        if len(word) > 1 or word.isascii():
            for k in (-1, 0, 1):
                row += [f"l{k}={low[n + k]}", f"h{k}={shapes[n + k]}"]
            row += [f"p={word[:k]}" for k in range(1, 5)]
            row += [f"e={word[-k:]}" for k in range(1, 5)]
        out.append(row)
    return out
