"""The facts of a thing, and the way from one thing to another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.loading import Loading, Part
from iepile.graph.sameness import record, settle
from iepile.graph.search import FindConfig, PathConfig, find, path
from iepile.graph.store import Store


def edge(head: str, relation: str, tail: str, **more: Any) -> Edge:
    return Edge(head=head, relation=relation, tail=tail, **({"kind": "relation", "document": "d"} | more))


EDGES = [
    edge("Ada", "spouse", "Bob", head_type="person", confidence=0.9),
    edge("Bob", "born in", "Rome", tail_type="place", confidence=0.4, document="e", source="s"),
    edge("Rome", "in", "Italy", head_type="place"),
    edge("Ada", "type", "person", kind="type", head_type="person"),
    edge("wed", "bride", "Ada", kind="role", head_type="wedding", tail_type="person", event="1"),
    edge("100%_sure", "is", "a\\b"),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "g.db", write=True) as made:
        run = Loading(made, "in", "x")
        for n, e in enumerate(EDGES, 1):
            run.put(Part(e.document, e.source, "", n), [e])
        run.finish()
        yield made


@pytest.mark.parametrize(("wanted", "found"), [
    ({"name": "Ada"}, [0, 4]), ({"name": "Rome"}, [1, 2]), ({"head": "Rome"}, [2]), ({"tail": "Rome"}, [1]),
    ({"relation": "spouse"}, [0]), ({"type": "place"}, [1, 2]), ({"document": "e"}, [1]), ({"source": "s"}, [1]),
    ({"least_confidence": 0.5}, [0]), ({"name": "*o*"}, [0, 1, 2]), ({"name": "100%_sure"}, [5]),
    ({"name": "*%_*"}, [5]),
    ({"name": "*\\*"}, [5]), ({"name": "' OR 1=1 --"}, []), ({"name": "*'*"}, []), ({"limit": 2}, [0, 1]),
    ({"limit": 0}, [0, 1, 2, 4, 5]), ({"name": "Ada", "relation": "bride"}, [4]),
])
def test_finding(store: Store, wanted: dict[str, Any], found: list[int]) -> None:
    assert list(find(store, FindConfig(**wanted))) == [EDGES[n] for n in found]


def test_a_thing_answers_to_the_names_merged_into_it(store: Store) -> None:
    names = {name: id_ for id_, name in store.rows("SELECT id, name FROM node")}
    record(store, [(names["Bob"], names["Italy"], 1.0, "by hand", "")])
    settle(store)
    assert [(e.head, e.head_mention) for e in find(store, FindConfig(name="Bob", relation="born in"))] == [
        ("Italy", "Bob")]
    assert len(list(find(store, FindConfig(name="Italy")))) == 3
    with pytest.raises(InputError, match="0 or more"):
        find(store, FindConfig(limit=-1))


def test_ways(store: Store) -> None:
    def way(start: str, end: str, **more: Any) -> list[tuple[str, bool]]:
        return [(s.edge.relation, s.forwards) for s in path(store, PathConfig("", start, end, **more))]

    assert way("Ada", "Italy") == [("spouse", True), ("born in", True), ("in", True)]
    assert way("Italy", "wed") == [("in", False), ("born in", False), ("spouse", False), ("bride", False)]
    assert way("Ada", "Ada") == []
    for start, end, more, message in (("Ada", "Italy", {"most": 2}, "no way"), ("Ada", "100%_sure", {}, "no way"),
                                      ("Zoe", "Ada", {}, "nothing is named 'Zoe'"), ("Ada", "", {}, "not given")):
        with pytest.raises(InputError, match=message):
            way(start, end, **more)


def test_what_was_pruned_is_no_way(store: Store) -> None:
    store.db.execute("INSERT INTO violation (edge, rule, reason, action) VALUES (3, 'range', '', 'prune')")
    with pytest.raises(InputError, match="no way"):
        path(store, PathConfig("", "Ada", "Italy"))
    assert not list(find(store, FindConfig(relation="in")))


def test_the_shortest_of_two_ways(tmp_path: Path) -> None:
    with Store(tmp_path / "h.db", write=True) as made:
        run = Loading(made, "in", "x")
        run.put(Part("d", None, "", 1), [edge("a", "1", "b"), edge("b", "2", "c"), edge("c", "3", "d"),
                                         edge("a", "4", "x"), edge("x", "5", "d")])
        run.finish()
        assert [s.edge.relation for s in path(made, PathConfig("", "a", "d"))] == ["4", "5"]
