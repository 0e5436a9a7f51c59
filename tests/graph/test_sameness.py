"""Whatever comes, goes, is merged and taken back: the graph is the one that is made anew of what is left."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.entity_merging import MergeConfig, merge_graph
from iepile.graph.loading import Loading, Part, drop_part, settle_types, tidy
from iepile.graph.merge_list import MergesConfig, merges
from iepile.graph.sameness import record, settle
from iepile.graph.store import Store
from iepile.graph.unmerging import UnmergeConfig, unmerge_graph

NAMES = ["Ada Byron", "A. Byron", "Dr. Ada Byron", "Ada Byorn", "Byron", "IBM", "International Business Machines"]
ends = st.tuples(st.sampled_from(NAMES), st.sampled_from([None, "person", "org"]))
mentioned = st.one_of(st.none(), st.none(), st.none(), st.sampled_from(NAMES))
facts = st.lists(st.tuples(ends, st.sampled_from("rs"), ends, mentioned), max_size=4)
documents = st.sampled_from("abc")
steps = st.lists(st.one_of(
    st.tuples(st.just("put"), documents, facts), st.tuples(st.just("put"), documents, facts),
    st.tuples(st.just("remove"), documents), st.tuples(st.just("merge"), st.sampled_from([0.9, 0.95])),
    st.tuples(st.just("hand"), st.integers(0, 20), st.integers(0, 20)),
    st.tuples(st.just("unmerge"), st.integers(0, 20), st.one_of(st.none(), st.integers(0, 20))),
    st.tuples(st.just("all"))), max_size=12)
numbers = itertools.count()


def edges_of(document: str, of: list[Any]) -> list[Edge]:
    return [Edge(head=h, relation=r, tail=t, kind="relation", head_type=ht, tail_type=tt, document=document,
                 head_mention=mention if mention != h else None) for (h, ht), r, (t, tt), mention in of]


def put(path: Path, edges: list[Edge], run: str = "1") -> str:
    with Store(path, write=True) as store:
        loading = Loading(store, run, run)
        for n, e in enumerate(edges, 1):
            loading.put(Part(e.document, e.source, "RE", n), [e])
        loading.finish()
    return str(path)


def said(path: str) -> list[Any]:
    with Store(path) as store:
        return [sorted(map(repr, store.edges())),
                sorted((n.name, n.type or "", sorted(n.aliases), n.mentions) for n in store.nodes())]


def rows(path: str, table: str, one: str, other: str, more: str = "") -> list[tuple[Any, ...]]:
    with Store(path) as store:
        return sorted(store.rows(f"SELECT a.name, a.type, b.name, b.type{more} FROM {table} x "
                                 f"JOIN node a ON a.id = x.{one} JOIN node b ON b.id = x.{other}"), key=repr)


def by_number(path: str) -> list[tuple[str, str]]:
    with Store(path) as store:
        return [(name, type_ or "-") for name, type_ in store.rows("SELECT name, type FROM node ORDER BY name, type")]


def anew(path: Path, texts: dict[str, list[Edge]], old: str) -> str:
    """A graph made of the documents that are left, with the merges that are left."""
    graph = put(path, [e for d in sorted(texts, reverse=True) for e in texts[d]])
    merged = rows(old, "merge", "gone", "kept", ", x.score, x.rule, x.reason")
    apart = rows(old, "apart", "one", "other")
    with Store(path, write=True) as store:
        def node(name: str, type_: str | None) -> int:
            store.db.execute("INSERT OR IGNORE INTO node (name, type, same_as) VALUES (?, ?, 0)", (name, type_))
            store.db.execute("UPDATE node SET same_as = id WHERE same_as = 0")
            return store.one("SELECT id FROM node WHERE name = ? AND type IS ?", (name, type_))

        store.db.execute("DELETE FROM merge")
        record(store, [(node(*m[:2]), node(*m[2:4]), *m[4:]) for m in merged])
        store.db.executemany("INSERT INTO apart VALUES (?, ?)", (
            sorted((node(*a[:2]), node(*a[2:]))) for a in apart))
        settle(store)
    return graph


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_any_road_leads_to_the_graph_made_anew(tmp_path: Path, steps: list[tuple[Any, ...]]) -> None:
    path = tmp_path / f"{next(numbers)}.db"
    graph = put(path, [])
    texts: dict[str, list[Edge]] = {}
    for n, (what, *more) in enumerate(steps):
        nodes = by_number(graph)
        if what == "put":
            texts[more[0]] = edges_of(*more)
            with Store(path, write=True) as store:
                loading = Loading(store, more[0], str(n))
                loading.put(Part(more[0], None, "RE", 1), texts[more[0]])
                loading.finish()
        elif what == "remove" and texts.pop(more[0], None):
            with Store(path, write=True) as store:
                found = list(store.rows("SELECT p.id, d.id FROM part p JOIN document d ON d.id = p.document "
                                        "WHERE d.key = ?", more))
                for part, _ in found:
                    drop_part(store, part)
                settle_types(store, {d for _, d in found})
                tidy(store)
        elif what == "merge":
            stated = of_people(graph)
            merge_graph(MergeConfig(graph, at_least=more[0]))
            assert of_people(graph) == stated
            assert not merge_graph(MergeConfig(graph, at_least=more[0])).changed
        elif what == "all":
            unmerge_graph(UnmergeConfig(graph, all=True))
            assert {m.rule for m in merges(MergesConfig(graph)).rows} <= {"by hand", "as read"}
        elif nodes and what in ("hand", "unmerge"):
            one = nodes[more[0] % len(nodes)]
            other = None if more[1] is None else nodes[more[1] % len(nodes)]
            if one == other:
                continue
            if what == "hand" and other is not None:
                merge_graph(MergeConfig(graph, one[0], other[0], one[1], other[1]))
                check_one(graph, one, other, True)
                continue
            try:
                unmerge_graph(UnmergeConfig(graph, one[0], *(other[0], one[1], other[1]) if other else ("", one[1])))
            except InputError as e:
                assert "is not merged" in str(e)
            if other:
                check_one(graph, one, other, False)
    fresh = anew(tmp_path / f"{next(numbers)}.db", texts, graph)
    assert said(fresh) == said(graph)
    # Nor does it matter for what is found later.
    for of in (graph, fresh):
        merge_graph(MergeConfig(of))
    assert said(fresh) == said(graph)
    apart = rows(graph, "apart", "one", "other")
    with Store(path) as store:
        stands = {(n, t): s for n, t, s in store.rows("SELECT name, type, same_as FROM node")}
    assert all(stands[a[:2]] != stands[a[2:]] for a in apart)


def of_people(graph: str) -> list[tuple[Any, ...]]:
    return [r for r in rows(graph, "merge", "gone", "kept", ", x.rule") if r[-1] in ("by hand", "as read")]


def check_one(graph: str, one: tuple[str, str], other: tuple[str, str], same: bool) -> None:
    with Store(graph) as store:
        a, b = (store.one("SELECT same_as FROM node WHERE name = ? AND ifnull(type, '-') = ?", x)
                for x in (one, other))
    assert (a == b) == same
