"""Schema files as data sets publish them, and the three lines of every task."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.errors import InputError
from iepile.schema import Schema
from iepile.tasks import get_task

DUEE = [{"event_type": "fall", "role_list": [{"role": "who"}, {"role": "when"}], "id": "1", "class": "x"},
        {"event_type": "fire", "role_list": []}]
DUIE = [{"subject_type": "film", "predicate": "director", "object_type": {"@value": "person"}},
        {"subject_type": "film", "predicate": "award", "object_type": {"@value": "prize", "inWork": "film"}},
        {"subject_type": "person", "predicate": "award", "object_type": "prize"}]


def put(folder: Path, text: str) -> Path:
    path = folder / "schema.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["lines", "array", "pretty", "one"])
def test_a_data_sets_own_file(tmp_path: Path, form: str) -> None:
    def text(rows: list[dict[str, object]]) -> str:
        if form == "lines":
            return "".join(json.dumps(r) + "\n" for r in rows)
        return json.dumps(rows[0]) if form == "one" else json.dumps(rows, indent=1 if form == "pretty" else None)

    events = Schema.read(put(tmp_path, text(DUEE)))  # type: ignore[arg-type]
    relations = Schema.read(put(tmp_path, text(DUIE)), "SPO")  # type: ignore[arg-type]
    got = {e.name: e.role_names for e in events.events}
    assert got == {"fall": ("who", "when")} | ({} if form == "one" else {"fire": ()})
    names = [i.name for i in get_task("SPO").items(relations)]
    assert names == (["film_director_person"] if form == "one" else
                     ["film_director_person", "film_award_prize", "person_award_prize"])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"event_type": 5, "role_list": []}], "event_type is 5"),
        ([{"event_type": "a", "role_list": {}}], "role_list is not a list"),
        ([{"event_type": "a", "role_list": [{"name": "r"}]}], "role is None"),
        ([{"subject_type": "a", "predicate": "b"}], "object_type is None"),
        ([{"subject_type": "a", "predicate": " ", "object_type": "c"}], "predicate is ' '"),
    ],
)
def test_a_faulty_one(tmp_path: Path, rows: list[dict[str, object]], words: str) -> None:
    path = put(tmp_path, json.dumps(rows))
    with pytest.raises(InputError, match=words) as e:
        Schema.read(path)
    assert e.value.file == path


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    lines = [*map(json.dumps, DUEE), json.dumps(DUEE[0]), "{"]
    with pytest.raises(InputError, match="not JSON") as e:
        Schema.read(put(tmp_path, "\n".join(lines)))
    assert e.value.line == 4


def test_three_lines_of_kg(tmp_path: Path) -> None:
    by_type = '{"person": ["age"], "dog": ["age"]}'
    schema = Schema.read(put(tmp_path, f'["person_alias_name"]\n["alias", "age"]\n{by_type}\n'), "KG")
    assert [(i.name, i.roles) for i in get_task("KG").items(schema)] == [("person", ("age",)), ("dog", ("age",))]
    # Without the third line, the first names types and attributes.
    schema = Schema.read(put(tmp_path, '["person_alias_name"]\n["alias"]\n{}\n'), "KG")
    assert [(i.name, i.roles) for i in get_task("KG").items(schema)] == [
        ("person", ("alias",))]
    for text, line in (('["x"]\n[]\n{}\n', 1), ('[]\n[]\n{"a": ["b", "b"]}\n', 3)):
        with pytest.raises(InputError) as e:
            Schema.read(put(tmp_path, text), "KG")
        assert e.value.line == line


@pytest.mark.parametrize("task", ["SPO", "KG", "EE", "EET", "EEA"])
def test_the_published_three_lines(shared: Path, tmp_path: Path, task: str) -> None:
    path = shared / "data" / "DeepKE_InstructKGC" / task / "schema.json"
    first, second, third = (json.loads(line) for line in path.read_text("utf-8").splitlines()[:3])
    items = get_task(task).items(Schema.read(path, task))
    if task == "KG":
        assert {i.name: list(i.roles) for i in items} == third
    else:
        assert sorted(i.name for i in items) == sorted(first)
        assert task != "SPO" or {i.about[1] for i in items} == set(second)
        assert task not in ("EE", "EEA") or {i.name: list(i.roles) for i in items} == {t: third[t] for t in third}
    again = put(tmp_path, Schema.read(path, task).three_lines(task))
    assert get_task(task).items(Schema.read(again, task)) == items


@pytest.mark.parametrize(("file", "task", "least"), [
    ("DuEE1.0/duee_event_schema.json", "EE", 65), ("DuEE-fin/duee_fin_event_schema.json", "EE", 13),
    ("DuIE2.0/duie_schema.json", "SPO", 48), ("CMeIE/53_schemas.json", "SPO", 53),
])
def test_the_files_of_the_data_sets(shared: Path, file: str, task: str, least: int) -> None:
    assert len(get_task(task).items(Schema.read(shared / "data" / file))) >= least
