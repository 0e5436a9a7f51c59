"""Shapes of answers to questions in plain words: goldens, real rows, wordings, and answers that are drawn."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.test_grammar import accepts
from gbnf_reader import GbnfReader
from iepile.errors import InputError
from iepile.extraction.grammar import complete, gbnf, lark
from iepile.tasks.shape import Text
from iepile.tasks.triple_shape import relations_of, triple_shape
from iepile.tasks.triple_text import read_triples

GUIDE = ("使用自然语言抽取三元组,已知下列句子,请从句子中抽取出可能的实体、关系,抽取实体类型为{{'专业','时间'}},"
         "关系类型为{},你可以先识别出实体再判断实体之间的关系,以(头实体,关系,尾实体)的形式回答")
LABELS = ("参加", "国家", "O'Neill's", "a b")
LAYOUTS = {
    "guide": GUIDE, "brackets": "关系列表：{}。请按照(头实体,关系,尾实体)\n的格式回答。",
    "phrases zh": "关系列表：{}，不存在就输出NAN，以头实体是,关系是,尾实体是\n的形式回答。",
    "phrases en": "The relation list: {}. Else NAN, in the Subject is,Relation is,Object is\n format.",
    "labels": "关系列表={}。不存在就输出NAN，以关系：头实体,尾实体\n的格式回答。",
    "objects": "The given relation list is {}. Answer in the {{'head':'', 'relation':'', 'tail':''}}\n format.",
    "list of objects": "关系列表是{}\n请以JSON字符串[{{'head':'', 'relation':'', 'tail':''}}, ]的格式回答。",
}
SIGNS = st.text(st.sampled_from('ab康 ,，()（）"\'“”\\\n\t\x85\x00:：;是{}'), min_size=1, max_size=12)


def test_the_example_of_the_guide() -> None:
    shape = triple_shape(GUIDE.format("{'参加','国家','获奖'}"))
    text = "2008年，弗雷泽代表澳大利亚参加北京奥运会女子水球比赛，赢得铜牌。"
    answer = "(弗雷泽,获奖,铜牌)(弗雷泽,国家,澳大利亚)(弗雷泽,参加,北京奥运会女子水球比赛)"
    assert shape is not None
    grammar = lark(shape, text)
    assert accepts(grammar, answer) and accepts(grammar, answer.replace(")(", ")\n("))
    # A question that names no word for nothing gets the one of the others, or an empty answer as older rows have it.
    assert accepts(grammar, "") and accepts(grammar, "NAN") and accepts(grammar, '("2008年，弗雷泽",获奖,"铜牌")')
    for wrong in ("(弗雷泽,奖,铜牌)", "(弗雷泽,获奖,金牌)", "(弗雷泽,获奖,)", "(,获奖,铜牌)", answer + "，", "NA",
                  "(2008年，弗雷泽,获奖,铜牌)"):
        assert not accepts(grammar, wrong), wrong
    assert complete(shape, answer[:20]) == answer[:11]


def rows(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    files = [*sorted((folder / "golden/kg2instruction/expected").glob("RE_*.json")),
             folder / "data/DeepKE_InstructKGC/old_processed_RE.json"]
    return [(f.stem, json.loads(line)) for f in files for line in f.read_text("utf-8").splitlines()]


def test_goldens_and_real_rows_are_accepted(shared: Path) -> None:
    found = rows(shared)
    assert len(found) > 20
    for name, row in found:
        shape = triple_shape(row["instruction"])
        assert shape is not None, name
        assert accepts(lark(shape, row["input"]), row["output"]), (name, row["output"])
        assert GbnfReader(gbnf(shape, row["input"])).accepts(row["output"]), name
        assert complete(shape, row["output"], ended=True) == row["output"], name


def test_other_questions_of_kg2instruction_have_none(shared: Path) -> None:
    files = [f for f in (shared / "golden/kg2instruction/expected").glob("*.json") if not f.name.startswith("RE_")]
    assert files
    for f in files:
        for line in f.read_text("utf-8").splitlines():
            assert triple_shape(json.loads(line)["instruction"]) is None


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=60)
@given(text=SIGNS, seed=st.integers(0, 2**32))
def test_what_is_drawn_reads_back_verbatim(layout: str, text: str, seed: int) -> None:
    question = LAYOUTS[layout].format(repr(list(LABELS)))
    shape = triple_shape(question)
    assert shape is not None
    try:
        reader = GbnfReader(gbnf(shape, text, most=3))
    except InputError:
        return
    answer = reader.draw(random.Random(seed))
    assert accepts(lark(shape, text, no_forcing=True), answer)
    assert complete(shape, answer, ended=True) == answer
    for known in (LABELS, ()):
        reading = read_triples(answer, known)
        assert not reading.problems
        triples = reading.triples
        assert len(triples) <= 3
        for head, relation, tail in triples:
            assert head in text and tail in text and head and tail
            assert relation in LABELS


@pytest.mark.parametrize(("question", "relations"), [
    ("关系类型为{'国籍','获奖'},以(头实体,关系,尾实体)", ("国籍", "获奖")),
    ("抽取实体类型为{'人'},关系类型为{'国籍'}", ("国籍",)),
    ("候选的关系列表：[\"it's\", '获奖']", ("it's", "获奖")),
    ("Relations: [born in, 'works for', born in]", ("born in", "works for")),
    ("关系类型有：国籍、获奖，请", ("国籍", "获奖")),
    ("relation list: []", ()),
    ("实体类型为{'人'}", None),
    ("抽取关系。实体类型：['人']", None),
    ("Extract relations.", None),
    ("关系类型为【国籍，获奖】", ("国籍", "获奖")),
    ("关系类型为{'a]b','c}'}", ("a]b", "c}")),
])
def test_relations_are_read_from_the_question(question: str, relations: tuple[str, ...] | None) -> None:
    assert relations_of(question) == relations


def test_relations_that_are_not_listed_are_any_words() -> None:
    shape = triple_shape("Extract triples as (head, relation, tail).")
    assert shape is not None
    grammar = lark(shape, "Ada met Bob")
    assert accepts(grammar, "(Ada,has met,Bob)")
    assert not accepts(grammar, "(Ada,has, met,Bob)") and not accepts(grammar, "(Ada,has met,Bo)b")


def test_brackets_and_commas_as_the_question_writes_them() -> None:
    shape = triple_shape("关系类型为{'国籍'}，以（头实体，关系，尾实体）的形式回答")
    assert shape is not None
    assert accepts(lark(shape, "甲乙"), "（甲，国籍，乙）") and not accepts(lark(shape, "甲乙"), "(甲,国籍,乙)")


@pytest.mark.parametrize("question", [
    "", "请抽取实体，以(实体,实体类型)的形式回答", "Find relations.",
    '{"instruction": "(头实体,关系,尾实体)", "schema": []}',
])
def test_questions_of_another_kind_have_no_shape(question: str) -> None:
    assert triple_shape(question) is None


def test_a_question_for_no_relation_has_one_answer() -> None:
    assert triple_shape("关系列表：[]，以(头实体,关系,尾实体)\n的格式回答") == Text("NAN")


def test_the_example_is_json_only_if_it_is() -> None:
    assert triple_shape("{relations: ['a']} (head,relation,tail)") is not None
