"""Violations lie over the facts of a graph: told or pruned with their reason, replaced, and taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.graph.checking import CheckConfig, check_graph
from iepile.graph.edge import Edge
from iepile.graph.entity_merging import MergeConfig, merge_graph
from iepile.graph.forms.jsonl import write_edges
from iepile.graph.loading import Loading, Part
from iepile.graph.store import Store

SCHEMA = """
relations:
  born in: {domain: person, range: place, at_most: 1}
  married to: {symmetric: true}
  part of: {transitive: true}
  parent of: {inverse: child of}
  child of: {}
"""


def edge(head: str, relation: str, tail: str, types: str = "", document: str = "d", **more: Any) -> Edge:
    head_type, tail_type = types.split() if types else (None, None)
    return Edge(head=head, relation=relation, tail=tail, kind="relation", head_type=head_type, tail_type=tail_type,
                document=document, **more)


FACTS = [
    edge("Ada", "born in", "Rome", "person place", snippet="Ada was born in Rome."),
    edge("Rome", "born in", "Ada", "place person", snippet="<b>Rome</b>, born in Ada"),
    edge("Ada", "married to", "Bob", "person person"),
    edge("Rome", "part of", "Italy", "place place"), edge("Italy", "part of", "Europe", "place place"),
    edge("Ada", "likes", "Rome", "person place"),
]


@pytest.fixture
def schema(tmp_path: Path) -> str:
    (tmp_path / "schema.yaml").write_text(SCHEMA, "utf-8")
    return str(tmp_path / "schema.yaml")


def put(path: Path, edges: list[Edge]) -> str:
    path.unlink(missing_ok=True)
    with Store(path, write=True) as store:
        loading = Loading(store, "x", "x")
        for n, e in enumerate(edges, 1):
            loading.put(Part(e.document, e.source, "RE", n), [e])
        loading.finish()
    return str(path)


def facts(graph: str) -> list[tuple[str, str, str]]:
    with Store(graph) as store:
        return [(e.head, e.relation, e.tail) for e in store.edges()]


def test_pruned_and_back_again(tmp_path: Path, schema: str) -> None:
    graph = put(tmp_path / "g.db", FACTS)
    done = check_graph(CheckConfig(graph, schema, "domain, range", output=str(tmp_path / "v.jsonl")))
    assert (done.edges, done.unknown, done.violations, done.missing, done.pruned, done.flagged) == (6, 1, 3, 2, 1, 2)
    assert done.rules == {"domain": 1, "symmetric": 1, "transitive": 1}
    assert done.examples == ["domain: the head 'Rome' is a place, not person",
                             "symmetric: (Bob, married to, Ada) follows and is not stated",
                             "transitive: (Rome, part of, Europe) follows, by 'Italy', and is not stated"]
    assert ("Rome", "born in", "Ada") not in facts(graph)
    assert len(facts(graph)) == 5
    first, second, _ = (json.loads(line) for line in (tmp_path / "v.jsonl").read_text("utf-8").splitlines())
    assert first == {"rule": "domain", "action": "prune", "reason": "the head 'Rome' is a place, not person",
                     "head": "Rome", "head_type": "place", "relation": "born in", "tail": "Ada", "tail_type": "person",
                     "document": "d", "snippet": "<b>Rome</b>, born in Ada"}
    assert (second["missing_head"], second["missing_relation"], second["missing_tail"]) == ("Bob", "married to", "Ada")
    # The second check sees the pruned edge too, and its violations take the place of the first ones'.
    again = check_graph(CheckConfig(graph, schema))
    assert (again.violations, again.pruned, again.flagged) == (3, 0, 3)
    assert len(facts(graph)) == 6
    check_graph(CheckConfig(graph, schema, "domain"))
    assert check_graph(CheckConfig(graph, clear=True)).violations == 0
    assert len(facts(graph)) == 6
    with Store(graph) as store:
        assert store.one("SELECT count(*) FROM violation") == 0


def test_merged_names_are_one_thing(tmp_path: Path, schema: str) -> None:
    graph = put(tmp_path / "g.db", [edge("Ada", "born in", "Rome", "person place"),
                                    edge("Ada", "born in", "Roma", "person place", document="e")])
    assert check_graph(CheckConfig(graph, schema)).rules == {"at_most": 1}
    merge_graph(MergeConfig(graph, "Roma", "Rome"))
    assert check_graph(CheckConfig(graph, schema)).rules == {}


def test_a_graph_in_another_form_gets_a_report_only(tmp_path: Path, schema: str) -> None:
    source = tmp_path / "g.jsonl"
    write_edges(FACTS, source)
    before = source.read_bytes()
    done = check_graph(CheckConfig(str(source), schema, "domain", output=str(tmp_path / "v.jsonl")))
    assert (done.violations, done.pruned) == (3, 1)
    assert len((tmp_path / "v.jsonl").read_text("utf-8").splitlines()) == 3
    assert source.read_bytes() == before
    with pytest.raises(InputError, match="only a store"):
        check_graph(CheckConfig(str(source), clear=True))


def test_bad_settings_leave_the_graph_as_it_was(tmp_path: Path, schema: str) -> None:
    graph = put(tmp_path / "g.db", FACTS)
    check_graph(CheckConfig(graph, schema, "domain"))
    for config, words in ((CheckConfig(), "not given"), (CheckConfig(graph), "schema_path"),
                          (CheckConfig(graph, schema, "domian"), "no rule 'domian'"),
                          (CheckConfig(graph, str(tmp_path / "none.yaml")), "none.yaml"),
                          (CheckConfig(str(tmp_path / "none.db"), schema), "no such file")):
        with pytest.raises(InputError, match=words):
            check_graph(config)
    assert len(facts(graph)) == 5
    assert not (tmp_path / "none.db").exists()


edges = st.lists(st.builds(
    lambda h, r, t, types, c, d: edge(h, r, t, types, d, confidence=c), st.sampled_from("abc"),
    st.sampled_from(["born in", "married to", "part of", "parent of", "child of", "likes"]), st.sampled_from("abc"),
    st.sampled_from(["", "person place", "place person", "person person"]), st.sampled_from([None, 0.5, 0.9]),
    st.sampled_from("de")), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges, st.lists(st.sampled_from(["domain", "range", "at_most", "inverse", "transitive"]), unique=True))
def test_checks_are_repeatable_and_leave_the_facts(tmp_path: Path, schema: str, of: list[Edge], prune: list[str]
                                                   ) -> None:
    graph = put(tmp_path / "g.db", of)
    whole = facts(graph)
    first = check_graph(CheckConfig(graph, schema, ",".join(prune)))
    left = facts(graph)
    assert len(whole) - len(left) == first.pruned
    assert check_graph(CheckConfig(graph, schema, ",".join(prune))) == first
    assert facts(graph) == left
    # What was pruned breaks no rule any more: a graph of the rest gets none of these violations.
    rest = check_graph(CheckConfig(put(tmp_path / "rest.db", list(edges_of(graph))), schema, ",".join(prune)))
    assert rest.pruned == 0
    check_graph(CheckConfig(graph, clear=True))
    assert facts(graph) == whole


def edges_of(graph: str) -> list[Edge]:
    with Store(graph) as store:
        return list(store.edges())
