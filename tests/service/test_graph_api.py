"""Graphs over HTTP: nodes and edges with their trail, every form, and questions that mean harm."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iepile.graph.build import graph_of
from iepile.graph.forms.form import forms
from iepile.service.config import ServeConfig
from iepile.service.graph_query import Question, answered
from served_models import SCHEMA, TEXTS
from service_client import Client, in_thread

UNKNOWN = "0123456789abcdef0123456789abcdef"
ADA = {"text": "Ada married Bob. Bob works for Acme.", "id": "1", "entity": [
    {"entity": "Ada", "entity_type": "person", "pos": [0, 3]}], "relation": [
    {"head": "Ada", "relation": "spouse", "tail": "Bob", "head_pos": [0, 3], "tail_pos": [12, 15], "confidence": 0.9},
    {"head": "Bob", "relation": "works for", "tail": "Acme", "head_pos": [17, 20], "tail_pos": [31, 35]}]}
CORA = {"text": "Cora works for Acme.", "id": "2", "relation": [
    {"head": "Cora", "relation": "works for", "tail": "Acme", "head_pos": [0, 4], "tail_pos": [15, 19]}],
    "event": [{"event_trigger": "works", "event_type": "work", "trigger_pos": [5, 10], "arguments": [
        {"argument": "Cora", "role": "who", "argument_pos": [0, 4]}]}]}


@pytest.fixture(scope="module")
def served(compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Path]]:
    data = tmp_path_factory.mktemp("data")
    with in_thread(ServeConfig(model=str(compact), data_dir=str(data), page=False)) as client:
        yield client, data


@pytest.fixture(scope="module")
def job(served: tuple[Client, Path]) -> str:
    client, _ = served
    id_ = str(client.post("/v1/documents", {"texts": TEXTS, "schema": SCHEMA}).json()["id"])
    assert client.ended(id_)["counts"]["relations"] > 0
    return id_


def test_documents_become_nodes_and_edges_with_their_trail(served: tuple[Client, Path]) -> None:
    graph = served[0].post("/v1/graph", {"documents": [ADA, CORA]}).json()
    nodes = {node["id"]: node for node in graph["nodes"]}
    by_name = {node["name"]: node for node in nodes.values()}
    assert set(by_name) == {"Ada", "Bob", "Acme", "Cora", "works"}
    assert by_name["Acme"]["mentions"] == 2 and by_name["Ada"]["type"] == "person" and by_name["works"]["event"]
    assert graph["counts"] == {"nodes": 5, "edges": 6, "documents": 2, "violations": 0} and graph["whole"]
    texts = {"1": ADA["text"], "2": CORA["text"]}
    for edge in graph["edges"]:
        assert nodes[edge["head_node"]]["name"] == edge["head"]
        text = texts[edge["document"]]
        assert text[edge["head_start"] : edge["head_end"]] == edge["head"]
        assert edge["snippet"] in text
        if edge["kind"] == "type":
            assert edge["tail_node"] is None
        else:
            assert nodes[edge["tail_node"]]["name"] == edge["tail"]
            assert text[edge["tail_start"] : edge["tail_end"]] == edge["tail"]


def test_a_layout_is_the_same_each_time(served: tuple[Client, Path]) -> None:
    body = {"documents": [ADA, CORA], "layout": True}
    first, second = (served[0].post("/v1/graph", body).json() for _ in range(2))
    assert first == second
    assert len({(node["x"], node["y"]) for node in first["nodes"]}) == 5


def test_pages_of_documents_are_shown_on_the_edges(served: tuple[Client, Path]) -> None:
    places = [{"start": 0, "end": 16, "page": 3, "paragraph": 1}, {"start": 17, "end": 36, "page": 4, "paragraph": 1}]
    graph = served[0].post("/v1/graph", {"documents": [ADA | {"meta": {"places": places}}]}).json()
    told = {edge["relation"]: edge["place"] for edge in graph["edges"] if edge["kind"] == "relation"}
    assert told == {"spouse": "page 3, paragraph 1", "works for": "page 4, paragraph 1"}


def test_a_graph_is_held_against_a_schema(served: tuple[Client, Path]) -> None:
    schema = {"entities": ["person", "city"], "relations": {"spouse": {"domain": ["city"]}, "works for": {}}}
    body = {"documents": [ADA], "schema": schema}
    told = served[0].post("/v1/graph", body).json()
    assert [v["rule"] for v in told["violations"]] == ["domain"] and told["counts"]["edges"] == 3
    assert told["violations"][0]["edge"] in {edge["id"] for edge in told["edges"]}
    pruned = served[0].post("/v1/graph", body | {"prune": ["domain"]}).json()
    assert {edge["relation"] for edge in pruned["edges"]} == {"works for", "type"}


def test_things_that_are_one_are_merged(served: tuple[Client, Path]) -> None:
    two = {"text": "Acme Inc. hired Dan.", "id": "3", "relation": [
        {"head": "Acme Inc.", "relation": "hired", "tail": "Dan", "head_pos": [0, 9], "tail_pos": [16, 19]}]}
    body = {"documents": [ADA, CORA, two]}
    apart, merged = (served[0].post("/v1/graph", body | {"merge": merge}).json() for merge in (False, True))
    assert len(merged["nodes"]) == len(apart["nodes"]) - 1
    assert any(node.get("aliases") for node in merged["nodes"])


@pytest.mark.parametrize("form", sorted(forms()))
def test_every_form_can_be_had(served: tuple[Client, Path], job: str, form: str, tmp_path: Path) -> None:
    client, _ = served
    for answer in (client.get(f"/v1/documents/{job}/graph?form={form}"),
                   client.post("/v1/graph", {"documents": [ADA, CORA], "form": form})):
        if answer.status == 501:
            assert "not installed" in answer.json()["error"]["problem"]
            return
        assert answer.status == 200 and answer.body, answer.body[:300]
        name = answer.headers["content-disposition"].split('filename="')[1].rstrip('"')
        assert "/" not in name and name.startswith(("graph.", "nodes."))
    path = tmp_path / name
    path.write_bytes(answer.body)
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
            archive.extractall(tmp_path)
        path = path.with_suffix("")
    if forms()[form].read is not None and form != "nodes":
        with graph_of(str(path)) as store:
            assert store.one("SELECT count(*) FROM thing") == 5


def test_temporary_files_go_away(served: tuple[Client, Path], job: str) -> None:
    client, data = served
    for path in ("graph?form=turtle", "graph?form=neo4j", "graph", "graph/find?name=*"):
        assert client.get(f"/v1/documents/{job}/{path}").status == 200
    client.post("/v1/graph", {"documents": [ADA]})
    client.post("/v1/graph", {"documents": [ADA, {"text": 1}]})
    assert [path.name for path in (data / "jobs").iterdir()] == [job]


def test_a_job_has_a_graph_to_look_into(served: tuple[Client, Path], job: str) -> None:
    client, data = served
    graph = client.get(f"/v1/documents/{job}/graph").json()
    assert graph["whole"] and graph["counts"]["documents"] == len(TEXTS)
    few = client.get(f"/v1/documents/{job}/graph?limit=5").json()
    assert len(few["edges"]) == 5 and not few["whole"] and few["edges"] == graph["edges"][:5]
    facts = client.get(f"/v1/documents/{job}/graph/find?relation=works%20for&limit=3").json()
    assert len(facts["edges"]) == 3 and facts["more"]
    assert {edge["relation"] for edge in facts["edges"]} == {"works for"}
    head, tail = facts["edges"][0]["head"], facts["edges"][0]["tail"]
    way = client.send("GET", f"/v1/documents/{job}/graph/path?start={_quoted(head)}&end={_quoted(tail)}").json()
    assert len(way["steps"]) <= 1
    lost = client.get(f"/v1/documents/{job}/graph/path?start=nobody&end=nothing")
    assert lost.status == 422 and "find?name" in lost.json()["error"]["fix"]
    assert (data / "jobs" / job / "graph.db").exists()


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")


@pytest.mark.parametrize(("body", "field"), [
    ({"documents": []}, "documents"), ({"documents": [{}]}, "documents[0].text"), ({}, "documents"),
    ({"documents": [ADA], "form": "exe"}, "form"), ({"documents": [ADA], "form": "../x"}, "form"),
    ({"documents": [ADA], "prune": ["domain"]}, "prune"),
    ({"documents": [ADA], "schema": "person", "prune": ["nope"]}, "prune"),
    ({"documents": [ADA], "schema": {"a": 1}}, None), ({"documents": [ADA], "limit": 0}, "limit"),
    ({"documents": [ADA], "more": 1}, "more"), ({"documents": "x"}, "documents"),
    ({"documents": [ADA | {"relation": [{"head": "x"}]}]}, "documents[0].relation[0].tail"),
])
def test_requests_that_mean_nothing(served: tuple[Client, Path], body: dict[str, Any], field: str | None) -> None:
    answer = served[0].post("/v1/graph", body)
    assert answer.status == 422, answer.body
    error = answer.json()["error"]
    assert error["problem"] and (field is None or error["field"].startswith(field)), error


# Questions.


def asked(client: Client, job: str, query: str, **more: Any) -> Any:
    return client.post(f"/v1/documents/{job}/graph/query", {"query": query} | more)


def test_sql_and_sparql(served: tuple[Client, Path], job: str) -> None:
    client, _ = served
    answer = asked(client, job, "SELECT count(*) AS n FROM fact WHERE relation = :r", values={"r": "works for"})
    assert answer.status == 200, answer.body
    count = answer.json()["rows"][0][0]
    assert answer.json()["columns"] == ["n"] and count > 0 and not answer.json()["more"]
    few = asked(client, job, "SELECT head, tail FROM fact", limit=2).json()
    assert len(few["rows"]) == 2 and few["more"]
    answer = asked(client, job, "SELECT ?a ?b WHERE { ?a rel:works%20for ?b }")
    assert answer.status in (200, 501), answer.body
    if answer.status == 200:
        assert answer.json()["columns"] == ["a", "b"]
        assert len(answer.json()["rows"]) <= count


@pytest.mark.parametrize("query", [
    "DELETE FROM node", "ATTACH '/etc/passwd' AS x", "PRAGMA journal_mode = OFF", "SELECT load_extension('x')",
    "SELECT nope", "@/etc/passwd", "SELECT 1; DROP TABLE node", "VACUUM INTO '/tmp/x'", "MATCH (a) RETURN a",
    "SELECT ?x WHERE { SERVICE <http://127.0.0.1/> { ?x ?y ?z } }", "INSERT DATA { <a:a> <a:b> <a:c> }",
    "LOAD <file:///etc/passwd>", "SELECT ?x WHERE {", "SELECT :missing", "\x00",
])
def test_questions_that_ask_too_much(served: tuple[Client, Path], job: str, query: str) -> None:
    answer = asked(served[0], job, query)
    assert answer.status in (422, 501), answer.body
    assert str(served[1]) not in answer.body.decode()


def test_no_file_is_read_by_sparql(served: tuple[Client, Path], job: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ttl"
    secret.write_text("<a:secret> <a:is> <a:out> .")
    answer = asked(served[0], job, f"SELECT ?x FROM <{secret.as_uri()}> WHERE {{ ?x ?y ?z }}")
    assert answer.status in (200, 422, 501)
    assert b"a:secret" not in answer.body


def test_questions_without_end_are_given_up(served: tuple[Client, Path], job: str,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iepile.service.graph_query.SECONDS", 2.0)
    client, _ = served
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n"
    large = "SELECT length(randomblob(900000000)) + length(zeroblob(900000000)), hex(zeroblob(900000000))"
    for query in (endless, large):
        began = time.monotonic()
        answer = asked(client, job, query)
        assert answer.status in (422, 504), answer.body[:200]
        assert time.monotonic() - began < 20
    assert asked(client, UNKNOWN, "SELECT 1").status == 404


def test_an_answer_is_cut_where_it_is_too_large(served: tuple[Client, Path], job: str) -> None:
    path = served[1] / "jobs" / job / "graph.db"
    assert served[0].get(f"/v1/documents/{job}/graph").status == 200
    many = ("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100) "
            "SELECT hex(zeroblob(1000000)) FROM n")
    answer = answered(Question(str(path), many, "sql", {}, 100))
    assert answer.more and 10 < len(answer.rows) < 30
