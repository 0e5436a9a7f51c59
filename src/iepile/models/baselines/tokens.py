"""Tokens of the baselines: characters of scripts without spaces (Chinese, Japanese, Thai...), words of the others.

Many data sets come as words with blanks between, marks too ("in the U.S. , he said"). There the blanks tell where words
end; elsewhere a mark is a token of its own, except in abbreviations like U.S.

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
_TOKEN = re.compile(rf"[{_SINGLE}]|(?:[A-Za-z]\.){{2,}}|[^\W_{_SINGLE}]+|\S")
_BLANKS = re.compile(rf"[{_SINGLE}]|[^\s{_SINGLE}]+")
_APART = re.compile(r"\s[,.;:?!)](?:\s|$)")
_ATTACHED = re.compile(r"[^\W_][,;:?!](?:\s|$)")
_ONE = re.compile(f"[{_SINGLE}]")


def tokens(text: str) -> list[Place]:
    """Places of the tokens: a character, a run of letters and digits, or a mark."""
    in_words = _APART.search(text) is not None and _ATTACHED.search(text) is None
    return [m.span() for m in (_BLANKS if in_words else _TOKEN).finditer(text)]


def first_tokens(mention: str) -> set[str]:
    """What the first token of a mention is, whichever way its text is read."""
    return {m.group() for pattern in (_BLANKS, _TOKEN) if (m := pattern.search(mention))}


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
