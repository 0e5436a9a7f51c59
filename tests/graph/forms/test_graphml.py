"""GraphML that other programs can read, whatever the names hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networkx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms.graphml import to_networkx, write_graphml
from iepile.graph.forms.jsonl import read_edges, write_edges


def edge(head: str = "Ada", relation: str = "spouse", tail: str = "Bob", **more: Any) -> Edge:
    given: dict[str, Any] = {"kind": "relation", "document": "d"} | more
    return Edge(head=head, relation=relation, tail=tail, **given)


def read(path: Path) -> Any:
    return networkx.read_graphml(path, force_multigraph=True)


EDGES = [
    edge(head_type="person", head_start=0, head_end=3, confidence=0.5, instruction="ab", model="m"),
    edge(head_type="person", head_start=9, head_end=12, relation="knows"),
    edge(head_type="ship", tail="林小雨", relation="搭载", ungrounded=True),
    edge("Ada", "type", "person", head_type="person", kind="type", head_start=0, head_end=3),
    edge("Eve", "type", "person", head_type="person", kind="type", document="e"),
    edge("wed", "type", "wedding", head_type="wedding", kind="type", event="d:1:0"),
    edge("wed", "bride", "Ada", head_type="wedding", tail_type="person", kind="role", event="d:1:0", tail_start=0),
    edge("wed", "type", "wedding", head_type="wedding", kind="type", event="d:1:1"),
]


def test_nodes_are_merged_by_type_and_name_and_events_are_not() -> None:
    graph = to_networkx(EDGES)
    nodes = [(n, d["label"], d.get("type"), d["kind"], d["mentions"]) for n, d in graph.nodes(data=True)]
    assert nodes == [
        ("n0", "Ada", "person", "entity", 2), ("n1", "Bob", None, "entity", 1), ("n2", "Ada", "ship", "entity", 1),
        ("n3", "林小雨", None, "entity", 1), ("n4", "Eve", "person", "entity", 1),
        ("n5", "wed", "wedding", "event", 1), ("n6", "wed", "wedding", "event", 1)]
    assert [(a, b, d["relation"]) for a, b, d in graph.edges(data=True)] == [
        ("n0", "n1", "spouse"), ("n0", "n1", "knows"), ("n2", "n3", "搭载"), ("n5", "n0", "bride")]
    first = graph.edges["n0", "n1", 0]
    assert first == {"relation": "spouse", "kind": "relation", "head_start": 0, "head_end": 3, "confidence": 0.5,
                     "document": "d", "instruction": "ab", "model": "m"}


def test_graphml_round_trip(tmp_path: Path) -> None:
    assert write_graphml(EDGES, tmp_path / "g.graphml") == 7
    graph, back = to_networkx(EDGES), read(tmp_path / "g.graphml")
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    assert [d for *_, d in back.edges(data=True)] == [d for *_, d in graph.edges(data=True)]
    assert "林小雨" in (tmp_path / "g.graphml").read_text("utf-8")


def test_edges_round_trip(tmp_path: Path) -> None:
    assert write_edges(EDGES, tmp_path / "e.jsonl") == len(EDGES)
    assert list(read_edges(tmp_path / "e.jsonl")) == EDGES
    (tmp_path / "e.jsonl").write_text('{"head": "a"}\n', "utf-8")
    with pytest.raises(InputError, match=r"e.jsonl:1: not an edge"):
        list(read_edges(tmp_path / "e.jsonl"))


def test_an_empty_graph(tmp_path: Path) -> None:
    assert write_graphml([], tmp_path / "g.graphml") == 0
    assert read(tmp_path / "g.graphml").number_of_nodes() == 0


@pytest.mark.parametrize(("name", "written"), [
    ("a\x00b\x1b", "a␀b␛"), ("a\rb", "a␍b"), ("\ud800", "\ufffd"), ("\ufffe\uffff", "\ufffd\ufffd"),
    ("<&>\"']]>", "<&>\"']]>"), ("  a\t\nb  ", "  a\t\nb  "), ("😀语", "😀语"), ("\x7f\x85\u2028", "\x7f\x85\u2028"),
    ("n0", "n0"), ("true", "true"), ("12", "12"),
])
def test_hostile_names(tmp_path: Path, name: str, written: str) -> None:
    write_graphml([edge(name, name, "x" + name, head_type=name, snippet=name)], tmp_path / "g.graphml")
    back = read(tmp_path / "g.graphml")
    assert back.nodes["n0"]["label"] == back.nodes["n0"]["type"] == written
    assert back.nodes["n1"]["label"] == "x" + written
    assert back.edges["n0", "n1", 0]["relation"] == back.edges["n0", "n1", 0]["snippet"] == written


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=4), st.text(max_size=6)), max_size=5))
def test_any_names_can_be_written_and_read(tmp_path: Path, names: list[tuple[str, str, str]]) -> None:
    edges = [edge(h, r, t) for h, r, t in names]
    nodes = write_graphml(edges, tmp_path / "g.graphml")
    back = read(tmp_path / "g.graphml")
    assert back.number_of_nodes() == nodes == len({n for h, _, t in names for n in (h, t)})
    assert back.number_of_edges() == len(names)
    assert all(len(d["relation"]) == len(r) for (*_, d), (_, r, _) in
               zip(back.edges(data=True), _in_graph_order(names), strict=True))


def _in_graph_order(names: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """networkx lists edges by their first node, then by their second, as these appeared."""
    seen = list(dict.fromkeys(n for h, _, t in names for n in (h, t)))
    graph = networkx.MultiDiGraph()
    graph.add_nodes_from(seen)
    for h, r, t in names:
        graph.add_edge(h, t, r=r)
    return [(h, d["r"], t) for h, t, d in graph.edges(data=True)]
