"""Where sentences begin: used to place facts within one sentence and to quote the place of an edge.

>>> sentence_starts("Ada met Bob. They left.\\n完了。再见")
[0, 13, 24, 27]
"""

from __future__ import annotations

import re
from bisect import bisect_right

# A Western full stop ends a sentence only before a blank, so that 3.5 and e.g. U.S. stay whole.
_END = re.compile(r"[。！？；!?]+[”’」』）)\"']*\s*|\.[”’)\"']*\s+(?=[^a-z])|\n\s*")


def sentence_starts(text: str) -> list[int]:
    """Code points at which sentences begin, ascending; [0] for a text without any end."""
    return [0, *(m.end() for m in _END.finditer(text) if m.end() < len(text))]


def sentence_at(starts: list[int], place: int) -> int:
    """Number of the sentence that holds a code point."""
    return bisect_right(starts, place) - 1
