"""Schemas as one types them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.schema import Schema
from iepile.schema_text import schema_of_text


def test_labels_with_commas_of_any_kind() -> None:
    assert schema_of_text("人物，地点、 组织,x").entity_names == ("人物", "地点", "组织", "x")
    assert schema_of_text("person\nplace of birth\n").entity_names == ("person", "place of birth")


def test_the_task_tells_what_labels_are() -> None:
    assert schema_of_text("born in, works for", "RE") == Schema.of_relations("born in", "works for")
    assert schema_of_text("wedding, election", "EET") == Schema.of_events({"wedding": [], "election": []})
    assert schema_of_text("person_born in_place", "SPO") == Schema.of_signatures([("person", "born in", "place")])


def test_roles_stand_in_brackets() -> None:
    wanted = Schema.of_events({"wedding": ["time", "place"], "fall": []})
    assert schema_of_text("wedding(time, place), fall()") == wanted
    assert schema_of_text("events: wedding（time、place）， fall") == wanted


def test_kinds_side_by_side() -> None:
    found = schema_of_text("person, city; relations: born in; 事件：婚礼（时间）; entities: 组织")
    assert found == (Schema.of_entities("person", "city", "组织") + Schema.of_relations("born in")
                     + Schema.of_events({"婚礼": ["时间"]}))


@pytest.mark.parametrize(("text", "task", "message"), [
    ("", None, "no label"), (" ,;，", None, "no label"), ("a, b, a", None, "'a' stands there twice"),
    ("a(b", None, "bracket too many"), ("a)b", None, "bracket too few"), ("(x)", None, "no label with roles"),
    ("f(x)", "RE", "has roles"), ("relations: f(x)", None, "has roles"), ("f(x)y", None, "no label with roles"),
])
def test_what_is_no_list_of_labels(text: str, task: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message) as e:
        schema_of_text(text, task)
    assert e.value.field == "schema" and e.value.expected


LETTERS = st.characters(blacklist_characters=",，、;；()（）:：\n", blacklist_categories=("Cs", "Cc", "Z"))
NAMES = st.lists(st.text(LETTERS, min_size=1, max_size=8), min_size=1, max_size=6, unique=True)


@given(NAMES, st.sampled_from([", ", "，", "、", ","]))
def test_any_names_come_back(names: list[str], comma: str) -> None:
    assert schema_of_text(comma.join(names)) == Schema.of_entities(*names)


@given(st.text(max_size=40))
def test_never_anything_but_a_schema_or_an_error_of_ours(text: str) -> None:
    try:
        found = schema_of_text(text)
    except InputError:
        return
    assert found.entities or found.relations or found.events
