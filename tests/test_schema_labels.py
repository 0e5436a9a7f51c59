"""Signatures of relations, themes, and what bare labels mean to each task."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.schema import EntityType, RelationType, Schema
from iepile.schema_labels import parse, signature

TRIPLES = [("film", "director", "person"), ("film", "award", "prize"), ("person", "award", "prize"),
           ("person", "born in", "place"), ("animal", "born in", "year")]


def triples(schema: Schema) -> set[tuple[str, str, str]]:
    return {(s, r.name, o) for r in schema.relations for s, o in r.signatures}


def test_exact_pairs_only_where_not_all_combinations_are_meant() -> None:
    schema = Schema.of_signatures(TRIPLES)
    assert triples(schema) == set(TRIPLES)
    director, award, born = schema.relations
    assert director.pairs == award.pairs == ()
    assert (award.domain, award.range) == (("film", "person"), ("prize",))
    assert born.pairs == (("person", "place"), ("animal", "year"))
    assert RelationType("any", domain=("a",)).signatures == ()


types = st.sampled_from("abcd")
signatures = st.lists(st.tuples(types, st.sampled_from(["r", "s"]), types), max_size=6)


@given(signatures, signatures, signatures)
def test_sums_mean_exactly_what_their_parts_mean(
    a: list[tuple[str, str, str]], b: list[tuple[str, str, str]], c: list[tuple[str, str, str]]
) -> None:
    x, y, z = map(Schema.of_signatures, (a, b, c))
    assert triples(x + y + z) == {*a, *b, *c}
    assert (x + y) + z == x + (y + z)
    assert x + x == x
    if a or b:
        assert Schema.from_dict(json.loads(json.dumps((x + y).to_dict()))) == x + y


def test_any_type_stays_any_type() -> None:
    exact = Schema.of_signatures([("a", "r", "b"), ("c", "r", "d")])
    loose = Schema.of_relations("r")
    assert (exact + loose).relations == (loose + exact).relations == loose.relations


def test_pairs_in_a_file_of_ours() -> None:
    schema = parse({"relations": {"born in": {"pairs": [["person", "place"], ["animal", "year"]], "description": "d"}}})
    (born,) = schema.relations
    assert born == RelationType("born in", "d", (), ("person", "animal"), ("place", "year"),
                                (("person", "place"), ("animal", "year")))
    every = parse({"relations": {"r": {"pairs": [list(p) for p in product("ab", "cd")]}}}).relations[0]
    assert every == RelationType("r", "", (), ("a", "b"), ("c", "d"))
    for bad, words in (([["a"]], "no pairs of types"), ("a", "no pairs"), ([["a", 5]], "not a list of texts")):
        with pytest.raises(InputError, match=words):
            parse({"relations": {"r": {"pairs": bad}}})
    with pytest.raises(InputError, match="domain and pairs name other types"):
        parse({"relations": {"r": {"pairs": [["a", "b"]], "domain": "z"}}})


def test_signatures_are_cut_at_the_outer_underscores() -> None:
    assert signature("birth_place_located in_Geo") == ("birth", "place_located in", "Geo")
    for bad in ("a", "a_b", "_a_b", "a_b_", "a__b"):
        with pytest.raises(InputError, match="names no relation with its types"):
            signature(bad)


@pytest.mark.parametrize("data", [["film_director_person"], {"film_director_person": "who made it"}])
def test_bare_signatures(data: object) -> None:
    for task in ("SPO", "kg"):
        (director,) = parse(data, task).relations
        assert (director.name, director.domain, director.range) == ("director", ("film",), ("person",))
        assert director.description == ("who made it" if isinstance(data, dict) else "")


THEMES = {"person": ["alias", "parent"], "place": ["alias", "area"]}


@pytest.mark.parametrize("task", ["KG", "RE", "SPO"])
def test_themes_with_their_relations(task: str) -> None:
    """InstructIE's theme files."""
    schema = parse(THEMES, task)
    assert schema.entity_names == ("person", "place")
    assert {r.name: r.domain for r in schema.relations} == {
        "alias": ("person", "place"), "parent": ("person",), "area": ("place",)}
    assert parse(THEMES, "NER") == Schema.of_entities("person", "place")
    with pytest.raises(InputError, match="name the task"):
        parse(THEMES)


def test_other_forms_of_themes() -> None:
    schema = parse({"person": {"alias": "another name", "born in": ["place", "year"], "age": None}}, "KG")
    assert schema.relations == (
        RelationType("alias", "another name", domain=("person",)),
        RelationType("born in", domain=("person",), range=("place", "year")),
        RelationType("age", domain=("person",)),
    )
    assert triples(parse({"person": ["person_alias_name", "person_born in_place"]}, "SPO")) == {
        ("person", "alias", "name"), ("person", "born in", "place")}
    assert parse({"alias": {"description": "x"}}, "RE") == Schema(relations=(RelationType("alias", "x"),))
    with pytest.raises(InputError, match="stands twice"):
        parse({"person": ["alias", "alias"]}, "KG")


def test_descriptions_by_label() -> None:
    assert parse({"a": "one", "b": None}, "NER").entities == (EntityType("a", "one"), EntityType("b"))
    assert parse({"a": "one"}, "EET").events[0].description == "one"
    assert parse({"a": "one"}, "EET").described
    assert not parse(["a"], "EET").described
    assert Schema.from_dict({"events": {"e": {"roles": {"r": "what"}}}}).described


def test_attributes_by_type() -> None:
    schema = Schema((EntityType("b"), EntityType("a")), (
        RelationType("all"), RelationType("x", domain=("a",)), RelationType("y", domain=("c",))))
    names = {t: [r.name for r in of] for t, of in schema.attributes().items()}
    assert names == {"b": ["all"], "a": ["all", "x"], "c": ["all", "y"]}


@given(signatures.filter(bool))
def test_three_lines_of_spo_and_kg(tmp_path_factory: pytest.TempPathFactory, found: list[tuple[str, str, str]]) -> None:
    path = Path(tmp_path_factory.mktemp("s")) / "schema.json"
    schema = Schema.of_signatures(found)
    path.write_text(schema.three_lines("SPO"))
    assert triples(Schema.read(path, "SPO")) == set(found)
    path.write_text(schema.three_lines("KG"))
    again = Schema.read(path, "KG")
    assert {t: {r.name for r in of} for t, of in again.attributes().items() if of} == {
        s: {r for x, r, _ in found if x == s} for s, _, _ in found}


def test_types_with_underscores_have_no_three_line_form() -> None:
    with pytest.raises(InputError, match="hold a _"):
        Schema.of_signatures([("a_b", "r", "c")]).three_lines("SPO")
