"""Windows cover the text, keep to their budget and to sentences, and share what stands at their borders."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.extraction.windows import Window, _splits_letter, cut
from iepile.sentences import sentence_starts

TEXT = st.one_of(
    st.text("ab é,.。，！\n京海e\u0301\u200d👍🏽🇨🇳'", max_size=120),
    st.lists(st.sampled_from([
        "Ada met Bob. ", "他来了。", "Really?! ", "（“走吧！”）", "one, two; three: ", "\n\n", "京海",
        "antidisestablishment ", "3.5 ", "e.g. ",
    ]), max_size=25).map("".join),
    st.text(max_size=60),
)


def words(text: str) -> int:
    """A measure that is no count of characters: Latin words and single other characters."""
    return sum(1 for n, ch in enumerate(text) if not (ch.isascii() and ch.isalpha() and n and text[n - 1].isalpha()))


def heavy(text: str) -> int:
    return sum(7 if ch in "京é" else 1 for ch in text)


MEASURES = st.sampled_from([len, words, heavy, lambda text: len(text.encode("utf-8", "surrogatepass"))])


@given(TEXT, st.integers(1, 60), MEASURES, st.integers(0, 3))
@example("e" + "\u0301" * 90, 5, len, 1)
@example("x" * 200, 7, len, 2)
def test_windows_are_the_whole_text_within_budget(
    text: str, budget: int, measure: Callable[[str], int], overlap: int
) -> None:
    windows = cut(text, budget, measure, overlap)
    assert windows == cut(text, budget, measure, overlap)
    assert windows[0].start == 0 and windows[-1].end == len(text)
    for a, b in pairwise(windows):
        assert a.start < b.start <= a.end < b.end
    if not overlap:
        assert all(a.end == b.start for a, b in pairwise(windows))
    for w in windows:
        assert measure(text[w.start : w.end]) <= budget or w.end - w.start == 1
    if measure(text) <= budget:
        assert windows == [Window(0, len(text))]


@given(TEXT, st.integers(5, 60), MEASURES, st.integers(0, 3))
def test_sentences_that_fit_are_whole(text: str, budget: int, measure: Callable[[str], int], overlap: int) -> None:
    windows = cut(text, budget, measure, overlap)
    borders = [*sentence_starts(text), len(text)]
    sentences = list(pairwise(borders))
    fitting = [(a, b) for a, b in sentences if measure(text[a:b]) <= budget]
    for a, b in fitting:
        assert any(w.start <= a and b <= w.end for w in windows)
    for w in windows:
        # A border inside of a sentence is inside of one that is too long.
        assert not any(a < at < b for a, b in fitting for at in (w.start, w.end))


@given(st.lists(st.integers(2, 12), min_size=2, max_size=30), st.integers(24, 60))
def test_neighbouring_sentences_are_seen_together(lengths: list[int], budget: int) -> None:
    text = "".join("京" * (n - 1) + "。" for n in lengths)
    windows = cut(text, budget, len, 1)
    borders = [*sentence_starts(text), len(text)]
    for a, b in zip(borders, borders[2:], strict=False):
        assert any(w.start <= a and b <= w.end for w in windows)


@given(st.text("ab é京e\u0301\u0302", min_size=1, max_size=80), st.integers(12, 40))
def test_letters_stay_whole_where_they_are_not_longer_than_a_part(text: str, budget: int) -> None:
    windows = cut(text, budget, len, 1)
    marks = max((len(run) for run in _runs(text)), default=0)
    if marks + 1 <= budget // 4:
        assert not any(_splits_letter(text, at) for w in windows for at in (w.start, w.end))


def _runs(text: str) -> list[str]:
    return "".join(ch if ch in "\u0301\u0302" else " " for ch in text).split()


def test_a_long_sentence_is_cut_at_the_best_place() -> None:
    clauses = "他在上海出生，" * 30
    assert all(clauses[w.end - 1] == "，" for w in cut(clauses, 40, len))
    blanks = "some words without any comma " * 20
    assert all(blanks[w.end - 1] == " " for w in cut(blanks, 60, len))
    # A number or a time is no clause.
    numbers = "1,000:2 " * 50
    assert all(numbers[w.end - 1] == " " for w in cut(numbers, 60, len))
    mixed = "京abcdefgh" * 40
    assert all(not (mixed[w.end - 1].isascii() and mixed[w.end : w.end + 1].isascii() and w.end < len(mixed))
               for w in cut(mixed, 60, len))
    flags = "🇨🇳🇫🇷" * 2 + "👩‍👩‍👧👍🏽" * 30
    assert not any(_splits_letter(flags, w.end) for w in cut(flags, 80, len))


def test_parts_of_a_long_sentence_overlap() -> None:
    text = "京" * 1000
    windows = cut(text, 100, len)
    shared = [a.end - b.start for a, b in pairwise(windows)]
    assert all(20 <= n <= 30 for n in shared) and len(windows) <= 14


def test_a_full_stop_only_when_it_ends_a_sentence() -> None:
    text = "It cost 3.5 dollars. He paid. She left."
    assert [text[w.start : w.end] for w in cut(text, 30, len)] == [
        "It cost 3.5 dollars. He paid. ", "He paid. She left."]


def test_sentences_are_measured_once() -> None:
    seen: list[str] = []

    def measure(piece: str) -> int:
        seen.append(piece)
        return len(piece)

    text = "One came. Two left. Three stayed. " * 20
    cut(text, 50, measure, 2)
    assert len(seen) == 1 + 60 and "".join(seen[1:]) == text


@pytest.mark.parametrize("kind", ["sentences", "one line", "one word", "accents", "chinese", "blanks"])
def test_a_megabyte_takes_about_a_second(kind: str) -> None:
    unit = {"sentences": "He came to New York in 1990. ", "one line": "word and word, ", "one word": "x",
            "accents": "e\u0301\u0301", "chinese": "京", "blanks": "\n "}[kind]
    text = unit * (1_000_000 // len(unit))
    began = time.process_time()
    windows = cut(text, 2000, len)
    assert time.process_time() - began < 4
    assert 500 <= len(windows) <= 1100
    assert windows[-1].end == len(text)


def test_no_room() -> None:
    with pytest.raises(InputError, match="no room for text"):
        cut("Ada.", 0, len)
    with pytest.raises(InputError, match="overlap"):
        cut("Ada.", 9, len, -1)
