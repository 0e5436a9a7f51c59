"""Cypher against the embedded database: what is asked is answered, what would change or leave the graph is refused."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graph.forms.made import EDGES, HOSTILE, edge, stored
from iepile.errors import InputError
from iepile.graph import cypher as module
from iepile.graph.build import KgConfig, build
from iepile.graph.cypher import check_reading, cypher
from iepile.graph.forms.jsonl import write_edges
from iepile.graph.forms.ladybug import connected, write_ladybug
from iepile.graph.store import Store

FACTS = [
    edge(head_type="person", tail_type="person", head_start=0, head_end=3, confidence=0.5, model="m",
         snippet="Ada married Bob."),
    edge("Ada", "type", "person", head_type="person", kind="type", head_start=0, head_end=3),
    edge("Bob", "出生地", "北京", head_type="person", tail_type="place", document="e", source="news", ungrounded=True),
    edge("wed", "bride", "Ada", head_type="wedding", tail_type="person", kind="role", event="d:1:0"),
]


def ask(path: Path, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with cypher(path, query, values) as answer:
        return [tuple(row) for row in answer.rows]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(tmp_path_factory.mktemp("graph") / "graph.db", FACTS)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    with Store(stored(folder / "graph.db", EDGES)) as store:
        write_ladybug(store, folder / "graph.lbug")
    return folder / "graph.lbug"


def test_facts_events_and_mentions_are_asked(graph: Path) -> None:
    assert ask(graph, "MATCH (a:Entity)-[f:FACT {relation: $r}]->(b:Entity) RETURN a.name, b.name, f.document, "
                      "f.source, f.ungrounded, f.confidence", r="出生地") == [("Bob", "北京", "e", "news", True, None)]
    assert ask(graph, "MATCH (e:Event)-[f:FACT {kind: 'role'}]->(a) RETURN e.name, e.type, e.event, f.relation, a.name"
               ) == [("wed", "wedding", "d:1:0", "bride", "Ada")]
    assert ask(graph, "MATCH (a)-[m:MENTIONED_IN]->(d:Document) RETURN a.name, m.type, m.head_start, m.head_end, d.name"
               ) == [("Ada", "person", 0, 3, "d")]
    assert ask(graph, "MATCH (a:Entity {name: 'Ada'})-[:FACT*1..2]-(b:Entity {name: '北京'}) RETURN count(*)") == [(1,)]


def test_columns_nodes_and_relationships_come_as_plain_values(graph: Path) -> None:
    with cypher(graph, "MATCH (a {name: 'Ada'})-[f:FACT]->(b) RETURN a, f, [a.name, b.name] AS both, date('2026-01-02')"
                ) as answer:
        rows = list(answer.rows)
        assert answer.columns[:3] == ("a", "f", "both")
    node, fact, both, day = rows[0]
    assert (node["_label"], node["name"], node["type"], node["mentions"]) == ("Entity", "Ada", "person", 2)
    assert (fact["_label"], fact["snippet"], fact["model"]) == ("FACT", "Ada married Bob.", "m")
    assert "_ID" not in node and "source" not in fact
    assert (both, day) == (["Ada", "Bob"], "2026-01-02")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_found_by_value_and_change_nothing(hostile: Path, name: str) -> None:
    written = len(EDGES)
    assert name in {n for n, in ask(hostile, "MATCH (a:Entity {name: $x}) RETURN a.name", x=name)}
    assert ask(hostile, "MATCH ()-[f:FACT]->() WHERE f.relation = $x RETURN count(f) > 0", x=name) == [(True,)]
    assert ask(hostile, "MATCH ()-[f]->() RETURN count(f)") == [(written,)]


@pytest.mark.parametrize("query", [
    "CREATE (:Entity {key: 'x'})", "MERGE (:Entity {key: 'x'})", "MATCH (n) DETACH DELETE n", "DROP TABLE FACT",
    "MATCH (n:Entity) SET n.name = 'x'", "MATCH (n:Entity) REMOVE n.name", "CREATE NODE TABLE T(a STRING PRIMARY KEY)",
    "COPY (MATCH (n) RETURN n.name) TO '{out}'", "EXPORT DATABASE '{out}'", "IMPORT DATABASE '{out}'", "CHECKPOINT",
    "LOAD FROM '{out}' RETURN *", "load /* */ from '{out}' return *", "MATCH (n:Entity) LOAD FROM '{out}' RETURN *",
    "WITH 1 AS a LOAD\u180eFROM '{out}' RETURN *", "INSTALL json", "LOAD json", "LOAD EXTENSION '{out}'",
    "ATTACH '{out}' AS x (dbtype sqlite)", "CALL threads=1", "CALL `threads` = 1", "CALL spill_to_disk=true",
    "CALL READ_CSV_SERIAL('{out}') RETURN *", "CALL `READ_NPY`('{out}') RETURN *", "CALL", "MATCH (n) CALL",
    "MATCH (n) CALL read_parquet('{out}') RETURN *", "CALL project_graph_cypher('g', 'MATCH (n) RETURN n')",
    "BEGIN TRANSACTION", "RETURN 1; MATCH (n) DETACH DELETE n", "RETURN 1;;", "", "  // nothing", "RETURN 'a",
    "RETURN 1 /* ", "RETURN `a", "EXPLAIN COPY FACT FROM 'x'", "PROFILE COPY FACT FROM 'x'", "USE GRAPH x",
    "MATCH (n RETURN n", "MATCH (n:Nothing) RETURN n", "hello", "RETURN 1 // \r COPY",
])
def test_more_than_reading_is_refused(tmp_path: Path, query: str) -> None:
    graph = tmp_path / "graph.lbug"
    with Store(stored(tmp_path / "graph.db", FACTS)) as store:
        write_ladybug(store, graph)
    before, files = graph.read_bytes(), sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="query"):
        ask(graph, query.format(out=tmp_path / "out") if "{out}" in query else query)
    assert graph.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == files


@pytest.mark.parametrize("query", [
    "MATCH (n:Entity) RETURN count(n);",
    "match (n:Entity) where n.name = 'COPY; LOAD FROM x' return count(n) // ; COPY",
    "RETURN 'it\\'s; LOAD FROM x'", 'RETURN "a;b", \'"\'', "/* COPY; */ RETURN 1", "UNWIND [1, 2] AS x RETURN x",
    "CALL show_tables() RETURN *", "CALL table_info('FACT') RETURN *", "call show_functions() return name",
    "CALL SHOW_CONNECTION('FACT') RETURN *", "CALL db_version() RETURN *", "MATCH (n) RETURN n.name AS `call` LIMIT 1",
 "WITH 1 AS `load from` RETURN `load from`", "OPTIONAL MATCH (n:Event) RETURN n.name",
])
def test_reading_is_allowed(graph: Path, query: str) -> None:
    assert ask(graph, query)


TEXTS = st.text(st.sampled_from("'\"\\`/*;\n\r x"), max_size=12)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=TEXTS)
@example("'\\'';\\")
@example("\\")
@example("' //\r'")
def test_the_database_reads_quotations_as_we_do(hostile: Path, body: str) -> None:
    """What we take for one statement with a harmless text, the database never takes for two."""
    query = f"RETURN {body}"
    try:
        check_reading(query)
    except InputError:
        return
    with connected(hostile) as connection:
        try:
            result = connection.execute(query)
        except RuntimeError:
            return
    assert not isinstance(result, list)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(max_size=20) | st.integers(-2**63, 2**63 - 1) | st.booleans() | st.none()
       | st.floats(allow_nan=False, allow_infinity=False))
def test_a_value_is_bound_as_it_is(hostile: Path, value: Any) -> None:
    with connected(hostile) as connection:
        found = connection.execute("RETURN $x AS x", {"x": value}).get_all()
    assert found == [[value]]


@pytest.mark.parametrize("value", ["\ud800", 2**70])
def test_a_value_that_cannot_be_bound_is_told(graph: Path, value: Any) -> None:
    with pytest.raises(InputError, match="cannot be bound"):
        ask(graph, "RETURN $x", x=value)


@pytest.mark.parametrize(("query", "values", "told"), [
    ("RETURN $a, '$b'", {}, r"no value for \$a"), ("RETURN $a", {"a": 1, "b": 1}, r"\$b is not in the query"),
    ("RETURN '$a'", {"a": 1}, r"\$a is not in the query"),
])
def test_values_and_names_must_fit(graph: Path, query: str, values: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        ask(graph, query, **values)


def test_an_error_of_the_query_is_told_with_its_text(graph: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be asked: Binder exception: Table Person does not exist") as told:
        ask(graph, "MATCH (p:Person) RETURN p")
    assert told.value.exit_code == 2


def test_the_database_of_a_large_store_is_kept_until_the_store_changes(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE", 0)
    graph = stored(tmp_path / "graph.db", FACTS[:1])
    count = "MATCH ()-[f]->() RETURN count(f)"

    def kept() -> list[Path]:
        return sorted((tmp_path / "graph.db.cypher").iterdir())

    assert ask(graph, count) == [(1,)]
    first, = kept()
    made = first.stat().st_mtime_ns
    assert ask(graph, count) == [(1,)]
    assert kept() == [first] and first.stat().st_mtime_ns == made
    graph.unlink()
    stored(graph, FACTS)
    assert ask(graph, count) == [(4,)]
    assert len(kept()) == 1 and kept() != [first]
    with Store(graph, write=True) as store:  # same size, and the clock may stand still: SQLite counts
        state = graph.stat()
        store.db.execute("UPDATE edge SET confidence = 0.25 WHERE confidence = 0.5")
    os.utime(graph, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert graph.stat().st_size == state.st_size
    assert ask(graph, "MATCH ()-[f:FACT]->() WHERE f.confidence IS NOT NULL RETURN f.confidence") == [(0.25,)]
    assert len(kept()) == 1 and len(list(tmp_path.iterdir())) == 2


def test_nothing_is_kept_of_a_small_store_nor_where_nothing_can_be(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = stored(tmp_path / "graph.db", FACTS)
    assert ask(graph, "MATCH ()-[f]->() RETURN count(f)") == [(4,)]
    assert [p.name for p in tmp_path.iterdir()] == ["graph.db"]
    monkeypatch.setattr(module, "LARGE", 0)
    (tmp_path / "graph.db.cypher").write_text("in the way")
    assert ask(graph, "MATCH ()-[f]->() RETURN count(f)") == [(4,)]
    assert (tmp_path / "graph.db.cypher").read_text() == "in the way"


def test_other_forms_are_asked_and_leave_nothing(tmp_path: Path) -> None:
    write_edges(FACTS, tmp_path / "g.jsonl")
    assert ask(tmp_path / "g.jsonl", "MATCH (a:Entity) RETURN count(a)") == [(3,)]
    assert [p.name for p in tmp_path.iterdir()] == ["g.jsonl"]


def test_every_query_of_the_docs_has_an_answer(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    asked = [re.findall(r"```cypher\n(.*?)```", (root / f"docs/{lang}/property_graph.md").read_text("utf-8"), re.S)
             for lang in ("en", "zh")]
    assert asked[0] == asked[1] and len(asked[0]) == 6
    build(KgConfig(input_file=str(root / "examples/data/handwritten_en.jsonl"), output_file=str(tmp_path / "g.lbug")))
    answers = [ask(tmp_path / "g.lbug", query) for query in asked[0]]
    assert all(answers)
    assert ("Baltan Shipping", "Ortega Lines", "€610 million") in answers[1]
    assert answers[2] == [(["Edda Norgard", "Tessel Foods", "buy", "Marlow Grain"],
                           ["founded by", "acquired company", "acquirer"], 3)]
    assert ("Greenlock", "founded by", 2) in answers[4]


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.lbug").write_bytes(b"LBUG1" + bytes(100))
    (tmp_path / "bad.db").write_bytes(b"no database")
    for name, told in (("none.db", "no such file"), ("none.lbug", "no such file"), ("bad.lbug", "cannot be opened"),
                       ("bad.db", "is no graph")):
        with pytest.raises(InputError, match=re.escape(name) + ".*" + told):
            ask(tmp_path / name, "RETURN 1")
