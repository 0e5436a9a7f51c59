"""A span leads back to the page and the paragraph that it stood in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.places import place_of, place_words, places_of
from iepile.reading.composing import LINE, PARAGRAPH, Composer, clean
from iepile.reading.source import Source

PLACES = [{"start": 0, "end": 4, "page": 1, "paragraph": 1}, {"start": 6, "end": 9, "page": 1, "paragraph": 2},
          {"start": 9, "end": 12, "page": 2, "paragraph": 1, "section": "In 1815"}]


@pytest.mark.parametrize(("span", "words"), [
    ((0, 4), "page 1, paragraph 1"), ((3, 4), "page 1, paragraph 1"), ((4, 6), None), ((5, 7), "page 1, paragraph 2"),
    ((2, 7), "page 1, paragraph 1 to page 1, paragraph 2"), ((12, 20), None), ((6, 6), "page 1, paragraph 2"),
    ((8, 10), 'page 1, paragraph 2 to page 2, section "In 1815", paragraph 1'),
    ((9, 10), 'page 2, section "In 1815", paragraph 1'),
])
def test_where_a_span_stood(span: tuple[int, int], words: str | None) -> None:
    assert place_words(PLACES, *span) == words


@pytest.mark.parametrize("meta", [{}, {"places": None}, {"places": "x"}, {"places": [1]}, {"places": [{"start": 1}]},
                                  {"places": [{"start": 0, "end": True}]}])
def test_places_that_are_none(meta: dict[str, Any]) -> None:
    assert not places_of(meta)


def test_a_place_without_parts_says_nothing() -> None:
    assert place_words([{"start": 0, "end": 3}], 0, 1) is None and place_of([], 0, 1) is None


PIECES = st.lists(st.tuples(st.text(max_size=12), st.sampled_from([PARAGRAPH, LINE, " ", ""]), st.booleans(),
                            st.none() | st.integers(1, 3)), max_size=12)


@given(pieces=PIECES, start=st.integers(0, 60), length=st.integers(1, 9))
def test_each_place_is_a_piece_and_every_span_is_found(
    pieces: list[tuple[str, str, bool, int | None]], start: int, length: int
) -> None:
    composer = Composer(Source(b"x", "x"))
    for text, glue, new, page in pieces:
        composer.add(text, glue, new=new, page=page)
    said = [(t, p) for text, _, _, p in pieces if (t := clean(text).strip())]
    if not said:
        return
    document = composer.document("x", "text/plain")
    places = document.meta["places"]
    assert [(document.text[p["start"]:p["end"]], p.get("page")) for p in places] == said
    at = 0
    for p in places:  # in order, apart, and nothing but space between them
        assert at <= p["start"] < p["end"] and not document.text[at:p["start"]].strip()
        at = p["end"]
    assert at == len(document.text)
    start, end = min(start, len(document.text) - 1), min(start + length, len(document.text))
    by_search = [p for p in places if p["start"] < max(end, start + 1) and p["end"] > start]
    found = place_of(places, start, end)
    assert (found is None) == (not by_search)
    if found is not None:
        assert (found[0], found[1]) == (by_search[0], by_search[-1])


def test_paragraphs_are_counted_in_their_page() -> None:
    composer = Composer(Source(b"x", "x"))
    for text, page in (("a", 1), ("b", 1), ("c", 2), ("d", 1)):
        composer.add(text, page=page)
    places = composer.document("x", "m").meta["places"]
    assert [(p["page"], p["paragraph"]) for p in places] == [(1, 1), (1, 2), (2, 1), (1, 3)]


def test_what_no_output_could_hold_goes() -> None:
    assert clean("a\x00b\r\nc\x0bd\u2028e\ud800\xa0f\xadg\u200b") == "ab\nc\nde\ufffd fg".replace("\nde", "\nd\ne")
