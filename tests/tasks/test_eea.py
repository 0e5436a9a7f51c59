"""EEA: the question tells all triggers, both published forms of the answer are read."""

from __future__ import annotations

import pytest

from iepile.errors import InputError
from iepile.records import Argument, Event, Facts, Span
from iepile.schema import EventType, Role, Schema
from iepile.tasks import Item, get_task

EEA = get_task("EEA")
SALE = Item("sale", ("seller", "price"))
TEXT = "A sold x for 5, B resold y for 9"
FACTS = Facts(events=(
    Event("sale", Span("resold"), (Argument("price", Span("9")), Argument("seller", Span("B")))),
    Event("sale", Span("sold"), (Argument("price", Span("5")),)),
    Event("fire", None, (Argument("place", Span("A")),)),
    Event("fire", Span("NAN")),
))


def test_only_types_present_are_asked_with_all_their_triggers_by_place() -> None:
    sale, fire = EEA.posed([Item("none"), SALE, Item("fire", ("place",))], FACTS, TEXT)
    assert sale == Item("sale", SALE.roles, ("sold", "resold"))
    assert fire == Item("fire", ("place",), ("",))
    assert EEA.question(sale) == {"event_type": "sale", "trigger": ["sold", "resold"], "arguments": ["seller", "price"]}
    assert EEA.answer(FACTS, [sale, fire], TEXT) == {
        "sale": [{"trigger": "sold", "arguments": {"seller": "NAN", "price": "5"}},
                 {"trigger": "resold", "arguments": {"seller": "B", "price": "9"}}],
        "fire": [{"trigger": "NAN", "arguments": {"place": "A"}}],
    }
    assert EEA.posed([SALE], Facts(), TEXT) == ()


def test_questions_without_triggers_are_read_and_written() -> None:
    assert EEA.question(SALE) == {"event_type": "sale", "arguments": ["seller", "price"]}
    for trigger in ([], True):
        assert EEA.item({"event_type": "sale", "trigger": trigger, "arguments": ["seller", "price"]}) == SALE
    assert EEA.item({"event_type": "sale", "trigger": "sold", "arguments": {"price": "how much"}}) == Item(
        "sale", ("price",), ("sold",))
    for bad in ([5], 5, None):
        with pytest.raises(InputError, match="no EEA question"):
            EEA.item({"event_type": "sale", "trigger": bad, "arguments": []})


def test_both_forms_of_an_answer_state_the_same() -> None:
    one = Item("sale", SALE.roles, ("sold",))
    full = EEA.parse('{"sale": [{"trigger": "sold", "arguments": {"seller": "NAN", "price": ["5", "6"]}}]}', [one])
    bare = EEA.parse('{"sale": [{"seller": "NAN", "price": ["5", "6"]}]}', [one])
    assert full.valid and bare.valid
    assert full.facts == bare.facts
    several = EEA.parse('{"sale": [{"price": "5"}, {"price": "6"}]}', [Item("sale", SALE.roles, ("sold", "resold"))])
    assert [e.trigger for e in several.facts.events] == [None, None]
    assert [label for label, _ in EEA.keys(several.facts)["argument"]] == ["sale", "sale"]
    assert EEA.parse('{"sale": [{"cost": "5"}, 5]}', [one]).problems


def test_a_role_may_be_called_trigger_or_arguments() -> None:
    item = Item("e", ("trigger", "arguments"), ("t",))
    facts = Facts(events=(Event("e", Span("t"), (Argument("arguments", Span("x")), Argument("trigger", Span("y")))),))
    read = EEA.parse(EEA.answer_text(facts, [item], ""), [item])
    assert read.valid
    assert EEA.keys(read.facts)["argument"] == EEA.keys(EEA.about(facts, [item]))["argument"][::-1]


def test_only_arguments_are_scored() -> None:
    assert EEA.groups == ("argument",)
    assert set(EEA.keys(FACTS)) == {"argument", *EEA.field_groups}


def test_descriptions_of_roles() -> None:
    schema = Schema(events=(EventType("sale", (Role("seller", "who"), Role("price"))),))
    item = Item("sale", ("price", "seller"), ("sold",))
    question = {"event_type": "sale", "trigger": ["sold"], "arguments": {"price": "", "seller": "who"}}
    assert EEA.questions([item], schema) == [question]
    assert EEA.item(question) == item
