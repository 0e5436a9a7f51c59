"""Names told by their looks: words with capitals one after another, and what stands in title or quotation marks.

They are mentions nobody has seen, whose type is not known; what stands around them may still tell how they are related.

>>> from iepile.models.baselines.tokens import tokens
>>> text = "Ada Low of Bolt read 《长夜》."
>>> [text[s:e] for s, e in names(text, tokens(text))]
['Ada Low of Bolt', '长夜']
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from iepile.models.baselines.gazetteer import plain
from iepile.models.baselines.tokens import Place

_WORD = r"[A-Z][\w'’.-]{0,40}"
_NAME = re.compile(
    rf"\b{_WORD}(?: (?:(?:of|de|van|von|the|for|and) )?{_WORD}){{0,7}}"
    r"|(?<=《)[^《》]{1,40}(?=》)|(?<=“)[^“”]{1,20}(?=”)"
)


def names(text: str, places: Sequence[Place]) -> list[Place]:
    """Where names stand, whole tokens only, from left to right.

    Args:
        places: tokens of the text.
    """
    starts, ends = {s for s, _ in places}, {e for _, e in places}
    return [m.span() for m in _NAME.finditer(text) if m.start() in starts and m.end() in ends]


def with_names(
    text: str, found: Sequence[tuple[int, int, str]], places: Sequence[Place]
) -> list[tuple[int, int, str]]:
    """Mentions that were found, and the names that overlap none of them."""
    begins, ends = [s for s, _, _ in found], [e for _, e, _ in found]
    out = list(found)
    for start, end in names(text, places):
        if bisect_left(begins, end) == bisect_right(ends, start):  # all that begin before its end have ended
            out.append((start, end, plain(text[start:end])))
    return sorted(out)
