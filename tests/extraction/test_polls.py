"""Polls of rows and schemas: in any order, about any piece of the text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.extraction.polls import SchemaPolls, poll_of_row, tasks_named
from iepile.instruction import Instruction, read_instruction
from iepile.instructions.wording import prompt
from iepile.jsonl import dumps
from iepile.records import Document, Entity, Span
from iepile.schema import EntityType, Schema
from iepile.tasks.task import get_task

SCHEMA = (Schema.of_entities(*"abcdefgh") + Schema.of_signatures([("p", "r", "q"), ("x", "r", "y")])
          + Schema.of_events({"e": ["r1", "r2", "r3"]}))


def test_a_row_is_asked_to_the_byte_as_it_stands() -> None:
    odd = '{"schema":  {"a": "first", "b": ""}, "instruction": "Find", "more": 1, "input": "T\\u00e9xt"}'
    text, poll = poll_of_row("NER", odd)
    assert text == "Téxt" and poll.render() == odd and [i.name for i in poll.items] == ["a", "b"]
    about = json.loads(poll.about("xt").render())  # type: ignore[union-attr]
    assert list(about.items()) == [
        ("schema", {"a": "first", "b": ""}), ("instruction", "Find"), ("more", 1), ("input", "xt")]
    orders = poll.orders(5, 0)
    assert orders[0].render() == odd and len(orders) == 2
    assert list(json.loads(orders[1].render())["schema"].items()) == [("b", ""), ("a", "first")]


def test_plain_words_are_asked_as_they_stand() -> None:
    text, poll = poll_of_row("", "Who?", "Ada came.")
    request = poll.request("k", 2)
    assert (text, poll.plain, request.task) == ("Ada came.", True, "")
    assert (request.instruction, request.input, request.sample) == ("Who?", "Ada came.", 2)


def test_orders_are_different_ones_and_the_same_for_every_text() -> None:
    _, poll = poll_of_row("NER", Instruction("F", list("abcd"), "one").render())
    _, other = poll_of_row("NER", Instruction("F", list("abcd"), "two").render())
    orders = [tuple(p.entries) for p in poll.orders(24, 3)]
    assert len(set(orders)) == 24 and orders[0] == tuple("abcd")
    assert orders == [tuple(p.entries) for p in other.orders(24, 3)]
    assert orders[:5] == [tuple(p.entries) for p in poll.orders(5, 3)] != [tuple(p.entries) for p in poll.orders(5, 4)]
    assert len(poll.orders(100, 0)) == 24


@pytest.mark.parametrize("arguments", [["r1", "r2"], {"r1": "who", "r2": "where"}])
def test_one_label_is_asked_with_its_roles_in_other_orders(arguments: Any) -> None:
    entry = {"event_type": "e", "trigger": True, "arguments": arguments}
    _, poll = poll_of_row("EE", Instruction("F", [entry], "x").render())
    first, second = poll.orders(3, 0)
    assert first.entries == [entry] and list(second.entries[0]["arguments"]) == ["r2", "r1"]
    assert second.items[0].roles == ("r2", "r1")
    _, alone = poll_of_row("NER", Instruction("F", ["a"], "x").render())
    assert alone.orders(5, 0) == [alone]


def test_triggers_that_are_told_are_those_of_the_piece() -> None:
    asked = [{"event_type": "e", "trigger": ["wed", "fell"], "arguments": ["r"]},
             {"event_type": "f", "trigger": ["rose"], "arguments": []},
             {"event_type": "g", "trigger": [""], "arguments": []}]
    _, poll = poll_of_row("EEA", Instruction("F", asked, "They wed. It fell. It rose.").render())
    piece = poll.about("They wed. ")
    assert piece is not None
    assert piece.entries == [asked[0] | {"trigger": ["wed"]}, asked[2]]
    _, told = poll_of_row("EEA", Instruction("F", asked[:2], "x").render())
    assert told.about("nothing") is None


def test_a_schema_is_asked_like_training_rows() -> None:
    polls = SchemaPolls(SCHEMA).polls("en")
    assert [(p.task, len(p.entries)) for p in polls] == [("NER", 8), ("RE", 1), ("EE", 1)]
    about = polls[0].about("Text")
    assert about is not None
    assert about.render() == Instruction(prompt("NER", "en"), list("abcdefgh"), "Text").render()
    # Two types of one predicate have one key in the answer, and are asked apart.
    assert [len(p.entries) for p in SchemaPolls(SCHEMA, ["SPO"], 4).polls("zh")] == [1, 1]
    assert [len(p.entries) for p in SchemaPolls(SCHEMA, ["NER"], 3).polls("zh")] == [3, 3, 2]


def test_descriptions_examples_and_wordings_of_ones_own() -> None:
    schema = Schema((EntityType("person", "somebody"), EntityType("place")))
    found = (Entity("place", Span("Rome", 7, 11)), Entity("person", Span("Ada", 0, 3)))
    shown = Document("Ada in Rome.", entities=found)
    polls = SchemaPolls(schema, ["NER"], None, {"en": {"NER": "Mark!"}}, True, [shown])
    fields = json.loads(polls.polls("en")[0].around("Bob").render())
    assert fields == {
        "instruction": "Mark!", "schema": {"person": "somebody", "place": ""},
        "example": [{"input": "Ada in Rome.", "output": {"person": ["Ada"], "place": ["Rome"]}}], "input": "Bob"}
    assert read_instruction(dumps(fields)).input == "Bob"


def test_what_cannot_be_asked_of_a_text() -> None:
    with pytest.raises(InputError, match="must be told"):
        SchemaPolls(SCHEMA, ["EEA"])
    with pytest.raises(InputError, match="asks in words of its own") as words:
        SchemaPolls(SCHEMA, ["TRIPLES"])
    assert "ask RE" in str(words.value.fix)
    with pytest.raises(InputError, match="unknown task"):
        tasks_named("NER, NERD")
    assert tasks_named("ner, ee,") == ("NER", "EE") and get_task("ner").name == "NER"
