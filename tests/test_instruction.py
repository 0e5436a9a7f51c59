"""The instruction string: the published bytes out, whatever people wrote in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.instruction import Instruction, read_instruction, text_first

text = st.text(st.characters(codec="utf-8"))


@given(text, st.lists(text), text)
def test_round_trip(prompt: str, schema: list[str], body: str) -> None:
    one = Instruction(prompt, schema, body)
    assert read_instruction(one.render()) == one
    assert one.render() == json.dumps(
        {"instruction": prompt, "schema": schema, "input": body}, ensure_ascii=False
    )


def test_labels_with_descriptions_are_labels() -> None:
    got = read_instruction('{"instruction": "p", "schema": {"a": "what a is", "b": ""}, "input": "t", "x": 1}')
    assert got == Instruction("p", ["a", "b"], "t")


@pytest.mark.parametrize(
    "bad",
    ["", "plain words", "[]", '{"instruction": "p", "schema": []}', '{"schema": [], "input": ""}',
     '{"instruction": 1, "schema": [], "input": ""}', '{"instruction": "p", "schema": "a", "input": ""}',
     '"\ud800"', '{"instruction": "p", "input": "", "schema": ' + "[" * 100_000],
)
def test_what_is_no_instruction(bad: str) -> None:
    with pytest.raises(InputError, match="not an instruction") as e:
        read_instruction(bad)
    assert e.value.field == "instruction"


def test_plain_words_are_told_what_to_do() -> None:
    with pytest.raises(InputError, match="not an instruction: plain words") as e:
        read_instruction("关系类型为{'国籍'},以(头实体,关系,尾实体)的形式回答")
    assert "TRIPLES" in str(e.value.fix)


@given(text, st.lists(text), st.lists(text), text)
def test_questions_about_one_text_begin_alike(prompt: str, one: list[str], other: list[str], body: str) -> None:
    first, second = (text_first(Instruction(prompt, s, body).render()) for s in (one, other))
    assert first.prefix == second.prefix and first.text == first.prefix + first.branch
    assert list(json.loads(first.text)) == ["instruction", "input", "schema"]
    assert read_instruction(first.text) == Instruction(prompt, one, body)
    assert text_first(first.text) == first


def test_text_first_keeps_descriptions_and_other_keys() -> None:
    got = text_first('{"instruction":"p","schema":{"a":"what"},"input":"t","examples":[1]}')
    assert got.prefix == '{"instruction": "p", "input": "t", "examples": [1], "schema": '
    assert got.branch == '{"a": "what"}}'


def test_text_first_wants_an_instruction() -> None:
    with pytest.raises(InputError, match="not an instruction"):
        text_first("plain words")
