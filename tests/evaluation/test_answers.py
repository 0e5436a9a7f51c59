"""Reading by value gives what `Task.parse` gives, for any text."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iepile.evaluation.answers import AnswerReader, Reading
from iepile.records import Facts
from iepile.tasks.ner import NamedEntities
from iepile.tasks.task import Answer, Item, Task, get_task

ITEMS = {
    "NER": (Item("a"), Item("b")),
    "RE": (Item("a"), Item("b")),
    "EE": (Item("a", ("x", "y")), Item("b")),
}
READERS = {name: AnswerReader(get_task(name)) for name in ITEMS}
QUESTIONS = {name: READERS[name].question(items) for name, items in ITEMS.items()}

KEYS = ["subject", "object", "head", "tail", "trigger", "arguments", "x", "y", "z"]
VALUE = st.recursive(
    st.none() | st.integers(-2, 2) | st.floats() | st.text("aNA\u0000\ud800\"语", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)
ANSWER = st.dictionaries(st.sampled_from(["a", "b", "c", "\u0001"]), VALUE, max_size=3).map(json.dumps)
TAIL = st.text("]}\" \n`,", max_size=3)
BENT = st.builds(lambda text, cut, tail: text[:cut] + tail, ANSWER, st.integers(0, 60), TAIL)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(ITEMS)), ANSWER | BENT | st.text(max_size=12))
@example("NER", '{"a": ["x\u0001"], "b": []}')
@example("NER", '{"a": ["\\ud800"], "b": []}')
@example("NER", '{"a": ["x"], "a": ["y"], "b": [NaN]}')
@example("NER", '{"a": ["\\x"], "b": []}')
@example("RE", '{"a": [[[[[[]]]]]]}')
def test_the_same_as_parsing_the_whole(name: str, text: str) -> None:
    task, items = get_task(name), ITEMS[name]
    for _ in range(2):  # the second time from what was kept
        reading = READERS[name].read(text, QUESTIONS[name])
        answer = task.parse(text, items)
        assert reading.facts == answer.facts
        problems = [*reading.problems, *(p for part in reading.parts for p in part.problems)]
        assert sorted((p.kind, p.detail) for p in problems) == sorted((p.kind, p.detail) for p in answer.problems)
        for group, keys in task.keys(answer.facts).items():
            assert [key for part in reading.parts for key in part.keys[group]] == keys


def test_a_task_that_parses_its_own_way_does() -> None:
    class Own(NamedEntities):
        def parse(self, answer: str, items: object) -> Answer:
            return Answer(Facts())

    task: Task = Own()
    assert (reader := AnswerReader(task)).read('{"a": ["x"]}', reader.question(ITEMS["NER"])).facts == Facts()


def test_a_reading_has_the_facts_of_its_parts() -> None:
    assert Reading(()).facts == Facts()
    assert len(READERS["NER"].read('{"a": ["x"], "b": ["y"]}', QUESTIONS["NER"]).facts.entities) == 2


@pytest.mark.parametrize("depth", [100_000])
def test_bottomless_answers_are_survived(depth: int) -> None:
    text = '{"a": ' + "[" * depth + "]" * depth + "}"
    assert READERS["NER"].read(text, QUESTIONS["NER"]).facts == get_task("NER").parse(text, ITEMS["NER"]).facts
