"""What may fill a field of an answer: read from schema files, written back, turned into the shape of answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.schema import EntityType, EventType, RelationType, Role, Schema
from iepile.tasks.shape import MENTION, Choice, Free, ListOf, Pattern
from iepile.tasks.task import get_task
from iepile.values import DATE, NUMBER, Values, read_values, written_values

FORMS: dict[str, tuple[Any, Values]] = {
    "none": (None, Values()), "verbatim": ("verbatim", Values()), "free": ("free", Values("free")),
    "number": ("number", Values("number")), "date": ("date", Values("date")),
    "enum": (["low", "高"], Values("enum", options=("low", "高"))),
    "pattern": ({"pattern": "[A-Z]{3}"}, Values("pattern", "[A-Z]{3}")),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str) -> None:
    data, values = FORMS[form]
    assert read_values(data, "f") == values
    assert values.verbatim == (form in ("none", "verbatim"))
    if data is not None:
        assert written_values(values) == data


@pytest.mark.parametrize(("data", "message"), [
    ("dates", "does not say"), ([], "are no values"), (["a", "a"], "are no values"), ([1, 2], "are no values"),
    ({"pattern": "("}, "no regular expression"), ({"pattern": ""}, "does not say"), ({"regex": "a"}, "does not say"),
    (3, "does not say"), ([""], "are no values"),
])
def test_what_says_nothing(data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as e:
        read_values(data, "entities.x.values")
    assert e.value.field == "entities.x.values"


SCHEMA = Schema(
    (EntityType("date", values=Values("date")), EntityType("person")),
    (RelationType("age", values=Values("number"), domain=("person",), range=("number",)), RelationType("knows")),
    (EventType("sale", (Role("buyer"), Role("mood", "how it went", Values("enum", options=("good", "bad"))))),),
)


def test_a_schema_keeps_them_through_files_and_sums(tmp_path: Path) -> None:
    SCHEMA.write(tmp_path / "s.json")
    assert Schema.read(tmp_path / "s.json") == SCHEMA
    (tmp_path / "s.yaml").write_text(
        "entities:\n  date: {values: date}\nevents:\n  sale:\n    roles: {mood: {values: [good, bad]}}\n", "utf-8")
    read = Schema.read(tmp_path / "s.yaml")
    assert read.entities[0].values == Values("date") and read.events[0].roles[0].values.options == ("good", "bad")
    plain = Schema.of_entities("date", "x") + Schema.of_relations("age") + Schema.of_events({"sale": ["mood", "buyer"]})
    for both in (plain + SCHEMA, SCHEMA + plain):
        assert {e.name: e.values.kind for e in both.entities} == {"date": "date", "x": "verbatim", "person": "verbatim"}
        assert {r.name: r.values.kind for r in both.relations} == {"age": "number", "knows": "verbatim"}
        assert {r.name: r.values.kind for r in both.events[0].roles} == {"mood": "enum", "buyer": "verbatim"}


def test_tasks_say_which_fields_they_concern() -> None:
    told = {name: get_task(name).values(SCHEMA) for name in ("NER", "RE", "SPO", "KG", "EE", "EET", "EEA")}
    assert told["NER"] == {"date": Values("date")} and told["EET"] == {}
    assert told["RE"] == told["SPO"] == told["KG"] == {"age": Values("number")}
    assert told["EE"] == told["EEA"] == {"sale|mood": Values("enum", options=("good", "bad"))}


def test_the_shape_of_answers_follows() -> None:
    def shapes(name: str, node: object) -> bool:
        task = get_task(name)
        return repr(node) in repr(task.shape(task.items(SCHEMA), task.values(SCHEMA)))

    assert shapes("NER", ListOf(Pattern(DATE))) and shapes("NER", ListOf(MENTION))
    assert shapes("RE", Pattern(NUMBER)) and shapes("SPO", Pattern(NUMBER)) and shapes("KG", Pattern(NUMBER))
    assert shapes("EE", Choice(("good", "bad"))) and not shapes("EET", Free())
    for name in ("NER", "RE", "EE", "KG"):
        task = get_task(name)
        assert task.shape(task.items(SCHEMA)) == task.shape(task.items(SCHEMA), {})
        assert "Pattern" not in repr(task.shape(task.items(SCHEMA)))


@pytest.mark.parametrize(("regex", "good", "bad"), [
    (NUMBER, ("0", "-3.5", "123456789012345"), ("", "1.", "--1", "1e5")),
    (DATE, ("2024", "2024-05", "2024-05-01"), ("24", "2024-5", "2024-05-", "2024-05-012")),
])
def test_numbers_and_dates(regex: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert all(re.fullmatch(regex, g) for g in good) and not any(re.fullmatch(regex, b) for b in bad)
