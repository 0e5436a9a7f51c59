"""How sure a model is of a fact: from the log-probabilities of the tokens that wrote its mentions.

>>> strings_of('{"person": ["Ada"]}')
[(1, 9), (12, 17)]
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)


def strings_of(text: str) -> list[tuple[int, int]]:
    """Places of the JSON strings of an answer, quotes included, in order."""
    return [m.span() for m in _STRING.finditer(text)]


def string_logprobs(text: str, ends: Sequence[int], logprobs: Sequence[float]) -> tuple[float, ...]:
    """Log-probability of each JSON string of an answer: the sum over the tokens that wrote part of it.

    Args:
        text: the answer.
        ends: for each token, the characters of the answer that are written after it; ascending.
        logprobs: of each token.

    Returns:
        One number for each of `strings_of(text)`. A token that wrote the end of one string and the beginning of the
        next counts for both.
    """
    out: list[float] = []
    first = 0
    for start, end in strings_of(text):
        while first < len(ends) and ends[first] <= start:
            first += 1
        total, at = 0.0, first
        begun = ends[at - 1] if at else 0
        while at < len(ends) and begun < end:
            total += logprobs[at]
            begun = ends[at]
            at += 1
        out.append(total)
    return tuple(out)
