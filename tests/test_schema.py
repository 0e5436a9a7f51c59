"""Every schema file people have reads to the same thing; what cannot be meant is named by line and field."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.schema import EntityType, EventType, RelationType, Role, Schema

EVENTS = {"裁员": ["公司", "人数"], "收购": ["收购方"]}
THREE = {
    "NER": '["人物", "地点"]\n[]\n{}\n',
    "RE": '[]\n["导演"]\n{}\n',
    "EE": json.dumps(["裁员", "收购"], ensure_ascii=False)
    + '\n["公司"]\n'
    + json.dumps(EVENTS, ensure_ascii=False)
    + "\n",
}
WANT = {
    "NER": Schema.of_entities("人物", "地点"),
    "RE": Schema.of_relations("导演"),
    "EE": Schema.of_events(EVENTS),
}


def read(folder: Path, text: str | bytes, name: str = "schema.json", task: str | None = None) -> Schema:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Schema.read(path, task)


@pytest.mark.parametrize("task", THREE)
@pytest.mark.parametrize("named", [True, False, "lower"])
def test_three_lines(tmp_path: Path, task: str, named: bool | str) -> None:
    given_task = task.lower() if named == "lower" else task if named else None
    assert read(tmp_path, THREE[task], task=given_task) == WANT[task]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + THREE["NER"],
        THREE["NER"].replace("\n", "\r\n"),
        "\n" + THREE["NER"].replace("\n", "\n\n"),
        THREE["NER"].rstrip("\n"),
        THREE["NER"] + "what follows is ignored\n",
        '["人物", "地点"]',
        json.dumps(["人物", "地点"], indent=1),
        '{"人物": "", "地点": ""}',
        json.dumps({"entities": {"人物": None, "地点": {}}}, indent=2),
        json.dumps({"entities": [{"name": "人物"}, "地点"]}),
    ],
    ids=["bom", "crlf", "blank", "no end", "more", "list", "pretty list", "dict", "ours", "objects"],
)
def test_forms_of_one_schema(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text, task="NER") == WANT["NER"]


def test_a_pretty_list_of_one_label_is_not_three_lines(tmp_path: Path) -> None:
    assert read(tmp_path, '[\n"a"\n]\n', task="RE") == Schema.of_relations("a")


def test_line_separators_inside_a_label(tmp_path: Path) -> None:
    assert read(tmp_path, '["a\u2028b\x85"]\n[]\n{}\n').entity_names == ("a\u2028b\x85",)


def test_compressed(tmp_path: Path) -> None:
    assert read(tmp_path, gzip.compress(THREE["RE"].encode()), "s.json.gz") == WANT["RE"]
    with pytest.raises(InputError, match="to its end"):
        read(tmp_path, gzip.compress(THREE["RE"].encode())[:-9], "s.json.gz")


YAML = """
entities:
  person: a human being
  place: {description: where, examples: [Paris, Rome]}
relations:
  born in: {domain: person, range: [place], description: birth}
  married to:
events:
  attack:
    description: violence
    roles: {attacker: who did it, victim: }
  meeting: [host, guest]
  quiet:
