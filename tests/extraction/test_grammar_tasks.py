"""Grammars of every task: right answers pass, what is drawn is valid and verbatim, cut answers are closed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.test_grammar import TOKENIZERS, accepts, grammar_of, sample
from iepile.extraction.grammar import complete
from iepile.records import Facts
from iepile.tasks import Item, get_task, task_names
from tasks.hostile import cases

each_task = pytest.mark.parametrize("name", task_names())


@each_task
@settings(max_examples=30)
@given(data=st.data())
def test_right_answers_are_accepted(name: str, data: st.DataObject) -> None:
    task = get_task(name)
    text, items, facts = data.draw(cases(task))
    assert accepts(grammar_of(task.shape(items), text, "bytes"), task.answer_text(facts, items, text))


@each_task
@settings(max_examples=30)
@given(data=st.data(), seed=st.integers(0, 2**32), most=st.sampled_from([4, 40, 200]))
def test_whatever_is_drawn_can_be_closed_and_read(name: str, data: st.DataObject, seed: int, most: int) -> None:
    task = get_task(name)
    text, items, _ = data.draw(cases(task))
    shape = task.shape(items)
    ids = list(sample(grammar_of(shape, text, "bytes"), "bytes", random.Random(seed), most))
    written = TOKENIZERS["bytes"].decode(ids)
    if "\ufffd" in written:  # cut inside a character
        return
    answer = complete(shape, written)
    assert answer is not None
    read = task.parse(answer, items)
    assert read.valid
    assert all(s.text in text for s in read.facts.spans())


@each_task
@settings(max_examples=30)
@given(data=st.data())
def test_a_right_answer_cut_anywhere_is_closed(name: str, data: st.DataObject) -> None:
    task = get_task(name)
    text, items, facts = data.draw(cases(task))
    answer = task.answer_text(facts, items, text)
    for end in range(len(answer) + 1):
        closed = complete(task.shape(items), answer[:end])
        assert closed is not None
        assert task.parse(closed, items).valid


@pytest.mark.parametrize("name", [n for n in task_names() if not get_task(n).in_words])
def test_two_questions_of_one_key_have_one_place(name: str) -> None:
    task = get_task(name)
    item = Item("a_r_b", ("x",), ("a", "r", "b")) if name == "SPO" else Item("r", ("x",))
    answer = task.answer_text(Facts(), (item, item), "text")
    assert answer.count('"r"') == 1
    assert accepts(grammar_of(task.shape((item, item)), "text", "bytes"), answer)
    assert complete(task.shape((item, item)), answer) == answer
