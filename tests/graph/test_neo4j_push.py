"""A graph put into Neo4j: the real driver against a double of the server, told on the wire statement by statement."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bolt_server import STATEMENTS, BoltServer
from graph.forms.made import EDGES, HOSTILE, edge, stored
from iepile.cli.main import main
from iepile.errors import IepileError, InputError, MissingDependency
from iepile.graph import neo4j_push
from iepile.graph.neo4j_push import PushConfig, push
from iepile.graph.property_graph import FACT, quoted, type_of

FACTS = [
    edge(head_type="person", tail_type="person", head_start=0, head_end=3, confidence=0.5, model="m",
         snippet="Ada married Bob."),
    edge("Ada", "type", "person", head_type="person", kind="type", head_start=0, head_end=3),
    edge("Bob", "出生地", "北京", head_type="person", tail_type="place", document="e", source="news", ungrounded=True),
    edge("wed", "bride", "Ada", head_type="wedding", tail_type="person", kind="role", event="d:1:0"),
]


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "secret")
    monkeypatch.setattr(neo4j_push, "RETRIED_S", 3.0)


def config(graph: Path, server: BoltServer, **more: Any) -> PushConfig:
    return PushConfig(graph=str(graph), uri=server.uri, **more)


def test_nodes_documents_and_relationships_with_their_trail(tmp_path: Path) -> None:
    with BoltServer() as server:
        done = push(config(stored(tmp_path / "g.db", FACTS), server))
    assert (done.documents, done.nodes, done.edges, done.relationships, done.created) == (2, 4, 4, 4, 10)
    labels = sorted((label, n["name"], n.get("type"), n.get("event"), n.get("mentions"))
                    for (label, _), n in server.nodes.items())
    assert labels == [("Document", "d", None, None, None), ("Document", "e", None, None, None),
                      ("Entity", "Ada", "person", None, 2), ("Entity", "Bob", "person", None, 2),
                      ("Entity", "北京", "place", None, 1), ("Event", "wed", "wedding", "d:1:0", 1)]
    found = {(server.nodes[a]["name"], kind, server.nodes[b]["name"]): about
             for (a, kind, b, _), about in server.relationships.items()}
    assert list(found) == [("Ada", "spouse", "Bob"), ("Ada", "MENTIONED_IN", "d"), ("Bob", "出生地", "北京"),
                           ("wed", "bride", "Ada")]
    first = found["Ada", "spouse", "Bob"]
    assert {k: v for k, v in first.items() if k not in ("key", "pushed")} == {
        "relation": "spouse", "kind": "relation", "head_start": 0, "head_end": 3, "ungrounded": False,
        "confidence": 0.5, "document": "d", "model": "m", "snippet": "Ada married Bob.", "graph": "iepile"}
    assert found["Ada", "MENTIONED_IN", "d"]["type"] == "person"


def test_batches_transactions_and_statements_are_as_said(tmp_path: Path) -> None:
    ticks: list[tuple[int, int]] = []
    with BoltServer() as server:
        push(config(stored(tmp_path / "g.db", FACTS), server, batch_size=2, database="kg"),
             lambda done, total: ticks.append((done, total)))
    assert ticks == [(2, 4), (4, 4)]
    assert {b.get("db") for b in server.begins} == {"kg"}
    # Four statements of the schema, six nodes in three transactions, four relationships in two, the count at the end.
    assert len(server.commits) == 4 + 3 + 2 + 1
    assert server.messages[:2] == ["HELLO", "LOGON"] and server.messages[-1] == "GOODBYE"
    assert "TELEMETRY" not in server.messages
    rows = [len(given["rows"]) for _, given in server.runs if "rows" in given]
    assert sum(rows) == 10 and max(rows) <= 2
    assert server.logons == [{"scheme": "basic", "principal": "neo4j", "credentials": "secret"}]


def test_pushing_again_updates_and_doubles_nothing(tmp_path: Path) -> None:
    graph = stored(tmp_path / "g.db", FACTS)
    again = stored(tmp_path / "h.db", [*reversed(FACTS), edge("Ada", document="f", head_type="person")])
    with BoltServer() as server:
        push(config(graph, server))
        before = {k: {**v, "pushed": None} for k, v in server.relationships.items()}
        assert push(config(graph, server)).created == 0
        assert {k: {**v, "pushed": None} for k, v in server.relationships.items()} == before
        done = push(config(again, server))
        assert (done.created, len(server.relationships)) == (3, 5)  # a document, Bob without a type, the fact
    assert [n["mentions"] for n in server.nodes.values() if n["name"] == "Ada"] == [3]


def test_what_the_graph_no_longer_holds_is_removed_if_asked(tmp_path: Path) -> None:
    less = stored(tmp_path / "less.db", FACTS[:2])
    with BoltServer() as server:
        push(config(stored(tmp_path / "g.db", FACTS), server))
        push(config(stored(tmp_path / "o.db", [edge("Eve", document="o")]), server, name="other"))
        alien = (("Entity", "x"), "KNOWS", ("Entity", "y"), "z")
        server.relationships[alien] = {"key": "z"}
        assert push(config(less, server)).removed == 0
        assert len(server.relationships) == 6
        done = push(config(less, server, remove=True, batch_size=1))
    # Two facts, their document, the event, and the place: nothing names these any more.
    assert done.removed == 5
    assert {n["name"] for n in server.nodes.values()} == {"Ada", "Bob", "d", "Eve", "o"}
    assert len(server.relationships) == 4 and alien in server.relationships


def test_hostile_names_travel_in_parameters_or_as_escaped_types(tmp_path: Path) -> None:
    with BoltServer() as server:
        done = push(config(stored(tmp_path / "g.db", EDGES), server, batch_size=700))
    assert done.edges == len(EDGES) and done.relationships == len(server.relationships)
    for text, _ in server.runs:
        assert any(pattern.fullmatch(text) for pattern in STATEMENTS.values())
    kinds = {kind for _, kind, _, _ in server.relationships}
    assert {"'); DROP TABLE edge; --", '"}) DETACH DELETE n //', "`", "林小雨"} <= kinds
    assert not kinds & {"", "\x00", "\\u0041", "\n", "\u202eabc\u202c\u200f", "n" * 10_000}
    pushed = {(server.nodes[a]["name"], r["relation"], r["document"]) for (a, *_), r in server.relationships.items()}
    assert pushed == {(e.head, e.relation, e.document) for e in EDGES}
    assert set(HOSTILE) <= {n["name"] for n in server.nodes.values()}


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(st.characters(codec="utf-8"), max_size=8)
                      | st.text(st.sampled_from("`]->()'\"\\u0060{}/;\n"), max_size=12), min_size=1, max_size=6))
def test_any_relation_stays_text(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    with BoltServer() as server:
        done = push(config(stored(folder / "g.db", [edge(n, n, n, document=n) for n in names]), server))
    assert done.edges == len(names)
    assert {r["relation"] for r in server.relationships.values()} == set(names)
    assert {kind for _, kind, _, _ in server.relationships} == {type_of(n) for n in names}


@pytest.mark.parametrize(("relation", "kind"), [
    ("spouse", "spouse"), ("出生地", "出生地"), ("a b", "a b"), ("a`b", "a`b"), ("]->() //", "]->() //"), ("", FACT),
    (" a", FACT), ("a\\u0060", FACT), ("a\nb", FACT), ("a\u200fb", FACT), ("a\x00", FACT), ("a\u2028b", FACT),
    ("x" * 200, "x" * 200), ("x" * 201, FACT), ("\ue000", FACT), ("\ud800", FACT),
])
def test_which_relations_become_types(relation: str, kind: str) -> None:
    assert type_of(relation) == kind
    assert quoted("a`b``") == "`a``b`````"


def test_all_relationships_are_facts_where_types_are_not_wanted(tmp_path: Path) -> None:
    with BoltServer() as server:
        push(config(stored(tmp_path / "g.db", FACTS), server, relation_types=False))
    assert {kind for _, kind, _, _ in server.relationships} == {"FACT", "MENTIONED_IN"}


@pytest.mark.parametrize("failing", [0, 4, 6, 7])
def test_a_passing_failure_is_repeated_and_doubles_nothing(tmp_path: Path, failing: int) -> None:
    with BoltServer() as server:
        server.failures = {failing: ("Neo.TransientError.Transaction.DeadlockDetected", "deadlock")}
        done = push(config(stored(tmp_path / "g.db", FACTS), server))
    assert (done.created, len(server.nodes), len(server.relationships)) == (10, 6, 4)
    assert server.runs[failing] in server.runs[failing + 1:]


def test_a_connection_that_breaks_is_made_anew(tmp_path: Path) -> None:
    with BoltServer() as server:
        server.failures = {7: ("", "")}
        done = push(config(stored(tmp_path / "g.db", FACTS), server))
    assert (done.created, len(server.relationships)) == (10, 4)
    assert server.messages.count("HELLO") == 2


def test_a_push_that_was_broken_off_is_given_again(tmp_path: Path) -> None:
    graph = stored(tmp_path / "g.db", FACTS)
    with BoltServer() as server:
        server.failures = {11: ("Neo.ClientError.General.TransactionOutOfMemoryError", "too large")}
        with pytest.raises(IepileError, match="TransactionOutOfMemoryError: too large") as told:
            push(config(graph, server, batch_size=2))
        assert told.value.exit_code == 1
        assert (len(server.nodes), len(server.relationships)) == (6, 2)
        done = push(config(graph, server, batch_size=2))
    assert (done.created, len(server.relationships)) == (2, 4)


def test_failures_that_last_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo4j_push, "RETRIED_S", 0.0)
    graph = stored(tmp_path / "g.db", FACTS)
    with BoltServer() as server:
        server.failures = dict.fromkeys(range(50), ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", "full"))
        with pytest.raises(IepileError, match="MemoryPoolOutOfMemoryError: full") as told:
            push(config(graph, server))
        assert told.value.exit_code == 1 and "same command again" in str(told.value)
        server.failures = dict.fromkeys(range(50), ("Neo.ClientError.Database.DatabaseNotFound", "no database kg"))
        with pytest.raises(IepileError, match=r"the server refused: .*DatabaseNotFound: no database kg"):
            push(config(graph, server, database="kg"))


def test_nodes_that_vanish_meanwhile_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = stored(tmp_path / "g.db", FACTS)
    with BoltServer() as server:
        execute = server.execute

        def forgetful(name: str, *rest: Any) -> Any:
            if name == "relationship":
                rest[-1][0].clear()
            return execute(name, *rest)

        monkeypatch.setattr(server, "execute", forgetful)
        with pytest.raises(IepileError, match="only 0 of 1 rows of a batch went in"):
            push(config(graph, server))
        assert not server.relationships and server.nodes


def test_passwords_come_from_the_environment_and_are_never_told(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    graph = stored(tmp_path / "g.db", FACTS)
    with BoltServer() as server, caplog.at_level(logging.DEBUG):
        monkeypatch.setenv("OTHER", "wrong-pass")
        with pytest.raises(InputError, match="refuses the user 'neo4j' with this password") as told:
            push(config(graph, server, password_variable="OTHER"))
        assert told.value.exit_code == 2 and not server.runs
        assert "wrong-pass" not in str(told.value) + caplog.text
        assert server.logons[-1]["credentials"] == "wrong-pass"
        monkeypatch.delenv("NEO4J_PASSWORD")
        with pytest.raises(InputError, match="NEO4J_PASSWORD is not set"):
            push(config(graph, server))
    with BoltServer(password=None) as server:
        assert push(config(graph, server, user="")).edges == 4
        assert server.logons == [{}]


def test_a_cluster_is_asked_for_the_way(tmp_path: Path) -> None:
    with BoltServer() as server:
        done = push(PushConfig(graph=str(stored(tmp_path / "g.db", FACTS)), uri=f"neo4j://{server.address}"))
    assert done.relationships == 4
    assert "ROUTE" in server.messages


def test_no_server(tmp_path: Path) -> None:
    graph = stored(tmp_path / "g.db", FACTS)
    with BoltServer() as server:
        pass
    with pytest.raises(IepileError, match="no server answers") as told:
        push(config(graph, server))
    assert told.value.exit_code == 1


@pytest.mark.parametrize(("more", "told"), [
    ({"uri": "http://localhost:7474"}, "no address of a Neo4j server: 'http"), ({"uri": "localhost"}, "no address"),
    ({"uri": "bolt://neo4j:hidden@localhost"}, "holds a user name or password"), ({"graph": ""}, "not given"),
    ({"uri": "neo4j:hidden@localhost"}, "no address"), ({"batch_size": 0}, "batch_size"),
    ({"graph": "none.db"}, "no such file"),
])
def test_bad_settings(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    graph = stored(tmp_path / "g.db", FACTS)
    with pytest.raises(InputError, match=told) as error:
        push(PushConfig(**{"graph": str(graph)} | more))
    assert "hidden" not in str(error.value)


def test_the_driver_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = stored(tmp_path / "g.db", FACTS)
    monkeypatch.setitem(sys.modules, "neo4j", None)
    with pytest.raises(MissingDependency, match=r"iepile\[graph\]"):
        push(PushConfig(graph=str(graph)))


def test_other_forms_are_pushed_too(tmp_path: Path) -> None:
    from iepile.graph.forms.jsonl import write_edges

    write_edges(FACTS, tmp_path / "g.jsonl")
    with BoltServer() as server:
        assert push(config(tmp_path / "g.jsonl", server)).relationships == 4


def test_exit_codes_of_the_command_line(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    graph = stored(tmp_path / "g.db", FACTS)
    with BoltServer() as server:
        command = ["kg", "push", str(graph), "--uri", server.uri]
        assert main([*command, "--relation_types", "false"]) == 0
        assert {kind for _, kind, _, _ in server.relationships} == {"FACT", "MENTIONED_IN"}
        monkeypatch.setenv("NEO4J_PASSWORD", "wrong-pass")
        assert main(command) == 2
        monkeypatch.delenv("NEO4J_PASSWORD")
        assert main(command) == 2
    monkeypatch.setenv("NEO4J_PASSWORD", "secret")
    assert main(command) == 1
    shown = capsys.readouterr()
    assert "no server answers" in shown.err and "refuses the user 'neo4j'" in shown.err
    assert "wrong-pass" not in shown.out + shown.err and "Traceback" not in shown.err
