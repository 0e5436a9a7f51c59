"""EET: triggers only; what has none is not stated."""

from __future__ import annotations

from iepile.records import Argument, Event, Facts, Span
from iepile.schema import EventType, Role, Schema
from iepile.tasks import Item, get_task

EET = get_task("EET")


def test_triggers_by_place_and_none_where_there_is_none() -> None:
    facts = Facts(events=(Event("fall", Span("fell")), Event("fall", None, (Argument("r", Span("x")),)),
                          Event("fall", Span("drop")), Event("fall", Span("fell")), Event("fire", Span("NAN"))))
    assert EET.answer(facts, [Item("fall"), Item("fire")], "drop, fell") == {"fall": ["drop", "fell"], "fire": []}
    assert [e.trigger for e in EET.canonical(facts).events] == [Span("fell"), Span("drop")]
    assert EET.about(facts, [Item("fire")]) == Facts()
    keys = [("fall", ("fall", "fell")), ("fall", ("fall", "drop"))]
    assert EET.keys(EET.canonical(facts)) == {"trigger": keys, "trigger-class": keys,
                                              "trigger-id": [("", "fell"), ("", "drop")]}
    read = EET.parse('{"fall": ["fell", "NAN", "", 5]}', [Item("fall")])
    assert read.facts.events == (Event("fall", Span("fell")),)
    assert [p.kind for p in read.problems] == ["wrong form"]


def test_items_and_descriptions() -> None:
    schema = Schema(events=(EventType("fall", (Role("who"),), "something falls"), EventType("fire")))
    assert EET.items(schema) == (Item("fall"), Item("fire"))
    assert EET.questions(EET.items(schema), schema) == {"fall": "something falls", "fire": ""}
    assert EET.questions([Item("fire")], schema) == ["fire"]


def test_label_rows_are_whole_events() -> None:
    facts = Facts(events=(Event("fall", Span("fell"), (Argument("who", Span("x")),)),))
    assert EET.label_rows(facts) == [
        {"event_trigger": "fell", "event_type": "fall", "arguments": [{"argument": "x", "role": "who"}]}]
    assert EET.read_label_rows(EET.label_rows(facts)) == facts
