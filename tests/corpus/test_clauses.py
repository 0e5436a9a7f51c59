"""Where a text may be cut: the rest reads as text, and the piece put back gives the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.clauses import cuts, sentence_ends


def pieces(text: str, language: str, *whole: str) -> list[str]:
    places = [(text.index(w), text.index(w) + len(w)) for w in whole]
    return [text[c.start : c.end] for c in cuts(text, language, places)]


def rests(text: str, language: str) -> set[str]:
    return {text[: c.start] + text[c.end :] for c in cuts(text, language)}


@pytest.mark.parametrize(("text", "rest"), [
    # The stronger of two marks stays, and the final full stop with it.
    ("甲来了，乙走了。", {"乙走了。", "甲来了。"}),
    ("甲，乙；丙，丁。", {"乙；丙，丁。", "甲；丙，丁。", "甲。", "甲，乙。", "甲，乙；丁。", "甲，乙；丙。"}),
    ("甲。乙！", {"乙！", "甲。"}),
    # Quotations and brackets are whole; one that ends with a full stop ends its sentence.
    ("他说“甲，乙。丙”，走了。", {"走了。", "他说“甲，乙。丙”。"}),
    ("他说：“好。”她走了。", {"她走了。", "他说：“好。”"}),
    ("公司（甲，乙），厂。", {"厂。", "公司（甲，乙）。"}),
    ("《甲，乙》，丙", {"丙", "《甲，乙》"}),
    ("“甲，乙", {"乙", "“甲"}),  # never closed: encloses nothing
    # A quotation with a full stop of its own is no clause that leaves one behind.
    ("他说，“好。”", {"“好。”"}),
    ("人口2,424人,很多", {"很多", "人口2,424人"}),
    ("甲\n\n乙，丙\n", {"乙，丙\n", "甲\n", "甲\n\n丙\n", "甲\n\n乙\n"}),
    ("甲，，，乙。", {"乙。", "甲。"}),
    ("甲，乙，", {"乙，", "甲，"}),
    ("没有标点", set()), ("", set()), ("，。！\n", set()), ("甲。", set()), ("甲，123。", set()),
])
def test_chinese(text: str, rest: set[str]) -> None:
    assert rests(text, "zh") == rest


@pytest.mark.parametrize(("text", "rest"), [
    ("Ada, who wrote it, was born here.", {"Ada was born here."}),
    ("Ada , who wrote it , was born here .", {"Ada was born here ."}),
    ("Ada, a writer, was born here.", {"Ada was born here."}),
    ("They met Bob, who left, Mr. Lee.", {"They met Bob, Mr. Lee.", "They met Bob, who left."}),
    # An opening may go, what stands behind it may not; no other beginning goes.
    ("In 1990, Ada left, and Bob came.", {"Ada left, and Bob came.", "In 1990, Ada left."}),
    ("In 1990, she left.", set()),
    ("Ada left, Bob came.", {"Ada left."}),
    # Full stops that end nothing.
    ("Mr. J. K. Lee met Dr. Wu of the U.S. Navy. Ann left.",
     {"Ann left.", "Mr. J. K. Lee met Dr. Wu of the U.S. Navy."}),
    ("It cost 3.5 dollars. He paid.", {"He paid.", "It cost 3.5 dollars."}),
    ("They met on June 4, 1990, in Rome.", {"They met on June 4, 1990."}),
    ('He said "I am here, now." He left.', {"He left.", 'He said "I am here, now."'}),
    ("She called it '' Ada , a Life '' , and left .", {"She called it '' Ada , a Life '' ."}),
])
def test_english(text: str, rest: set[str]) -> None:
    assert rests(text, "en") == rest


def test_a_mention_is_whole() -> None:
    text = "他演过《甲》，拿什么拯救你，我的爱人，很好。"
    assert "，拿什么拯救你" in pieces(text, "zh")
    assert pieces(text, "zh", "拿什么拯救你，我的爱人") == [
        "他演过《甲》，", "，拿什么拯救你，我的爱人", "，拿什么拯救你，我的爱人，很好", "，很好"]


def test_sentences_end_where_they_do() -> None:
    text = "甲，乙。丙！ 丁"
    assert [text[a:b] for a, b in zip([0, *sentence_ends(text)], sentence_ends(text), strict=False)] == [
        "甲，乙。", "丙！ ", "丁"]


SIGNS = "甲乙ab1 ，,。.；;！“”\"'（）《》\n\u3000A"


@given(st.text(st.sampled_from(SIGNS), max_size=40), st.sampled_from(["zh", "en"]), st.data())
def test_any_text(text: str, language: str, data: st.DataObject) -> None:
    whole = []
    if text:
        start = data.draw(st.integers(0, len(text) - 1))
        whole = [(start, data.draw(st.integers(start + 1, len(text))))]
    for cut in cuts(text, language, whole):
        piece, rest = text[cut.start : cut.end], text[: cut.start] + text[cut.end :]
        assert piece and rest[: cut.start] + piece + rest[cut.start :] == text
        assert any(c.isalpha() for c in rest) and any(c.isalpha() for c in piece)
        [(low, high)] = whole
        # A mention goes or stays as a whole, but for blanks at its ends.
        low, high = low + len(text[low:high]) - len(text[low:high].lstrip()), low + len(text[low:high].rstrip())
        assert cut.end <= low or cut.start >= high or (cut.start <= low and high <= cut.end)
        doubled = rest[: cut.start].rstrip()[-1:] + rest[cut.start :].lstrip()[:1]
        assert len([c for c in doubled if c in "，,。.；;！"]) < 2
    ends = sentence_ends(text, whole)
    assert ends == sorted(set(ends)) and ends[-1:] in ([len(text)], [])


def test_long_texts_take_linear_time() -> None:
    import time

    text = "甲来了，乙走了。（丙）“丁" * 5_000
    begin = time.perf_counter()
    assert len(cuts(text, "zh")) > 10_000
    assert time.perf_counter() - begin < 20
