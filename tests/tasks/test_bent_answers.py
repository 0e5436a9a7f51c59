"""A bent answer states what the answer states: all of it when nothing was cut, else a part of it and nothing else."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks.task import Item, Task, get_task
from tasks.bent_answers import LOSING, WHOLE

EN = "Ada Lovelace met Bob O'Neil, who sold 12 ships to Acme Corp. in New York (May 1843) and left."
ZH = "张三与李四在北京成立了“华夏”公司，2020年5月该公司收购了上海分部，王五任总经理。"
WORDS = {
    EN: ["Ada Lovelace", "Bob O'Neil", "sold", "12 ships", "Acme Corp.", "New York", "May 1843", "left"],
    ZH: ["张三", "李四", "北京", "成立", "华夏", "2020年5月", "收购", "上海分部", "总经理"],
}
ITEMS = {
    "NER": (Item("person"), Item("组织机构")), "RE": (Item("met"), Item("所在地")), "EET": (Item("sale"), Item("成立")),
    "EE": (Item("sale", ("seller", "时间")), Item("成立", ("who",))), "KG": (Item("person", ("job", "城市")),),
}


@st.composite
def stated(draw: st.DrawFn, task: Task) -> tuple[str, Facts]:
    text = draw(st.sampled_from([EN, ZH]))
    span = st.builds(Span, st.sampled_from(WORDS[text]))
    label = st.sampled_from([i.name for i in ITEMS[task.name]])
    if task.name == "NER":
        facts = Facts(tuple(draw(st.lists(st.builds(Entity, label, span), max_size=5))))
    elif task.name == "RE":
        facts = Facts(relations=tuple(draw(st.lists(st.builds(Relation, label, span, span), max_size=4))))
    elif task.name == "KG":
        role = st.sampled_from(ITEMS["KG"][0].roles)
        facts = Facts(relations=tuple(draw(st.lists(st.builds(Relation, role, span, span, label), max_size=4))))
    else:
        events = []
        for item in ITEMS[task.name]:
            argument = st.builds(Argument, st.sampled_from(item.roles or ("x",)), span)
            roles = st.lists(argument, max_size=3 if item.roles else 0).map(tuple)
            events += draw(st.lists(st.builds(Event, st.just(item.name), span, roles), max_size=2))
        facts = Facts(events=tuple(events))
    return text, task.canonical(facts)


def keys(task: Task, facts: Facts) -> set[Any]:
    return {key for found in task.keys(facts).values() for key in found}


@pytest.mark.parametrize("name", sorted(ITEMS))
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_nothing_is_lost(name: str, data: st.DataObject) -> None:
    task = get_task(name)
    text, facts = data.draw(stated(task))
    answer = task.answer_text(facts, ITEMS[name], text)
    bend = data.draw(st.sampled_from(sorted(WHOLE)))
    bent = WHOLE[bend](answer, random.Random(0))
    got = task.parse(bent, ITEMS[name], text)
    assert keys(task, got.facts) == keys(task, task.parse(answer, ITEMS[name]).facts), (bend, answer)
    assert bend == "line breaks" or bent == answer or got.problems
    assert keys(task, task.parse(answer, ITEMS[name], text).facts) == keys(task, facts)


@pytest.mark.parametrize("name", sorted(ITEMS))
@settings(max_examples=120, deadline=None)
@given(data=st.data(), seed=st.integers(0, 10_000))
def test_nothing_is_made_up(name: str, data: st.DataObject, seed: int) -> None:
    task = get_task(name)
    text, facts = data.draw(stated(task))
    answer = task.answer_text(facts, ITEMS[name], text)
    wrap, bend = data.draw(st.sampled_from(["fence", "talk", "single quotes", "Chinese quotes"])), data.draw(
        st.sampled_from(["cut"] if name in ("RE", "EE", "KG") else sorted(LOSING)))
    bent = LOSING[bend](answer, random.Random(seed))
    bent = WHOLE[wrap](bent, random.Random(seed)) if bend != "cut" and wrap in ("fence", "talk") else bent
    got = task.parse(bent, ITEMS[name], text)
    if bend == "quotation mark":  # it is not known where the mention ended: then it is none of the text, and flagged
        got = replace(got, facts=Facts(tuple(e for e in got.facts.entities if e.span.text in text),
                                       events=tuple(e for e in got.facts.events if e.trigger.text in text)))
    assert keys(task, got.facts) <= keys(task, facts), (bend, bent)


HOSTILE = ["{", "[", '"', "'", "“", "”", ",", "，", ":", "：", "}", "]", "(", ")", "\\", "\n", "```", "//", "/*", "Ada",
           "person", "sale", "null", "NAN", "12", "…", "|", "-", "<think>", "</think>", "\ufeff", "\ud800", "张三"]


@pytest.mark.parametrize("name", sorted(ITEMS))
@settings(max_examples=150, deadline=None)
@given(parts=st.lists(st.sampled_from(HOSTILE), max_size=30))
def test_any_text_is_survived(name: str, parts: list[str]) -> None:
    got = get_task(name).parse("".join(parts), ITEMS[name], EN)
    for span in got.facts.spans():
        span.text.encode()
    assert got == get_task(name).parse("".join(parts), ITEMS[name], EN)


@pytest.mark.parametrize("piece", [
    '{"a', '{"person": ["Ada",', "{'", '["', '"Ada" ', "/*,", "{a: 1} ", '{"person": ["x",]} ', '"a",b ', ', "a" b',
    "person: Ada\n", "| Ada | person |\n", "(Ada, met, Bob) ", "Ada (", '{"entity": "Ada", "type": "person"}\n',
    '"Ada", ',
])
@pytest.mark.parametrize("name", ["NER", "RE"])
def test_time_grows_with_length_only(piece: str, name: str) -> None:
    opening = '{"person": [' if piece in ('"Ada", ', '"a",b ', ', "a" b', '"Ada" ') else ""
    start = time.process_time()
    get_task(name).parse(opening + piece * (300_000 // len(piece)), ITEMS[name], EN)
    assert time.process_time() - start < 4
