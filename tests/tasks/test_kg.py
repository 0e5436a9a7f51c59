"""KG: every head under the one type it belongs to, attributes only where they have a value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iepile.records import Entity, Facts, Relation, Span
from iepile.schema import EntityType, RelationType, Schema
from iepile.tasks import Item, get_task

KG = get_task("KG")
PERSON = Item("person", ("alias", "parent", "born in"))
PLACE = Item("place", ("alias", "area"))
ITEMS = (PERSON, PLACE)


def has(head: str, attribute: str, tail: str, kind: str | None = None) -> Relation:
    return Relation(attribute, Span(head), Span(tail), kind)


def test_items_are_entity_types_with_their_own_attributes() -> None:
    schema = Schema(
        (EntityType("person"), EntityType("place"), EntityType("idea")),
        (RelationType("parent", domain=("person",)), RelationType("area", domain=("place", "lake")),
         RelationType("near", domain=("place",))))
    assert KG.items(schema) == (Item("person", ("parent",)), Item("place", ("area", "near")), Item("lake", ("area",)))
    loose = Schema((EntityType("person"),), (RelationType("knows"),))
    assert KG.items(loose) == (Item("person", ("knows",)),)


def test_values_by_place_single_or_many_and_none_left_out() -> None:
    text = "Li's father Lo, mother Fa; Lo alias L"
    facts = KG.settled(Facts(relations=(
        has("Li", "parent", "Fa"), has("Lo", "alias", "L"), has("Li", "parent", "Lo"), has("Lo", "born in", "无"),
    )), [PERSON])
    assert KG.answer(facts, [PERSON], text) == {"person": {
        "Li": {"parent": ["Lo", "Fa"]}, "Lo": {"alias": "L"}}}
    assert KG.answer(Facts(), ITEMS, text) == {"person": {}, "place": {}}


def test_a_head_is_named_even_where_none_of_its_attributes_is_asked() -> None:
    facts = KG.settled(Facts(relations=(has("Li", "parent", "Fa"),)), ITEMS)
    assert KG.value(facts, Item("person", ("alias",)), "") == {"Li": {}}
    assert KG.value(facts, PLACE, "") == {}


def test_known_types_decide_where_a_head_stands() -> None:
    entities = (Entity("place", Span("Lake Yi")), Entity("person", Span("Yi")), Entity("place", Span("Yi")))
    relations = (has("Lake Yi", "alias", "Y"), has("Jia", "alias", "J", "person"), has("X", "alias", "x", "thing"),
                 has("Jia", "area", "5", "person"), has("Yi", "parent", "Bo"), has("Yi", "unheard of", "Bo"))
    settled = KG.settled(Facts(entities, relations), ITEMS)
    assert [(r.head.text, r.head_type) for r in settled.relations] == [
        ("Lake Yi", "place"), ("Jia", "person"), ("Yi", "person")]
    assert KG.settled(settled, ITEMS) == settled
    assert KG.positives(settled) == {"place": ("alias",), "person": ("alias", "parent")}


def test_a_head_of_unknown_type_goes_where_most_of_its_attributes_are() -> None:
    relations = (has("Yi", "alias", "Y"), has("Yi", "area", "5"), has("Jia", "alias", "J"))
    settled = KG.settled(Facts(relations=relations), ITEMS)
    assert [r.head_type for r in settled.relations] == ["place", "place", "person"]


@given(st.lists(st.builds(has, st.sampled_from("abc"), st.sampled_from([*PERSON.roles, *PLACE.roles, "none"]),
                          st.sampled_from("xyz"), st.sampled_from([None, "person", "place", "other"])), max_size=8))
def test_each_fact_is_answered_once(relations: list[Relation]) -> None:
    settled = KG.settled(Facts(relations=tuple(relations)), ITEMS)
    read = KG.parse(KG.answer_text(settled, ITEMS, ""), ITEMS)
    assert read.valid
    got = [(r.head_type, r.head.text, r.type, r.tail.text) for r in read.facts.relations]
    assert sorted(got) == sorted({(r.head_type, r.head.text, r.type, r.tail.text) for r in settled.relations})
    assert set(KG.keys(settled)["relation"]) <= set(KG.keys(Facts(relations=tuple(relations)))["relation"])


def test_odd_answers() -> None:
    def kinds(answer: str) -> list[str]:
        return [p.kind for p in KG.parse(answer, [PERSON]).problems]

    assert kinds('{"person": {"Li": {"parent": "NAN", "alias": ["", "无", "nan"]}}}') == []
    assert kinds('{"person": []}') == ["wrong form"]
    assert kinds('{"person": {"Li": ["Fa"], "": {}}}') == ["wrong form"] * 2
    assert kinds('{"person": {"Li": {"area": "5", "parent": [5, {}, "Fa"]}}}') == ["not asked", *["wrong form"] * 2]
    read = KG.parse('{"person": {"Li": {"parent": [5, "Fa"]}}}', [PERSON])
    assert read.facts.relations == (has("Li", "parent", "Fa", "person"),)


def test_descriptions_of_attributes_read_back() -> None:
    schema = Schema((EntityType("person"),), (
        RelationType("alias", "another name", domain=("person",)), RelationType("parent", domain=("person",))))
    (question,) = KG.questions(KG.items(schema), schema)
    assert question == {"entity_type": "person", "attributes": {"alias": "another name", "parent": ""}}
    assert KG.item(question) == Item("person", ("alias", "parent"))
    bare = Schema((EntityType("person", "a human"),), (RelationType("alias"),))
    assert KG.questions(KG.items(bare), bare) == [{"entity_type": "person", "attributes": ["alias"]}]


def test_label_rows_name_types_only_where_they_are_known() -> None:
    facts = Facts(relations=(has("a", "alias", "b"), has("c", "alias", "d", "person")))
    rows = KG.label_rows(facts)
    assert rows == [{"head": "a", "relation": "alias", "tail": "b"},
                    {"head": "c", "head_type": "person", "relation": "alias", "tail": "d"}]
    assert KG.read_label_rows(rows) == facts