"""


def test_our_yaml(tmp_path: Path) -> None:
    schema = read(tmp_path, YAML, "s.yaml")
    assert schema == Schema(
        (EntityType("person", "a human being"), EntityType("place", "where", ("Paris", "Rome"))),
        (RelationType("born in", "birth", (), ("person",), ("place",)), RelationType("married to")),
        (
            EventType("attack", (Role("attacker", "who did it"), Role("victim")), "violence"),
            EventType("meeting", (Role("host"), Role("guest"))),
            EventType("quiet"),
        ),
    )
    schema.write(tmp_path / "again.json")
    assert Schema.read(tmp_path / "again.json") == schema
    schema.write(tmp_path / "again.yaml")
    assert Schema.read(tmp_path / "again.yaml") == schema


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [
        ("s.json", '["a"]\n["b"]\n', None, "2 lines"),
        ("s.json", '["a"]\n{}\n', None, "2 lines"),
        ("s.json", '["a"]\n[]\n[]\n', 3, "not a dict"),
        ("s.json", '["a"]\n{}\n{}\n', 2, "not a list"),
        ("s.json", '["a", "a"]\n[]\n{}\n', 1, "stands twice"),
        ("s.json", '[]\n["a", "a"]\n{}\n', 2, "stands twice"),
        ("s.json", '["a"]\n[]\n{"a": ["r"], "a": []}\n', 3, "stands twice"),
        ("s.json", '["a"]\n[]\n{"a": ["r", "r"]}\n', 3, "stands twice"),
        ("s.json", '["a", 5]\n[]\n{}\n', 1, "a label is 5"),
        ("s.json", '[{"x": 1}]\n[]\n{"a": []}\n', 1, "a label is None"),
        ("s.json", '["a", " "]\n[]\n{}\n', 1, "not blank"),
        ("s.json", '["a"\n[]\n{}\n', 2, "not JSON"),
        ("s.json", "", None, "empty"),
        ("s.json", '{"entities": 5}', None, "not a list or dict"),
        ("s.json", '{"entities": {"a": 5}}', None, "the description is 5"),
        ("s.json", '{"entities": {"a": {"descripton": "x"}}}', None, "descripton"),
        ("s.json", '{"entities": {"a": "", "a": ""}}', None, "stands twice"),
        ("s.json", "[" * 100_000, None, "nested"),
        ("s.yaml", "entities:\n  on: x\n", None, "in quotes"),
        ("s.yaml", "entities:\n  2024: x\n", None, "in quotes"),
        ("s.yaml", "entities: [1.5]\n", None, "in quotes"),
        ("s.yaml", "entities:\n  a: x\n  a: y\n", 2, "stands twice"),
        ("s.yaml", "entities:\n  [a]: x\n", 2, "a list"),
        ("s.yaml", "entities: [a\n", 2, "not YAML"),
        ("s.yaml", "entities:\n  2020-13-40: x\n", None, "in quotes"),
        ("s.yaml", "a: !!python/object:os.system x\n", 1, "not YAML"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, name: str, text: str, line: int | None, words: str) -> None:
    with pytest.raises(InputError, match=words) as e:
        read(tmp_path, text, name)
    assert e.value.file == tmp_path / name
    assert e.value.line == line


def test_bare_labels_need_a_task(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name the task"):
        read(tmp_path, '["a"]')
    with pytest.raises(InputError, match="not UTF-8"):
        read(tmp_path, '["人物"]'.encode("gb18030"))
    with pytest.raises(InputError, match="no such file"):
        Schema.read(tmp_path / "none.json")


labels = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1).filter(str.strip)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))


def named(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=4, unique_by=lambda x: x.name).map(tuple)


tuples = st.lists(labels, max_size=2, unique=True).map(tuple)
schemas = st.builds(
    Schema,
    named(st.builds(EntityType, labels, texts, tuples)),
    named(st.builds(RelationType, labels, texts, tuples, tuples, tuples)),
    named(st.builds(EventType, labels, named(st.builds(Role, labels, texts)), texts, tuples)),
)


@given(schemas)
def test_to_dict_and_back(schema: Schema) -> None:
    if schema != Schema():
        assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


@given(schemas, st.sampled_from(["NER", "RE", "EE"]))
def test_three_lines_and_back(tmp_path_factory: pytest.TempPathFactory, schema: Schema, task: str) -> None:
    again = read(tmp_path_factory.mktemp("s"), schema.three_lines(task), task=task)
    assert again.entity_names == (schema.entity_names if task == "NER" else ())
    assert again.relation_names == (schema.relation_names if task == "RE" else ())
    got = {e.name: e.role_names for e in again.events}
    assert got == ({e.name: e.role_names for e in schema.events} if task == "EE" else {})


@given(schemas, schemas, schemas)
def test_sum(a: Schema, b: Schema, c: Schema) -> None:
    assert a + Schema() == a == Schema() + a
    assert a + a == a
    assert (a + b) + c == a + (b + c)
    assert (a + b).entity_names == tuple(dict.fromkeys(a.entity_names + b.entity_names))
    roles = {e.name: set(e.role_names) for e in (a + b).events}
    for e in (*a.events, *b.events):
        assert roles[e.name] >= set(e.role_names)


def test_sum_keeps_the_first_words_and_widens_domains() -> None:
    a = Schema((EntityType("x"),), (RelationType("r", domain=("p",), range=("q",)), RelationType("any")))
    b = Schema(
        (EntityType("x", "second"),), (RelationType("r", domain=("o",)), RelationType("any", domain=("p",)))
    )
    both = a + b
    assert both.entities == (EntityType("x", "second"),)
    assert both.relations == (RelationType("r", domain=("p", "o")), RelationType("any"))


def test_no_three_line_form() -> None:
    with pytest.raises(InputError, match="no three-line form"):
        Schema().three_lines("XYZ")
