"""The instruction string: the published bytes out, whatever people wrote in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.instruction import Instruction, read_instruction

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
