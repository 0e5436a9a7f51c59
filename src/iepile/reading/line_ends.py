"""Lines that were broken to fit a page become running text again: Chinese without a space, hyphens undone.

>>> joined("the inter-", "national", frozenset()), joined("他出生于", "伦敦", frozenset())
('the international', '他出生于伦敦')
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WIDE = "\u2e80-\u30ff\u31c0-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff60\uffe0-\uffe6\U00020000-\U0003ffff"
_WIDE_CHARACTER = re.compile(f"[{_WIDE}]")
WIDE_BREAK = re.compile(f"(?<=[{_WIDE}])[ \t]*\n[ \t\n]*(?=[{_WIDE}])")
"""A break inside Chinese or Japanese text: no space stands for it."""
_HYPHENATED = re.compile(r"([^\W\d_]+)[-\u2010\u00ad]$")
_WORD_AT_START = re.compile(r"[^\W\d_]+")
_WORDS = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")


def is_wide(character: str) -> bool:
    """Whether it is written without spaces around it: Chinese, Japanese, and their punctuation."""
    return bool(_WIDE_CHARACTER.match(character))


def words(lines: Iterable[str]) -> frozenset[str]:
    """The words that stand whole in some line, with their hyphens, lower case: they tell which hyphen is the word's."""
    return frozenset(word.lower() for line in lines for word in _WORDS.findall(line) if "-" in word or len(word) > 3)


def joined(left: str, right: str, known: frozenset[str]) -> str:
    """A line and the one that goes on with it; see `met`."""
    return "".join(met(left, right, known))


def met(left: str, right: str, known: frozenset[str]) -> tuple[str, str, str]:
    """A line, what comes between, and the one that goes on with it.

    A hyphen at the end is taken for the line breaker's and goes, unless the word is known with it, or the next line
    begins with a capital or no letter.

    Args:
        known: what `words` found in the document.
    """
    left, right = left.rstrip(), right.lstrip()
    if not left or not right or (is_wide(left[-1]) and is_wide(right[0])):
        return left, "", right
    broken, rest = _HYPHENATED.search(left), _WORD_AT_START.match(right)
    if broken and rest:
        first, second = broken.group(1).lower(), rest.group().lower()
        own = f"{first}-{second}" in known and first + second not in known
        return left[:-1] + ("-" if own or not rest.group()[0].islower() else ""), "", right
    return left, " ", right
