"""ROUGE: to 1e-9 what the packages give, and what they leave open."""

from __future__ import annotations

import sys
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.errors import MissingDependency
from iepile.evaluation.protocols.rouge import Rouge, rouge, rouge_chinese, rouge_of, words_of

package = pytest.importorskip("rouge")
package_zh = pytest.importorskip("rouge_chinese")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    jieba = pytest.importorskip("jieba")
jieba.setLogLevel("ERROR")

WORDS_EN = st.lists(
    st.sampled_from(["a", "b", "c", "d", "the", "cat", "A.", "b.c", ".", "..", ","]), min_size=1, max_size=25,
).map(" ".join)
WORDS_ZH = st.lists(
    st.sampled_from(["甲", "乙", "丙", "。", "！", "？", "?", "”", "’", "......", "……", "\n", "，", ".", "a"]),
    min_size=1, max_size=25).map(" ".join)


def of_package(scores: list[dict[str, dict[str, float]]]) -> Rouge:
    return Rouge(*(scores[0][name]["f"] for name in ("rouge-1", "rouge-2", "rouge-l")))


@given(WORDS_EN | st.text("ab. \t", min_size=1), WORDS_EN | st.text("ab. \t", min_size=1))
@settings(max_examples=400, deadline=None)
def test_english_is_the_packages(hypothesis: str, reference: str) -> None:
    try:
        expected = of_package(package.Rouge().get_scores(hypothesis, reference))
    except ValueError:
        with pytest.raises(ValueError, match="no words"):
            rouge(hypothesis, reference)
        return
    assert tuple(rouge(hypothesis, reference)) == pytest.approx(tuple(expected), abs=1e-9)


@given(WORDS_ZH | st.text("甲。”？…. \n", min_size=1), WORDS_ZH | st.text("甲。”？…. \n", min_size=1))
@settings(max_examples=400, deadline=None)
def test_chinese_is_the_packages(hypothesis: str, reference: str) -> None:
    try:
        expected = of_package(package_zh.Rouge().get_scores(hypothesis, reference))
    except ValueError:
        with pytest.raises(ValueError, match="no words"):
            rouge_chinese(hypothesis, reference)
        return
    assert tuple(rouge_chinese(hypothesis, reference)) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize(("said", "gold"), [
    ("银河公司以300万元收购了蓝鲸科技；银河公司拒绝评论。", "银河公司收购蓝鲸科技，价格为300万元。银河公司没有评论。"),
    ("(远山,主演,王白)\n(远山,主演,李青)", "(远山,主演,李青)\n(远山,导演,陈默)"),
    ("他去了北京。", "她去过南京！"),
])
def test_chinese_words_are_jiebas(said: str, gold: str) -> None:
    cut = [" ".join(jieba.cut(text)) for text in (said, gold)]
    expected = of_package(package_zh.Rouge().get_scores(*cut))
    assert rouge_of(said, gold, "zh") == pytest.approx(tuple(expected), abs=1e-9)
    assert [" ".join(words_of()(text)) for text in (said, gold)] == cut


def test_english_is_made_plain_first() -> None:
    said, gold = "The (cat, person) -- sat_on a 'mat'.", "cat person sat on MAT"
    assert rouge_of(said, gold, "en") == pytest.approx(of_package(package.Rouge().get_scores(
        "cat person sat on mat", "cat person sat on mat")), abs=1e-9)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_texts_without_words(language: str) -> None:
    assert rouge_of("", " \n", language) == (1, 1, 1)
    assert rouge_of("", "甲 cat", language) == rouge_of("甲 cat", "", language) == (0, 0, 0)
    # The package would raise ValueError here.
    assert rouge_of("the ...", "a", "en") == (1, 1, 1) and rouge_of("the", "cat", "en") == (0, 0, 0)


def test_characters_instead_of_words() -> None:
    assert rouge_of("他去了北京", "他去北京", "zh", list) == pytest.approx(of_package(
        package_zh.Rouge().get_scores("他 去 了 北 京", "他 去 北 京")), abs=1e-9)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20, unique=True),
       st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20, unique=True))
@settings(max_examples=100, deadline=None)
def test_without_repeats_it_is_rouge_score_too(said: list[str], gold: list[str]) -> None:
    # That package counts repeats, and has no 1e-8.
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rouge1", "rouge2", "rougeL"])
    scores = scorer.score(" ".join(gold), " ".join(said))
    expected = [scores[name].fmeasure for name in ("rouge1", "rouge2", "rougeL")]
    assert tuple(rouge(" ".join(said), " ".join(gold))) == pytest.approx(expected, abs=1e-7)


def test_long_texts_take_no_time() -> None:
    said, gold = (" ".join(str(n * k % 997) for n in range(3_000)) for k in (7, 11))
    start = time.perf_counter()
    rouge(said, gold)
    rouge_chinese(said, gold)
    assert time.perf_counter() - start < 2  # the packages fill a table of nine million cells in Python


def test_without_jieba(monkeypatch: pytest.MonkeyPatch) -> None:
    words_of.cache_clear()
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(MissingDependency, match=r"iepile\[rouge\]"):
        rouge_of("甲", "乙", "zh")
    assert rouge_of("a cat", "cat", "en").rouge_1 > 0.99
