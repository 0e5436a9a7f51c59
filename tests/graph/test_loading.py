"""A store is added to, replaced in part, taken from, broken off and taken up: it is always what its documents say."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iepile.corpus.synthetic import generate
from iepile.errors import InputError
from iepile.graph import loading
from iepile.graph.build import KgConfig, KgSummary, build
from iepile.graph.edge import Edge
from iepile.graph.forms.jsonl import read_edges
from iepile.graph.loading import Loading, Part
from iepile.graph.removing import RemoveConfig, remove
from iepile.graph.store import Store
from iepile.jsonl import write_rows
from iepile.unified import document_to_row

TEXT = "Ada wed Bob in Rome."


def row(id_: str, *relations: tuple[str, str, str], text: str = TEXT, **more: Any) -> dict[str, Any]:
    stated = [{"head": h, "relation": r, "tail": t} for h, r, t in relations]
    return {"id": id_, "text": text, "relation": stated} | more


def add(tmp_path: Path, *rows: dict[str, Any], graph: str = "g.db", **options: Any) -> KgSummary:
    write_rows(tmp_path / "in.json", rows)
    return build(KgConfig(str(tmp_path / "in.json"), str(tmp_path / graph), **options))


def facts(path: Path) -> list[tuple[str, str, str, str]]:
    with Store(path) as store:
        return [(e.document, e.head, e.relation, e.tail) for e in store.edges()]


def rest(path: Path) -> list[Any]:
    """Everything that a graph says, row numbers left out."""
    with Store(path) as store:
        return [sorted(store.edges(), key=repr),
                sorted((n.name, n.type or "", n.event or "", n.mentions, n.aliases) for n in store.nodes())]


def test_documents_are_added_and_replaced(tmp_path: Path) -> None:
    add(tmp_path, row("1", ("Ada", "r", "Bob")), row("2", ("Eve", "r", "Bob")))
    add(tmp_path, row("3", ("Ada", "s", "Eve")))
    done = add(tmp_path, row("1", ("Ada", "t", "Rome")))
    assert facts(tmp_path / "g.db") == [("2", "Eve", "r", "Bob"), ("3", "Ada", "s", "Eve"), ("1", "Ada", "t", "Rome")]
    assert (done.replaced, done.documents, done.edges, done.nodes) == (1, 3, 1, 4)
    add(tmp_path, row("1"))
    assert facts(tmp_path / "g.db") == [("2", "Eve", "r", "Bob"), ("3", "Ada", "s", "Eve")]
    with Store(tmp_path / "g.db") as store:
        assert [n.name for n in store.nodes()] == ["Bob", "Eve", "Ada"] or store.one("SELECT count(*) FROM node") == 3


def test_a_store_can_be_begun_anew(tmp_path: Path) -> None:
    add(tmp_path, row("1", ("Ada", "r", "Bob")), row("2", ("Eve", "r", "Bob")))
    add(tmp_path, row("1", ("Ada", "s", "Bob")), overwrite=True)
    assert facts(tmp_path / "g.db") == [("1", "Ada", "s", "Bob")]
    (tmp_path / "other.db").write_text("no graph")
    with pytest.raises(InputError, match="no graph"):
        add(tmp_path, row("1"), graph="other.db", overwrite=True)
    assert (tmp_path / "other.db").read_text() == "no graph"


def test_equal_ids_of_two_sources_are_two_documents(tmp_path: Path) -> None:
    add(tmp_path, row("1", ("Ada", "r", "Bob"), source="a"))
    add(tmp_path, row("1", ("Ada", "r", "Eve"), source="b"))
    add(tmp_path, row("1", ("Ada", "r", "Rome")))
    assert len(facts(tmp_path / "g.db")) == 3


def test_other_tasks_of_a_document_stay_unless_its_text_is_another(tmp_path: Path) -> None:
    entity = [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]}]
    add(tmp_path, {"id": "1", "text": TEXT, "entity": entity})
    add(tmp_path, row("1", ("Ada", "r", "Bob")))
    assert len(facts(tmp_path / "g.db")) == 2
    add(tmp_path, row("1", ("Ada", "r", "Bob"), text="Later Ada wed Bob in Rome."))
    assert facts(tmp_path / "g.db") == [("1", "Ada", "r", "Bob")]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_types_come_from_the_whole_document_whatever_comes_first(tmp_path: Path, order: tuple[int, ...]) -> None:
    def entity(*types: str) -> dict[str, Any]:
        return {"id": "1", "text": TEXT, "entity": [{"entity": "Ada", "entity_type": t} for t in types]}

    parts = [entity("person"), row("1", ("Ada", "r", "Bob")),
             row("2", ("Ada", "r", "Bob"), text="Ada and Bob are another's.")]
    for n in order:
        add(tmp_path, parts[n])
    add(tmp_path, *parts, graph="once.db")
    assert rest(tmp_path / "g.db") == rest(tmp_path / "once.db")
    with Store(tmp_path / "g.db") as store:
        assert {(e.document, e.head_type) for e in store.edges("kind != 'type'")} == {("1", "person"), ("2", None)}
    add(tmp_path, entity("person", "ship"))
    with Store(tmp_path / "g.db") as store:
        assert {e.head_type for e in store.edges("kind != 'type'")} == {None}


def test_rows_of_one_document_may_stand_apart(tmp_path: Path) -> None:
    rows = [row("1", ("Ada", "r", "Bob")), row("2", ("Eve", "r", "Bob")), row("1", ("Ada", "s", "Rome"))]
    done = add(tmp_path, *rows)
    assert len(facts(tmp_path / "g.db")) == 3 and done.replaced == 0
    again = add(tmp_path, *rows)
    assert len(facts(tmp_path / "g.db")) == 3 and again.replaced == 2


NAMES = st.sampled_from(["Ada", "Bob", "Rome"])
ROWS = st.builds(lambda i, rs: row(i, *rs), st.sampled_from("123"),
                 st.lists(st.tuples(NAMES, NAMES, NAMES), max_size=3))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.lists(ROWS, min_size=1, max_size=4, unique_by=lambda r: r["id"]), st.sampled_from("123")),
                min_size=1, max_size=5))
def test_whatever_was_done_a_store_is_as_if_made_of_what_is_left(tmp_path: Path, acts: list[Any]) -> None:
    for old in tmp_path.glob("*.db"):
        old.unlink()
    left: dict[str, dict[str, Any]] = {}
    for act in acts:
        if isinstance(act, str):
            if act in left:
                remove(RemoveConfig(str(tmp_path / "g.db"), document=act))
                del left[act]
        else:
            add(tmp_path, *act)
            left |= {r["id"]: r for r in act}
    if left:
        add(tmp_path, *left.values(), graph="once.db")
        assert rest(tmp_path / "g.db") == rest(tmp_path / "once.db")
    elif (tmp_path / "g.db").exists():
        assert rest(tmp_path / "g.db") == [[], []]


def test_removing(tmp_path: Path) -> None:
    add(tmp_path, row("1", ("Ada", "r", "Bob"), source="a"), row("2", ("Eve", "r", "Bob"), source="b"), model="m")
    add(tmp_path, row("3", ("Ada", "s", "Bob"), source="b"))
    graph = str(tmp_path / "g.db")
    assert remove(RemoveConfig(graph, source="b", model="m")).edges == 1
    done = remove(RemoveConfig(graph, document="1"))
    assert (done.documents, done.edges, done.nodes, done.left) == (1, 1, 0, 1)
    for bad, message in ((RemoveConfig(), "not given"), (RemoveConfig(graph), "nothing said"),
                         (RemoveConfig(graph, document="9"), "nothing in the graph fits"),
                         (RemoveConfig(str(tmp_path / "no.db"), document="1"), "no such file")):
        with pytest.raises(InputError, match=message):
            remove(bad)
    assert facts(tmp_path / "g.db") == [("3", "Ada", "s", "Bob")] and not (tmp_path / "no.db").exists()


def test_what_is_no_graph_is_refused_and_left_alone(tmp_path: Path) -> None:
    import sqlite3

    (tmp_path / "a.db").write_text("no database at all, but long enough to be looked at " * 20)
    other = sqlite3.connect(tmp_path / "b.db")
    other.execute("CREATE TABLE mine (a)")
    other.commit()
    other.close()
    for name, message in (("a.db", "is no graph"), ("b.db", "no graph of ours")):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(InputError, match=message):
            add(tmp_path, row("1", ("Ada", "r", "Bob")), graph=name)
        assert (tmp_path / name).read_bytes() == before
    add(tmp_path, row("1", ("Ada", "r", "Bob")))
    with sqlite3.connect(tmp_path / "g.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(InputError, match="version 99"), Store(tmp_path / "g.db"):
        pass


def test_a_broken_run_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "BATCH", 10)
    rows = [row(str(n), ("Ada", "r", f"B{n}"), ("Bob", "r", "Eve")) for n in range(40)]
    add(tmp_path, *rows, graph="once.db")
    put = Loading.put
    calls = iter(range(1000))

    def fails(self: Loading, part: Part, edges: Any) -> int:
        if next(calls) == 27:
            raise RuntimeError("the lights went out")
        return put(self, part, edges)

    monkeypatch.setattr(Loading, "put", fails)
    with pytest.raises(RuntimeError):
        add(tmp_path, *rows)
    monkeypatch.setattr(Loading, "put", put)
    with Store(tmp_path / "g.db") as store:
        assert store.summary().unfinished and 0 < store.summary().facts < 80
    done = add(tmp_path, *rows, overwrite=True)
    assert 0 < done.kept < 40 and done.edges < 80 and done.replaced == 0
    assert rest(tmp_path / "g.db") == rest(tmp_path / "once.db") and facts(tmp_path / "g.db") == facts(
        tmp_path / "once.db")
    with Store(tmp_path / "g.db") as store:
        assert not store.summary().unfinished


def test_a_broken_run_over_other_rows_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "BATCH", 2)
    write_rows(tmp_path / "in.json", [row(str(n), ("Ada", "r", "Bob")) for n in range(10)])
    put = Loading.put
    monkeypatch.setattr(Loading, "put", lambda self, part, edges: put(self, part, edges) if part.line < 8 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build(KgConfig(str(tmp_path / "in.json"), str(tmp_path / "g.db")))
    monkeypatch.setattr(Loading, "put", put)
    rows = [row(str(n), ("Ada", "s", "Eve")) for n in range(5)]
    done = add(tmp_path, *rows)
    assert done.kept == 0 and [f[2] for f in facts(tmp_path / "g.db")] == ["r", "s", "s", "s", "s", "s"]


def test_killed_again_and_again_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    write_rows(tmp_path / "in.json", (document_to_row(d) for d in generate(3000, "en", seed=3)))
    code = ("import sys, iepile.graph.loading as l; l.BATCH = 300\n"
            "from iepile.graph.build import *; build(KgConfig(*sys.argv[1:]))")

    def start(graph: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "in.json"), str(tmp_path / graph)],
                                env={**os.environ, "PYTHONPATH": ":".join(sys.path)})

    began = time.monotonic()
    assert start("once.db").wait() == 0
    took = time.monotonic() - began
    kills, wait = 0, took * 0.45
    while (process := start("g.db")) and kills < 6:
        try:
            process.wait(wait)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
    assert process.wait() == 0 and kills
    assert facts(tmp_path / "g.db") == facts(tmp_path / "once.db")
    assert rest(tmp_path / "g.db") == rest(tmp_path / "once.db")


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    names = ["'); DROP TABLE edge; --", "\"}) DETACH DELETE n //", "<script>alert(1)</script>", "a\x00b", "\ud800x", ""]
    with Store(tmp_path / "g.db", write=True) as store:
        run = Loading(store, "in", "digest")
        run.put(Part("d'; --", "s\"", "RE", 1), [
            Edge(head=n, relation=n, tail=n, kind="relation", head_type=n, document="d'; --", source="s\"")
            for n in names])
        run.finish()
    with Store(tmp_path / "g.db") as store:
        back = list(store.edges())
        wanted = [n.replace("\ud800", "\ufffd") for n in names]
        assert [(e.head, e.relation, e.tail, e.head_type) for e in back] == [(n, n, n, n) for n in wanted]
        assert {e.document for e in back} == {"d'; --"}


def test_one_command_merges_and_checks_too(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("relations:\n  - {name: r, domain: [person], range: [place]}\n", "utf-8")
    rows = [row(str(n), (name, "r", "Rome"), entity=[
        {"entity": name, "entity_type": type_}, {"entity": "Rome", "entity_type": "place"}], text=f"{name} in Rome.")
        for n, (name, type_) in enumerate([("Ada Lovelace", "person"), ("Ms. Ada Lovelace", "person"), ("Rex", "dog")])]
    for graph in ("g.db", "g.jsonl"):
        done = add(tmp_path, *rows, graph=graph, merge=True, schema_path=str(tmp_path / "s.yaml"), prune="domain")
        assert (done.merges, done.violations, done.pruned) == (1, 1, 1)
    edges = list(read_edges(tmp_path / "g.jsonl"))
    assert [(e.head, e.head_mention) for e in edges if e.kind == "relation"] == [
        ("Ada Lovelace", None), ("Ada Lovelace", "Ms. Ada Lovelace")]
    with Store(tmp_path / "g.db") as store:
        assert list(store.edges()) == edges
    for options, message in (({"prune": "domain"}, "schema_path"), ({"schema_path": "none.yaml"}, "no such file")):
        with pytest.raises(InputError, match=message):
            add(tmp_path, *rows, graph="h.db", **options)
    assert not (tmp_path / "h.db").exists()
