"""Where a piece of a text stood in the file that the text was read from: page, paragraph, section, sheet, row.

    place_of(document.meta["places"], 1042, 1050)
    {'start': 980, 'end': 1302, 'page': 3, 'paragraph': 2}

Places lie in order and do not overlap. Offsets are code points of the text, end exclusive; what lies between two places
is the space that separates them. Readers of documents write them, a graph notes them beside its edges.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

NUMBERED = ("page", "paragraph", "row")
"""Parts of a place that are counted from 1. A paragraph is counted in its page, where there are pages, else in the
document; a row in its table or sheet."""
NAMED = ("section", "sheet", "column")
"""Parts of a place that have names: the heading above it, the sheet and the column of a table."""
_ORDER = ("sheet", "page", "section", "paragraph", "row", "column")


def places_of(meta: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The places of a document by its `meta`; none where they are not there or not in our form."""
    found = meta.get("places")
    if isinstance(found, list | tuple) and all(
        isinstance(p, Mapping) and type(p.get("start")) is int and type(p.get("end")) is int for p in found
    ):
        return found
    return ()


def place_of(
    places: Sequence[Mapping[str, Any]], start: int, end: int
) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """The places where a span begins and where it ends, the same one twice for most; None where it touches none.

    >>> places = [{"start": 0, "end": 4, "page": 1}, {"start": 6, "end": 9, "page": 2}]
    >>> place_of(places, 2, 8) == (places[0], places[1])
    True
    """
    first = bisect_right(places, start, key=lambda p: int(p["end"]))
    last = bisect_left(places, max(end, start + 1), key=lambda p: int(p["start"])) - 1
    if first > last:
        return None
    return places[first], places[last]


def place_words(places: Sequence[Mapping[str, Any]], start: int, end: int) -> str | None:
    """Where a span stood, in words: `page 3, paragraph 2`, or `page 3, paragraph 2 to page 4, paragraph 1`.

    >>> place_words([{"start": 0, "end": 4, "page": 1, "paragraph": 2}], 1, 3)
    'page 1, paragraph 2'
    """
    found = place_of(places, start, end)
    if found is None:
        return None
    first, last = (_words(place) for place in found)
    return (first if first == last else f"{first} to {last}") or None


def _words(place: Mapping[str, Any]) -> str:
    said = []
    for part in _ORDER:
        value = place.get(part)
        if value is not None:
            said.append(f"{part} {value}" if part in NUMBERED else f'{part} "{value}"')
    return ", ".join(said)
