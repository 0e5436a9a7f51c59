"""A graph in memory: of a store, and of edges picked from one."""

from __future__ import annotations

from pathlib import Path

import networkx

from graph.forms.made import FAMILY, stored
from iepile.graph.edge import Edge
from iepile.graph.networks import to_networkx
from iepile.graph.store import Store


def _told(graph: networkx.MultiDiGraph[str]) -> tuple[list[dict[str, object]], list[tuple[object, ...]]]:
    nodes = dict(graph.nodes(data=True))
    return sorted(nodes.values(), key=repr), sorted(
        ((nodes[a]["label"], nodes[b]["label"], d) for a, b, d in graph.edges(data=True)), key=repr)


def test_nodes_are_one_by_type_and_name_and_events_are_not() -> None:
    graph = to_networkx(FAMILY)
    assert dict(graph.nodes(data=True)) == {
        "n1": {"label": "Ada", "kind": "entity", "type": "person", "mentions": 2},
        "n2": {"label": "Bob", "kind": "entity", "mentions": 1},
        "n3": {"label": "Ada", "kind": "entity", "type": "ship", "mentions": 1},
        "n4": {"label": "林小雨", "kind": "entity", "mentions": 1},
        "n5": {"label": "Eve", "kind": "entity", "type": "person", "aliases": ["Eva"], "mentions": 1},
        "n6": {"label": "wed", "kind": "event", "type": "wedding", "event": "d:1:0", "mentions": 1},
        "n7": {"label": "wed", "kind": "event", "type": "wedding", "event": "", "mentions": 1}}
    assert [(a, b, d["relation"]) for a, b, d in graph.edges(data=True)] == [
        ("n1", "n2", "spouse"), ("n1", "n2", "knows"), ("n3", "n4", "搭载"), ("n6", "n1", "bride")]
    assert graph.edges["n1", "n2", 0] == {
        "relation": "spouse", "kind": "relation", "head_start": 0, "head_end": 3, "confidence": 0.5, "document": "d",
        "instruction": "ab", "model": "m"}


def test_a_store_and_its_edges_are_the_same_graph(tmp_path: Path) -> None:
    with Store(stored(tmp_path / "graph.db", FAMILY)) as store:
        assert _told(to_networkx(store)) == _told(to_networkx(store.edges()))
        one_document = to_networkx(store.edges("document = ?", ["e"]))
    assert [d["label"] for _, d in one_document.nodes(data=True)] == ["Eve"]


def test_nothing_is_an_empty_graph() -> None:
    none: list[Edge] = []
    assert to_networkx(none).number_of_nodes() == 0
