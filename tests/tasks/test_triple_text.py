"""Triples as text: written and read back whatever they hold, and read in all layouts without ever raising."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.tasks.triple_text import TripleReading, read_triples, write_triples

HOSTILE = st.text("()（），,\"'“”‘’「」『』\\\n\r\t NA无：:甲a1#{}头实体是", min_size=1, max_size=12)
PART = HOSTILE | st.text(min_size=1, max_size=20) | st.sampled_from(
    ["NAN", "1,234", "(a)", "((a))", "C:\\new", '"', "'", "\\", " 甲 ", "{'head': 'x'}", "Subject is a,Relation is b"])
TRIPLES = st.lists(st.tuples(PART, PART, PART), max_size=5)


@given(TRIPLES, st.sampled_from(["", "输入中包含的关系三元组是：\n"]))
@settings(max_examples=600)
def test_what_is_written_is_read_back(triples: list[tuple[str, str, str]], opening: str) -> None:
    expected = TripleReading([list(t) for t in triples], [])
    assert read_triples(write_triples(triples)) == expected
    if triples:
        assert read_triples(opening + write_triples(triples)).triples == expected.triples


@given(st.lists(st.tuples(*[st.text("甲a1()'#：\\“", min_size=1, max_size=6).filter(lambda p: p[0] not in "'“")] * 3)))
def test_the_known_relation_does_not_change_what_is_written(triples: list[tuple[str, str, str]]) -> None:
    relations = {r for _, r, _ in triples}
    assert read_triples(write_triples(triples), relations).triples == [list(t) for t in triples]


@pytest.mark.parametrize(("triple", "text"), [
    (("甲", "国籍", "乙"), "(甲,国籍,乙)"),
    (("甲(别名)", "O'Brien", 'say "x"'), "(甲(别名),O'Brien,say \"x\")"),
    (("甲,乙", "国籍", "2,424人"), '("甲,乙",国籍,"2,424人")'),
    (('"x"', "a\nb", " c"), '("\\"x\\"","a\\nb"," c")'),
    (("a)", "NAN", "c\\"), '("a)","NAN",c\\)'),
])
def test_quotation_marks_only_where_they_are_needed(triple: tuple[str, str, str], text: str) -> None:
    assert write_triples([triple]) == text


def test_what_is_no_triple_is_not_written() -> None:
    for bad in (["a", "b"], ["a", "", "c"], ["a", "b", "c", "d"]):
        with pytest.raises(ValueError, match="no triple"):
            write_triples([bad])


@pytest.mark.parametrize(("text", "triples"), [
    ("(a,b,c)\n(d,e,f),(g,h,i)", ["a b c", "d e f", "g h i"]),
    ("输入中包含的关系三元组是：\n(a,b,c)（d，e，f）", ["a b c", "d e f"]),
    ("( a , b , c )", ["a b c"]),
    ("（人口，数值，2,424人）", ["人口 数值 2,424人"]),
    ("(人口,数值,2,424人)", ["人口 数值 2,424人"]),
    ("(你好，世界,类型,歌曲)", ["你好，世界 类型 歌曲"]),
    ("头实体是甲,关系是国籍,尾实体是乙,丙\n头实体是丁，关系是国籍，尾实体是戊", ["甲 国籍 乙,丙", "丁 国籍 戊"]),
    ("Subject is Ada,Relation is born in,Object is Ennis, Clare", ["Ada born in Ennis, Clare"]),
    ("输入中包含的关系三元组是：\n国籍：甲,乙\n人口：丙,2,424人", ["甲 国籍 乙", "丙 人口 2,424人"]),
    ("{'head': '甲', 'relation': '国籍', 'tail': \"O'Brien\"}\n{'head': 'NAN', 'relation': '国籍', 'tail': 'NAN'}",
     ["甲 国籍 O'Brien"]),
    ("Triples (2):\n国籍：甲,乙\n职业：丙,丁", ["甲 国籍 乙", "丙 职业 丁"]),
    ('[{"head": "甲", "relation": "国籍", "tail": "a, b"}, {"subject": "c", "predicate": "d", "object": "e"}]',
     ["甲 国籍 a, b", "c d e"]),
])
def test_layouts(text: str, triples: list[str]) -> None:
    reading = read_triples(text)
    assert [" ".join(t) for t in reading.triples] == triples and reading.problems == []


@pytest.mark.parametrize(("text", "relations", "triples"), [
    ("(甲,乙,国籍,丙,丁)", ["国籍"], [["甲,乙", "国籍", "丙,丁"]]),
    ("(A, Inc.,部门, 处,丙)", ["部门, 处", "国籍"], [["A, Inc.", "部门, 处", "丙"]]),
    ("(甲,国籍,国籍,乙)", ["国籍"], []),
    ("(甲,数值,1,234,人口,5,678)", ["数值", "人口"], []),
    ("(甲,1,234,人口,5,678)", ["234", "人口"], []),
    ("(甲1,234,人口,5,678)", ["234", "人口"], [["甲1,234", "人口", "5,678"]]),
    ("国籍：双重：甲,乙", ["国籍", "国籍：双重"], [["甲", "国籍：双重", "乙"]]),
])
def test_the_relations_asked_decide(text: str, relations: list[str], triples: list[list[str]]) -> None:
    reading = read_triples(text, relations)
    assert reading.triples == triples and bool(reading.problems) != bool(triples)


@pytest.mark.parametrize("text", ["", "  ", "NAN", "NAN\nNAN", "无", "[]", "无关系。", "没有关系三元组", "Sorry, no.",
                                  "No relation found.", "输入中包含的关系三元组是：\nNAN", "国籍：NAN", "(NAN)",
                                  "头实体是NAN,关系是国籍,尾实体是NAN"])
def test_nothing_is_no_problem(text: str) -> None:
    assert read_triples(text) == TripleReading([], [])


@pytest.mark.parametrize(("text", "kind"), [
    ("I do not know", "invalid"), ("(a,b)", "wrong form"), ("(a,b,c,d)", "wrong form"), ("(a,,c)", "wrong form"),
    ("(3) triples", "wrong form"), ("国籍：甲,乙,丙", "wrong form"), ('("",a,b)', "wrong form"),
    ("{'head': 'a', 'relation': 'b'}", "wrong form"),
])
def test_what_cannot_be_read_is_told(text: str, kind: str) -> None:
    reading = read_triples(text)
    assert reading.triples == [] and [p.kind for p in reading.problems] == [kind]
    assert text.startswith(reading.problems[0].detail)


@given(HOSTILE | st.text(max_size=200), st.lists(PART, max_size=3))
@settings(max_examples=400)
def test_it_never_raises(text: str, relations: list[str]) -> None:
    for triple in read_triples(text, relations).triples:
        assert len(triple) == 3 and all(triple)


@pytest.mark.parametrize(
    "piece", ['("a', "('a',", "(", "{'head': '", "(1,234,", "国籍：", "头实体是", '"', "\\", "无", "((a,b,c),"])
def test_long_nonsense_takes_no_time(piece: str) -> None:
    read_triples(piece * 20_000, ["国籍", "234"])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("layout", range(4))
def test_the_answers_of_kg2instruction(shared: Path, language: str, layout: int) -> None:
    folder = shared / "golden" / "kg2instruction" / "expected"
    answers = {}
    for n in (0, layout):
        with (folder / f"RE_{language}_format{n}.json").open(encoding="utf-8") as f:
            answers[n] = [read_triples(json.loads(line)["output"]) for line in f]
    assert all(a.problems == [] for a in answers[layout])
    assert answers[layout] == answers[0] and sum(len(a.triples) for a in answers[0]) >= 3
