"""Schemas of requests: names, lists, objects; never a path, never endless."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.schema import Schema
from iepile.service.refusals import NotFound
from iepile.service.schemas import Schemas, about, counts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Schema.of_entities("person", "place").write(tmp_path / "people.yaml")
    (tmp_path / "news.json").write_text('{"events": {"wedding": ["time", "place"]}}')
    (tmp_path / "notes.txt").write_text("not a schema")
    (tmp_path / ".hidden.json").write_text("not a schema")
    return tmp_path


def test_names_are_those_of_files_and_the_ready_ones(folder: Path) -> None:
    schemas = Schemas(str(folder))
    assert schemas.names()[:2] == ["news", "people"] and "instructie:人物" in schemas.names()
    assert schemas["people"] == schemas.of("people") == schemas.of(" people ") == Schema.of_entities("person", "place")
    for name in ("instructie:Person", "instructie:zh", "instructie:人物,事件"):
        assert schemas.of(name) == Schema.read(name), name
    with pytest.raises(NotFound, match="did you mean people"):
        schemas["peple"]


def test_a_schema_is_a_list_of_labels_or_an_object() -> None:
    schemas = Schemas()
    assert schemas.of("person, place") == Schema.of_entities("person", "place")
    assert schemas.of("works for", "RE") == Schema.of_relations("works for")
    assert schemas.of(["person", "place"]) == Schema.of_entities("person", "place")
    assert schemas.of(["works for"], "re") == Schema.of_relations("works for")
    assert schemas.of("wedding(time)") == Schema.of_events({"wedding": ["time"]})
    assert schemas.of({"relations": {"a": {"domain": ["x"]}}}).relations[0].domain == ("x",)


def test_a_mistyped_name_is_not_taken_for_a_label(folder: Path) -> None:
    with pytest.raises(InputError, match="did you mean people"):
        Schemas(str(folder)).of("peoples")
    assert Schemas(str(folder)).of("peoples, places").entity_names == ("peoples", "places")


@pytest.mark.parametrize("value", [
    None, 3, True, "", "  ", {}, [], [1], {"entities": "person"}, {"entities": []}, {"labels": ["a"]},
    {"entities": {"a": {"values": {"pattern": "("}}}}, {"entities": ["a", "a"]}, "instructie:", "instructie:nowhere",
    ["x" * 501], {"events": {"e": {"roles": ["r" * 501]}}}, "y" * 501, ["x"] * 5001,
    {"entities": {f"l{n}": "" for n in range(5001)}}, "a," * 10_001, {"entities": [["a"]]},
    {"relations": {"a": {"at_most": 10**400}}} | {"more": 1}, {"events": {"e": {"roles": ["r"] * 6000}}},
])
def test_what_is_no_schema_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        Schemas().of(value)


def test_deep_nesting_is_refused() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    started = time.monotonic()
    with pytest.raises(InputError):
        Schemas().of({"entities": deep})
    assert time.monotonic() - started < 5


@given(st.text(max_size=60) | st.sampled_from(
    ["../people", "/etc/passwd", "people.yaml", "instructie:../people", "instructie:/etc/passwd", "./people", "~"]))
def test_no_string_is_a_path(text: str) -> None:
    seen: list[Any] = []

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if watching and event in ("open", "os.listdir", "os.scandir"):
            seen.append(args)

    global _AUDIT
    schemas = Schemas()
    schemas.names()  # the ready ones are read once
    watching = True
    if _AUDIT is None:
        import sys

        sys.addaudithook(lambda event, args: _AUDIT and _AUDIT(event, args))
    _AUDIT = audit
    try:
        schemas.of(text)
    except InputError:
        pass
    finally:
        watching = False
        _AUDIT = None
    assert not seen


_AUDIT: Callable[[str, tuple[Any, ...]], None] | None = None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda x: st.lists(x, max_size=4) | st.dictionaries(
                        st.sampled_from(["entities", "relations", "events", "roles", "values", "pattern", "a"]), x,
                        max_size=4), max_leaves=12))
def test_whatever_comes_is_a_schema_or_refused(value: Any) -> None:
    try:
        schema = Schemas().of(value)
    except InputError:
        return
    assert sum(counts(schema).values()) and about(schema)
    assert Schema.from_dict(schema.to_dict()) == schema


def test_folders_that_cannot_be_served_are_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        Schemas(str(tmp_path / "none"))
    for name in ("a.yaml", "a.json"):
        Schema.of_entities("x").write(tmp_path / name)
    with pytest.raises(InputError, match="two schemas are called 'a'"):
        Schemas(str(tmp_path))
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(InputError) as raised:
        Schemas(str(tmp_path))
    assert raised.value.file == tmp_path / "b.json"


def test_schemas_over_http(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(schemas=str(folder))
    listed = client.get("/v1/schemas").json()
    assert listed[1] == {"name": "people", "about": "person, place",
                         "labels": {"entities": 2, "relations": 0, "events": 0, "roles": 0}}
    assert len(listed) == 28
    for entry in listed:
        found = client.get(f"/v1/schemas/{entry['name']}").json()
        assert counts(Schema.from_dict(found)) == entry["labels"]
    missing = client.get("/v1/schemas/peple")
    assert missing.status_code == 404 and missing.json()["error"]["fix"] == "did you mean people?"
    assert client.get("/v1/schemas/..%2fpeople.yaml").status_code == 404
    checked = client.post("/v1/schemas/check", json={"schema": "person, wedding(time)"}).json()
    assert checked == {"schema": {"entities": {"person": {}}, "events": {"wedding": {"roles": {"time": ""}}}},
                       "about": "person, wedding", "labels": {"entities": 1, "relations": 0, "events": 1, "roles": 1},
                       "tasks": ["NER", "EE"]}
    for body, field in (({"schema": 1}, "schema"), ({"schema": {"entities": ["a", "a"]}}, "schema.entities"),
                        ({"schema": "a", "task": "XX"}, "task"), ({"schema": "a", "x": 1}, "body")):
        answer = client.post("/v1/schemas/check", json=body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.text
