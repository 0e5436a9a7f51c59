"""Tokens: characters of Chinese, words of Latin script, texts that come in words; runs of bounded length."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from iepile.models.baselines.tokens import LONGEST, first_tokens, stretches, tokens


def words(text: str) -> list[str]:
    return [text[s:e] for s, e in tokens(text)]


def test_scripts() -> None:
    assert words("他在OpenAI工作3年。") == ["他", "在", "OpenAI", "工", "作", "3", "年", "。"]
    assert words("Müller, of the U.S. Navy, left.") == ["Müller", ",", "of", "the", "U.S.", "Navy", ",", "left", "."]
    assert words("東京タワー") == list("東京タワー")


def test_a_text_that_comes_in_words_keeps_them() -> None:
    text = "In St. Louis , Mo. , at 1,000 ft ."
    assert words(text) == text.split()
    assert "Mo." not in words("In St. Louis, Mo. , at noon.")  # a mark is attached: it does not


@given(st.text())
def test_tokens_lie_in_order_and_hold_all_that_is_no_blank(text: str) -> None:
    places = tokens(text)
    assert all(s < e for s, e in places)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(places))
    assert "".join(text[s:e] for s, e in places) == "".join(text.split())


@given(st.text(min_size=1))
def test_the_first_token_of_a_text_is_foreseen(text: str) -> None:
    if places := tokens(text):
        assert text[slice(*places[0])] in first_tokens(text)


def test_long_texts_are_read_in_runs_that_end_with_sentences() -> None:
    text = "他走了。" * 2000
    places = tokens(text)
    runs = list(stretches(text, places))
    assert [p for run in runs for p in run] == places
    assert max(map(len, runs)) <= LONGEST and len(runs) < 12
    assert all(text[run[0][0]] == "他" for run in runs)
    assert [len(r) for r in stretches("x " * 2500, tokens("x " * 2500))] == [1000, 1000, 500]
