"""Tokens of the baselines: characters of scripts without spaces (Chinese, Japanese, Thai...), words of the others.

>>> text = "Ada去了New York。"
>>> [text[s:e] for s, e in tokens(text)]
['Ada', '去', '了', 'New', 'York', '。']
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from iepile.sentences import sentence_starts

Place = tuple[int, int]
"""(start, end) in code points, end exclusive."""

LONGEST = 1000
"""Tokens that are read together: what a text of any length needs is then bounded."""

# Thai, Lao, Myanmar, Khmer; kana; Han and its extensions; Hangul; Han for compatibility and further planes.
_SINGLE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff" \
          "\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_SINGLE}]|[^\W_{_SINGLE}]+|\S")
_ONE = re.compile(f"[{_SINGLE}]")


def tokens(text: str) -> list[Place]:
    """Places of the tokens: a character, a run of letters and digits, or a mark."""
    return [m.span() for m in _TOKEN.finditer(text)]


def spaceless(token: str) -> bool:
    """Whether a token is a character of a script that puts no spaces between words."""
    return _ONE.match(token) is not None


def stretches(text: str, places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    """The tokens in runs of at most `LONGEST`, cut where a sentence starts if there is such a place."""
    if len(places) <= LONGEST:
        yield places
        return
    starts = set(sentence_starts(text))
    first = 0
    while first < len(places):
        past = min(first + LONGEST, len(places))
        if past < len(places):
            past = next((n for n in range(past, first, -1) if n < len(places) and places[n][0] in starts), past)
        yield places[first:past]
        first = past
