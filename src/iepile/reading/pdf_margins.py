"""Headers, footers and page numbers: lines at the edge of a page that come back, at the same height, on others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from iepile.reading.pdf_layout import Row

EDGE = 3
"""Lines at the top and at the bottom that are looked at."""
PAGES = 3
"""Pages that a line must come back on; a bare number, two."""
SHARE = 0.2
"""And the share of all pages: a header may change with the chapter or from left to right pages."""
LONGEST = 200
"""Characters of such a line."""
NEAR = 6.0
"""Points that its height may differ."""
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.I)
_FIRST_NUMBER = re.compile(r"^\W{0,3}(\d{1,5})\b")
_LAST_NUMBER = re.compile(r"\b(\d{1,5})\W{0,3}$")
_ONLY_NUMBER = re.compile(r"^\W*(?:page|p\.|第|共|of|/|页|頁|#|\s|\W)*$", re.I)


def margins(pages: Sequence[Sequence[Row]]) -> list[set[int]]:
    """Of each page, which of its rows (given from top to bottom) are headers or footers.

    A row is one if its words come back, numbers apart; or if it begins or ends with a number that grows from page to
    page as pages do, whatever else it says (the name of the chapter).
    """
    seen: Counter[_Mark] = Counter()
    marks: list[list[tuple[int, list[_Mark]]]] = []
    for number, rows in enumerate(pages):
        edge = sorted({*range(min(EDGE, len(rows))), *range(max(0, len(rows) - EDGE), len(rows))})
        found = [(n, _marks(rows[n], number)) for n in edge]
        marks.append(found)
        # Neighbouring heights count together, each page once.
        seen.update({(what, at + near) for _, of in found for what, at in of for near in (-1, 0, 1)})
    enough = max(PAGES, SHARE * sum(1 for rows in pages if rows))

    def recurs(of: list[_Mark]) -> bool:
        return any(seen[mark] >= (2 if _bare(mark[0]) else enough) for mark in of)

    return [_at_the_edge({n for n, of in found if recurs(of)}, len(rows))
            for found, rows in zip(marks, pages, strict=True)]


_Mark = tuple[str | int, int]
"""What comes back: words, or by how much a number is more than that of the page; and at which height."""


def _marks(row: Row, page: int) -> list[_Mark]:
    text = " ".join(row.text.split())
    if len(text) > LONGEST:
        return []
    at = round((row.y0 + row.y1) / 2 / NEAR)
    numbers = {int(n) - page for n in (*_FIRST_NUMBER.findall(text), *_LAST_NUMBER.findall(text))}
    return [(_NUMBER.sub("#", text), at), *((n, at) for n in sorted(numbers))]


def _bare(words: str | int) -> bool:
    return isinstance(words, str) and "#" in words and bool(_ONLY_NUMBER.match(words))


def _at_the_edge(rows: set[int], count: int) -> set[int]:
    """Only those with nothing but others between them and the edge: a line amid the text is none."""
    out: set[int] = set()
    for order in (range(count), range(count - 1, -1, -1)):
        for n in order:
            if n not in rows:
                break
            out.add(n)
    return out if len(out) < count else set()
