"""Questions that ask to complete missing triples: mentions need not be in the text then, and only then."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.test_grammar import accepts
from gbnf_reader import GbnfReader
from iepile.extraction.grammar import complete, gbnf, lark
from iepile.instructions.completion_question import completing
from iepile.instructions.triple_question import Style, answer, styled_question, styles
from iepile.instructions.wording import prompt
from iepile.tasks.shape import Shape
from iepile.tasks.triple_shape import LONGEST, asks_to_complete, triple_shape
from iepile.tasks.triple_text import read_triples

RELATIONS = ("国籍", "knows")
TEXT = "弗雷泽来自澳大利亚。"
GUIDE = "关系类型为{'国籍','knows'},以(头实体,关系,尾实体)的形式回答"
STYLES = [(lang, layout) for lang in ("zh", "en") for layout in range(4)]
MENTION = st.text(st.sampled_from('ab康 ,，()（）"\'“”\\\n：:是{}'), min_size=1, max_size=12).filter(
    lambda m: m == m.strip() and m != "NAN")


def shape_of(question: str) -> Shape:
    shape = triple_shape(question)
    assert shape is not None
    return shape


def test_only_the_question_that_asks_for_it_is_let_out_of_the_text() -> None:
    inside, outside = "(弗雷泽,国籍,澳大利亚)", "(弗雷泽,国籍,澳大利亚)(国家队,国籍,澳大利亚)"
    plain, free = (lark(shape_of(q), TEXT) for q in (GUIDE, completing(GUIDE, "zh")))
    assert accepts(plain, inside) and not accepts(plain, outside)
    assert accepts(free, inside) and accepts(free, outside) and accepts(free, '("a,b",knows,"c(d")')
    # The relations stay those of the question, and the form stays the form.
    for wrong in ("(国家队,夺得,冠军)", "(国家队,国籍)", "(,国籍,冠军)", "(a,国籍,b", "(国家队,国籍,冠军)。",
                  "( a,国籍,b)", f"({'a' * (LONGEST + 1)},国籍,b)"):
        assert not accepts(free, wrong), wrong
    assert accepts(free, "NAN")


def test_half_an_answer_is_closed() -> None:
    shape = shape_of(completing(GUIDE, "zh"))
    assert complete(shape, "(国家队,国籍,冠军)(国家") == "(国家队,国籍,冠军)"
    assert complete(shape, "(国家队,国籍,冠军)( ") is None


@pytest.mark.parametrize(("language", "layout"), STYLES)
@given(st.lists(st.tuples(MENTION, st.sampled_from(RELATIONS), MENTION), min_size=1, max_size=3, unique=True))
@settings(max_examples=15)
def test_every_layout_takes_every_triple(language: str, layout: int, triples: list[tuple[str, str, str]]) -> None:
    style = Style(3, layout)
    said = answer(triples, style, language, RELATIONS)
    if said is None:
        return
    question = completing(styled_question(style, language, RELATIONS), language)
    shape = shape_of(question)
    assert accepts(lark(shape, TEXT), said), said
    assert GbnfReader(gbnf(shape, TEXT)).accepts(said), said
    assert list(map(tuple, read_triples(said, RELATIONS).triples)) == triples


@pytest.mark.parametrize(("language", "layout"), STYLES)
def test_what_is_drawn_can_be_read(language: str, layout: int) -> None:
    shape = shape_of(completing(styled_question(Style(0, layout), language, RELATIONS), language))
    drawn, read = GbnfReader(gbnf(shape, TEXT)), 0
    for seed in range(15):
        said = drawn.draw(random.Random(seed))
        assert complete(shape, said, ended=True) == said
        reading = read_triples(said, RELATIONS)
        assert all(relation in RELATIONS for _, relation, _ in reading.triples), said
        read += len(reading.triples)
    assert read > 0


@pytest.mark.parametrize("question", [
    "请补全缺失的三元组。", "抽取三元组,并补齐缺少的。", "抽取并补充文中缺失的三元组。",
    "Complete the missing triples.", "Extract triples, completing what is missing.", "Fill in missing facts.",
    "You may also fill in the missing ones."])
def test_own_words_are_understood(question: str) -> None:
    assert asks_to_complete(question)


def test_no_other_question_is_taken_for_one(shared: Path) -> None:
    questions = ["关系类型为{'补全','complete the missing'},以(头实体,关系,尾实体)的形式回答", "请给出完整的三元组。",
                 "Write complete triples. If one is missing, write NAN."]
    for language in ("zh", "en"):
        questions += styles(language).wordings
        questions += [prompt(task, language) for task in ("NER", "RE", "EE", "KG", "TRIPLES")]
    for file in sorted((shared / "golden/kg2instruction/expected").glob("*.json")):
        questions += [r["instruction"] for r in map(json.loads, file.read_text("utf-8").splitlines())]
    assert len(questions) > 100
    for question in questions:
        assert not asks_to_complete(question), question
