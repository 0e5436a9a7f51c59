"""SPO: types belong to the fact, the answer is keyed by predicate."""

from __future__ import annotations

import pytest

from iepile.errors import InputError
from iepile.records import Entity, Facts, Relation, Span
from iepile.schema import RelationType, Schema
from iepile.tasks import Item, get_task

SPO = get_task("SPO")
WON = Item("person_won_prize", about=("person", "won", "prize"))
WORK_WON = Item("work_won_prize", about=("work", "won", "prize"))


def won(head: str, kind: str | None, tail: str = "it") -> Relation:
    return Relation("won", Span(head), Span(tail), kind, "prize")


def test_items_are_the_signatures_of_the_schema() -> None:
    schema = Schema(relations=(
        RelationType("won", domain=("person", "work"), range=("prize",)),
        RelationType.joining("born in", [("person", "place"), ("animal", "year")]),
        RelationType("knows", domain=("person",)),
    ))
    assert [i.name for i in SPO.items(schema)] == [
        "person_won_prize", "work_won_prize", "person_born in_place", "animal_born in_year"]
    assert SPO.question(WON) == {"subject_type": "person", "predicate": "won", "object_type": "prize"}
    assert SPO.key(WON) == SPO.key(WORK_WON) == "won"


def test_types_may_hold_underscores_but_two_relations_no_one_name() -> None:
    schema = Schema.of_signatures([("birth_place", "located in", "Geo_Region")])
    (item,) = SPO.items(schema)
    assert SPO.item(SPO.question(item)) == item
    assert item.about == ("birth_place", "located in", "Geo_Region")
    clash = Schema.of_signatures([("a_b", "c", "d"), ("a", "b_c", "d")])
    with pytest.raises(InputError, match="two relations are called 'a_b_c_d'"):
        SPO.items(clash)


def test_only_relations_of_the_types_asked_are_answered() -> None:
    facts = Facts(relations=(won("Ada", "person"), won("Ode", "work")))
    assert SPO.answer(facts, [WON], "Ada Ode it") == {"won": [{"subject": "Ada", "object": "it"}]}
    assert SPO.answer(facts, [WORK_WON], "Ada Ode it") == {"won": [{"subject": "Ode", "object": "it"}]}
    assert SPO.positives(facts) == {"person_won_prize": (), "work_won_prize": ()}
    for item in (WON, WORK_WON):
        read = SPO.parse(SPO.answer_text(facts, [item], ""), [item])
        assert read.facts == SPO.about(facts, [item])


def test_types_tell_facts_apart() -> None:
    facts = Facts(relations=(won("x", "person"), won("x", "work"), won("x", "person")))
    assert len(SPO.canonical(facts).relations) == 2
    keys = SPO.keys(facts)["relation"]
    assert [label for label, _ in keys] == ["person_won_prize", "work_won_prize", "person_won_prize"]
    assert len(set(keys)) == 2


def test_a_relation_without_types_is_an_error_that_says_so() -> None:
    for bad, field in ((won("Ada", None), "relation.head_type"),
                       (Relation("won", Span("a"), Span("b"), "x"), "relation.tail_type")):
        with pytest.raises(InputError, match="'won' of") as e:
            SPO.settled(Facts(relations=(bad,)), [WON])
        assert e.value.field == field
        assert "--task RE" in (e.value.fix or "")
        assert SPO.positives(Facts(relations=(bad,))) == {}


def test_label_rows_hold_the_types() -> None:
    facts = Facts((Entity("person", Span("Ada")),), (won("Ada", "person"),))
    rows = SPO.label_rows(facts)
    assert rows == [{"head": "Ada", "head_type": "person", "relation": "won", "tail": "it", "tail_type": "prize"}]
    assert SPO.read_label_rows(rows).relations == facts.relations
    with pytest.raises(InputError, match="not a SPO annotation"):
        SPO.read_label_rows([{"head": "a", "relation": "b", "tail": "c"}])


def test_questions_have_no_place_for_descriptions() -> None:
    with pytest.raises(InputError, match="no place for descriptions"):
        SPO.questions([WON], Schema())
