"""Stretches of texts: all of a text, within bounds, at clean borders."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.training import stretches as module
from iepile.training.stretches import around, stretches, tightest

WORDS = ["理想汽车", "Ada Lovelace", "met", "12", "，", "。", "! ", ". They ", " ", "\n", "the ", "甲", "a"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=120).map("".join).filter(str.strip)


@pytest.fixture(autouse=True, scope="module")
def short_parts() -> Iterator[None]:
    """Stretches may be as short as the texts of these tests want them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST", 1)
        yield


@given(texts, st.integers(1, 60))
def test_stretches_cover_the_text_and_share_at_most_a_quarter(text: str, limit: int) -> None:
    got = stretches(text, lambda start, end: end - start <= limit)
    assert got is not None
    assert got[0][0] == 0 or not text[: got[0][0]].strip()
    for (start, end), (later, farther) in pairwise(got):
        assert start < later and end < farther
        assert later >= end - (end - start) // 4 or not text[end:later].strip()
        assert not text[end:later].strip()
    assert all(end - start <= limit for start, end in got)
    assert not text[got[-1][1] :].strip()


def test_stretches_end_where_sentences_do() -> None:
    text = "第一句话在这里。第二句话，也在这里。" * 20
    got = stretches(text, lambda start, end: end - start <= 50)
    assert got is not None
    assert all(text[end - 1] == "。" and (start == 0 or text[start - 1] == "。") for start, end in got)
    assert stretches("abc", lambda start, end: False) is None


def test_scraps_of_sentences_are_no_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST", 8)
    text = "One sentence. " * 9
    assert stretches(text, lambda start, end: end - start <= 14) is not None
    assert stretches(text, lambda start, end: end - start <= 7) is None
    assert stretches("a long one, " * 9, lambda start, end: end - start <= 13) is not None
    assert stretches("a, " + "b" * 30, lambda start, end: end - start <= 12) == [(0, 12), (9, 21), (18, 30), (27, 33)]
    # Whole sentences may be short.
    assert stretches("甲。乙。", lambda start, end: end - start <= 2) == [(0, 2), (2, 4)]


def test_borders_without_sentences() -> None:
    assert stretches("a" * 10, lambda start, end: end - start <= 4) == [(0, 4), (3, 7), (6, 10)]
    assert stretches("abcd，efgh，ijkl", lambda start, end: end - start <= 5) == [(0, 5), (5, 10), (10, 14)]
    assert stretches("ab，cdefghi，a。xy", lambda start, end: end - start <= 13) == [(0, 13), (11, 15)]


@given(st.lists(st.lists(st.integers(0, 60), max_size=6).map(sorted), min_size=1, max_size=3),
       st.lists(st.integers(1, 5), min_size=3, max_size=3))
def test_the_tightest_stretch_is_that_of_all_choices(places: list[list[int]], lengths: list[int]) -> None:
    every = [(min(choice), max(p + n for p, n in zip(choice, lengths, strict=False))) for choice in product(*places)]
    got = tightest(places, lengths)
    assert (got is None) == (not every)
    if got is not None:
        shortest = min(end - start for start, end in every)
        assert got in every and got[1] - got[0] <= shortest + 2 * max(lengths)


def test_whole_sentences_around_a_place() -> None:
    text = "One came. Two left. Three stayed."
    assert around(text, 12, 14) == (10, 20)
    assert around(text, 5, 12) == (0, 20)
    assert around(text, 10, 20) == (10, 20)
    assert around(text, 31, 33) == (20, 33)
