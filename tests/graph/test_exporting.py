"""Part of a graph, picked by what its edges are, as a graph of its own in any form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graph.forms.made import EDGES, HOSTILE, edge, kept, stored
from iepile.errors import InputError
from iepile.graph.build import KgConfig, build, graph_of
from iepile.graph.edge import Edge
from iepile.graph.exporting import ExportConfig, export
from iepile.graph.forms.form import forms
from iepile.graph.forms.jsonl import read_edges, write_edges
from iepile.graph.sameness import record, settle
from iepile.graph.store import Store

WORLD = [
    edge("Ada", "type", "person", document="a", kind="type", head_type="person", confidence=0.9),
    edge("Bob", "type", "person", document="a", kind="type", head_type="person", confidence=0.3),
    edge("Acme", "type", "company", document="b", kind="type", head_type="company", source="news"),
    edge("Ada", "spouse", "Bob", document="a", head_type="person", tail_type="person", confidence=0.9),
    edge("Ada", "founded", "Acme", document="b", head_type="person", tail_type="company", source="news",
         confidence=0.5, ungrounded=True),
    edge("Acme", "based in", "Rome", document="b", head_type="company", source="news"),
    edge("sale", "type", "deal", document="c", kind="type", head_type="deal", event="c:0"),
    edge("sale", "buyer", "Acme", document="c", kind="role", head_type="deal", tail_type="company", event="c:0",
         confidence=1.0),
]
CASES: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [0, 1, 2, 3, 4, 5, 6, 7]),
    ({"relations": ["spouse"]}, [0, 1, 3]),
    ({"relations": ["founded"]}, [0, 2, 4]),
    ({"relations": ["buyer", "spouse"]}, [0, 1, 2, 3, 6, 7]),
    ({"relations": ["founded"], "documents": ["b"]}, [2, 4]),
    ({"relations": ["spouse"], "least_confidence": 0.5}, [0, 3]),
    ({"types": ["person"]}, [0, 1, 3]),
    ({"types": ["person", "company"]}, [0, 1, 2, 3, 4]),
    ({"types": ["company", "-"]}, [2, 5]),
    ({"documents": ["a", "c"]}, [0, 1, 3, 6, 7]),
    ({"sources": ["news"]}, [2, 4, 5]),
    ({"least_confidence": 0.5}, [0, 3, 4, 7]),
    ({"least_confidence": 1.0}, [7]),
    ({"grounded": True}, [0, 1, 2, 3, 5, 6, 7]),
    ({"grounded": True, "types": ["person", "company"], "sources": ["news"]}, [2]),
    ({"relations": ["spouse"], "sources": ["news"]}, []),
]


@pytest.mark.parametrize(("asked", "numbers"), CASES)
@pytest.mark.parametrize("ending", [".jsonl", ".db"])
def test_what_is_asked_for_is_exported(tmp_path: Path, asked: dict[str, Any], numbers: list[int], ending: str) -> None:
    graph, out = stored(tmp_path / "graph.db", WORLD), tmp_path / f"out{ending}"
    summary = export(ExportConfig(str(graph), str(out), **asked))
    expected = [WORLD[n] for n in numbers]
    assert (list(read_edges(out)) if ending == ".jsonl" else kept(out)) == expected
    names = {(e.head, e.head_type) for e in expected} | {(e.tail, e.tail_type) for e in expected if e.kind != "type"}
    assert (summary.edges, summary.nodes) == (len(expected), len(names))
    assert summary.left_out == len(WORLD) - len(expected)
    assert summary.format == {".jsonl": "jsonl", ".db": "store"}[ending]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["graph.db", out.name]


def test_edges_that_do_not_tell_how_sure_they_are_are_counted(tmp_path: Path) -> None:
    graph = stored(tmp_path / "graph.db", WORLD)
    summary = export(ExportConfig(str(graph), str(tmp_path / "o.jsonl"), least_confidence=0.5, sources=["news"]))
    assert (summary.edges, summary.left_out, summary.without_confidence) == (1, 7, 2)


@pytest.mark.parametrize("form", [f for f in forms().values() if f.read], ids=lambda f: f.name)
def test_every_form_gets_the_part(tmp_path: Path, form: Any) -> None:
    out = tmp_path / f"out{form.endings[0] if form.endings else ''}"
    export(ExportConfig(str(stored(tmp_path / "graph.db", WORLD)), str(out), format=form.name, types=["person"]))
    assert list(form.read(out)) == [WORLD[n] for n in (0, 1, 3)]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_values_and_never_sql(tmp_path: Path, name: str) -> None:
    edges = [edge(name, name, name, head_type=name, tail_type=name, document=name, source=name), edge()]
    graph = stored(tmp_path / "graph.db", edges)
    for asked in ("relations", "types", "documents", "sources"):
        wanted: dict[str, Any] = {asked: [name]}
        export(ExportConfig(str(graph), str(tmp_path / f"{asked}.db"), **wanted))
        assert kept(tmp_path / f"{asked}.db") == edges[:1]
    assert kept(graph) == edges


def test_a_store_keeps_merges_flags_types_and_pruning(tmp_path: Path) -> None:
    graph = stored(tmp_path / "graph.db", [
        edge("IBM", "in", "Armonk", document="x"), edge("I.B.M.", "in", "NYC", head_type="org", document="y"),
        edge("Big Blue", "in", "Rome", document="z"), edge("Pear", "in", "Rome", document="z")])
    with Store(graph, write=True) as store:
        ids = dict(store.rows("SELECT name, id FROM node"))
        record(store, [(ids["I.B.M."], ids["IBM"], 0.9, "r", "why"), (ids["Big Blue"], ids["IBM"], 0.8, "r", "why")])
        settle(store)
        store.db.execute("INSERT INTO apart VALUES (?, ?)", (ids["IBM"], ids["Pear"]))
        store.db.executemany("INSERT INTO violation (edge, rule, reason, action) VALUES (?, 'rule', 'because', ?)",
                             [(3, "flag"), (4, "prune")])
    whole = kept(graph)
    assert [(e.head, e.head_type, e.head_mention) for e in whole] == [
        ("I.B.M.", "org", "IBM"), ("I.B.M.", "org", None), ("I.B.M.", "org", "Big Blue")]
    export(ExportConfig(str(graph), str(tmp_path / "all.db")))
    export(ExportConfig(str(graph), str(tmp_path / "part.db"), documents=["z"]))
    assert kept(tmp_path / "all.db") == whole
    assert kept(tmp_path / "part.db") == whole[2:]
    with Store(tmp_path / "part.db") as store:
        assert list(store.rows("SELECT edge, rule, action FROM violation")) == [(3, "rule", "flag")]
        assert {(n.name, n.aliases) for n in store.nodes()} == {("I.B.M.", ("IBM", "Big Blue")), ("Rome", ())}
        assert sorted(text for (text,) in store.rows("SELECT text FROM word")) == ["in"]
        assert list(store.rows("PRAGMA integrity_check")) == [("ok",)]
        assert list(store.rows("PRAGMA foreign_key_check")) == []
    content = (tmp_path / "part.db").read_bytes()
    assert b"Armonk" not in content and b"Pear" not in content and b"Big Blue" in content


def test_a_store_that_was_exported_is_added_to(tmp_path: Path) -> None:
    graph = stored(tmp_path / "graph.db", WORLD)
    export(ExportConfig(str(graph), str(tmp_path / "part.db"), documents=["a"]))
    new = edge("Eve", "knows", "Ada", document="new", head_type="person", tail_type="person")
    write_edges([new], tmp_path / "new.jsonl")
    build(KgConfig(input_file=str(tmp_path / "new.jsonl"), output_file=str(tmp_path / "part.db")))
    assert kept(tmp_path / "part.db") == [WORLD[0], WORLD[1], WORLD[3], new]


def test_hostile_edges_come_through_a_pick(tmp_path: Path) -> None:
    graph = stored(tmp_path / "graph.db", EDGES)
    export(ExportConfig(str(graph), str(tmp_path / "all.db")))
    assert kept(tmp_path / "all.db") == EDGES
    with Store(graph) as one, Store(tmp_path / "all.db") as other:
        assert list(one.nodes()) == list(other.nodes())


def test_any_graph_is_read(tmp_path: Path) -> None:
    write_edges(WORLD, tmp_path / "g.jsonl")
    export(ExportConfig(str(tmp_path / "g.jsonl"), str(tmp_path / "g.csv"), relations=["spouse"]))
    with graph_of(str(tmp_path / "g.csv")) as store:
        assert [e.relation for e in store.edges()] == ["type", "type", "spouse"]


@pytest.mark.parametrize(("asked", "said"), [
    ({"relations": ["spous"]}, "nothing in the graph has relation 'spous'\n  field:    relations\n  expected: spouse"),
    ({"relations": ["type"]}, "nothing in the graph has relation 'type'"),
    ({"types": ["person", "planet"]}, "type 'planet'"), ({"documents": ["z"]}, "document 'z'"),
    ({"sources": [""]}, "source ''"), ({"least_confidence": 80.0}, "is no probability"),
    ({"format": "xls"}, "no graph format 'xls'"), ({"graph": ""}, "not given"), ({"graph": "none.db"}, "no such file"),
    ({"output_file": "graph.db"}, "exists already"), ({"output_file": "folder"}, "the ending tells no graph format"),
    ({"output_file": "g.jsonl", "graph": "g.jsonl"}, "is an input"),
])
def test_what_cannot_be_done_is_said(tmp_path: Path, asked: dict[str, Any], said: str,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stored(tmp_path / "graph.db", WORLD)
    write_edges(WORLD, tmp_path / "g.jsonl")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(InputError) as e:
        export(ExportConfig(**({"graph": "graph.db", "output_file": "out.jsonl"} | asked)))
    assert said in str(e.value)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_nothing_is_left_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = stored(tmp_path / "graph.db", WORLD)

    def broken(store: Store) -> list[Edge]:
        raise OSError("no")

    monkeypatch.setattr(Store, "edges", broken)
    with pytest.raises(OSError, match="no"):
        export(ExportConfig(str(graph), str(tmp_path / "o.jsonl"), grounded=True))
    assert [p.name for p in tmp_path.iterdir()] == ["graph.db"]


def test_rdf_with_a_base_of_ones_own(tmp_path: Path) -> None:
    write_edges(WORLD, tmp_path / "w.jsonl")
    done = export(ExportConfig(str(tmp_path / "w.jsonl"), str(tmp_path / "w.nt"), base_iri="https://example.org/x/"))
    assert done.format == "ntriples" and "<https://example.org/x/" in (tmp_path / "w.nt").read_text("utf-8")
    with graph_of(str(tmp_path / "w.nt")) as store:
        assert list(store.edges()) == WORLD
    for target, base, message in (("w.csv", "https://example.org/", "goes with a form of RDF"), ("w.ttl", "a b", "IRI"),
                                  ("w.db", "https://example.org/", "goes with a form of RDF")):
        with pytest.raises(InputError, match=message) as e:
            export(ExportConfig(str(tmp_path / "w.jsonl"), str(tmp_path / target), base_iri=base))
        assert e.value.field == "base_iri" and not (tmp_path / target).exists()
