"""Corrections over HTTP: what is kept, what is refused, and that the download is training data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from iepile.corpus.convert import ConvertConfig, convert
from iepile.service.app import create_app
from iepile.service.config import ServeConfig
from iepile.unified import document_from_row, document_to_row

TEXT = "Ada met Bob in Paris. 😀 Cora works for Acme."
DOCUMENT: dict[str, Any] = {
    "text": TEXT, "id": "note-1", "language": "en",
    "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]},
               {"entity": "Cora", "entity_type": "person", "pos": [24, 28]},
               {"entity": "Acme", "entity_type": "firm", "pos": [39, 43]}],
    "relation": [{"head": "Cora", "relation": "works for", "tail": "Acme", "head_type": "person", "tail_type": "firm",
                  "head_pos": [24, 28], "tail_pos": [39, 43]}],
    "event": [{"event_trigger": "met", "event_type": "meeting", "trigger_pos": [4, 7],
               "arguments": [{"argument": "Ada", "role": "host", "argument_pos": [0, 3]}]}],
}
WRONG = {"entity": [{"entity": "Bob in", "entity_type": "person", "pos": [8, 14]}]}


@pytest.fixture
def client(compact: Path, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(ServeConfig(model=str(compact), data_dir=str(tmp_path / "data")))) as found:
        yield found


def kept(client: TestClient) -> list[dict[str, Any]]:
    answer = client.get("/v1/corrections")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def test_saved_listed_read_downloaded_deleted(client: TestClient) -> None:
    body = {"document": DOCUMENT, "verdicts": {"accepted": 3, "corrected": 1, "rejected": WRONG}}
    answer = client.post("/v1/corrections", json=body)
    assert answer.status_code == 201
    entry = answer.json()
    assert entry["facts"] == {"entity": 3, "relation": 1, "event": 1} and entry["document_id"] == "note-1"
    listed = client.get("/v1/corrections/summary").json()
    assert listed == {"corrections": [entry], "total": 1}
    expected = DOCUMENT | {"meta": {"review": {"accepted": 3, "corrected": 1, "added": 0, "unreviewed": 0,
                                               "rejected": WRONG}}}
    assert kept(client) == [expected] == [client.get(f"/v1/corrections/{entry['id']}").json()]
    assert document_to_row(document_from_row(expected)) == expected
    again = client.post("/v1/corrections", json={"document": DOCUMENT, "replaces": entry["id"]}).json()
    assert [c["id"] for c in client.get("/v1/corrections/summary").json()["corrections"]] == [again["id"]]
    assert client.delete(f"/v1/corrections/{again['id']}").status_code == 204
    assert kept(client) == []
    for method in ("GET", "DELETE"):
        answer = client.request(method, f"/v1/corrections/{again['id']}")
        assert answer.status_code == 404 and answer.json()["error"]["fix"]


@pytest.mark.parametrize("task", ["NER", "RE", "EE"])
def test_the_download_is_training_data(client: TestClient, tmp_path: Path, task: str) -> None:
    looked_at = {"text": "Nobody was there.", "entity": [], "relation": [], "event": []}
    for document in (DOCUMENT, looked_at):
        assert client.post("/v1/corrections", json={"document": document}).status_code == 201
    (tmp_path / "c.jsonl").write_bytes(client.get("/v1/corrections").content)
    schema = {"entities": ["person", "firm"], "relations": ["works for"], "events": {"meeting": {"roles": ["host"]}}}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    convert(ConvertConfig(src_path=str(tmp_path / "c.jsonl"), tgt_path=str(tmp_path / "rows.json"), language="en",
                          schema_path=str(tmp_path / "schema.json"), task=task, split="train", split_num=4))
    rows = [json.loads(line) for line in (tmp_path / "rows.json").read_text("utf-8").splitlines()]
    answers = {json.loads(r["instruction"])["input"]: json.loads(r["output"]) for r in rows}
    found = {"NER": {"person": ["Ada", "Cora"], "firm": ["Acme"]},
             "RE": {"works for": [{"subject": "Cora", "object": "Acme"}]},
             "EE": {"meeting": [{"trigger": "met", "arguments": {"host": "Ada"}}]}}[task]
    assert answers[TEXT] == found
    assert not any(answers["Nobody was there."].values()), "a text without facts teaches that there are none"


@pytest.mark.parametrize(("document", "field"), [
    ({"text": ""}, "document.text"),
    ({"text": "Ada"}, "document"),
    ({"entity": []}, "text"),
    ({"text": "Ada", "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 2]}]}, "entity[0].pos"),
    ({"text": "Ada", "entity": [{"entity": "", "entity_type": "person"}]}, "entity[0].entity"),
    ({"text": "Ada", "relation": "none"}, "relation"),
    ({"text": "Ada", "entity": [], "meta": []}, "meta"),
])
def test_what_is_no_review_is_refused_by_field(client: TestClient, document: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/corrections", json={"document": document})
    assert answer.status_code == 422 and answer.json()["error"]["field"] == field, answer.text
    assert kept(client) == []


def test_rejected_facts_are_checked_like_others(client: TestClient) -> None:
    elsewhere = {"entity": "Zed", "entity_type": "x", "pos": [0, 3]}
    for more in ({"verdicts": {"rejected": {"entity": [elsewhere]}}}, {"verdicts": {"rejected": {"x": []}}},
                 {"verdicts": {"accepted": -1}}, {"path": "/etc/passwd"}):
        assert client.post("/v1/corrections", json={"document": DOCUMENT, **more}).status_code == 422, more


@pytest.mark.parametrize("text", ['"\\ud800 Ada"', '"Ada \\udfff"'])
def test_half_characters_are_refused(client: TestClient, text: str) -> None:
    answer = client.post("/v1/corrections", content=f'{{"document": {{"text": {text}, "entity": []}}}}',
                         headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500 and answer.json()["error"]["problem"]
    assert kept(client) == []


@pytest.mark.parametrize("value", ["1e400", "123456789012345678901234567890", "[" * 300 + "]" * 300, "NaN"])
def test_odd_values_break_nothing(client: TestClient, value: str) -> None:
    body = f'{{"document": {{"text": "Ada", "entity": [], "meta": {{"x": {value}}}}}}}'
    answer = client.post("/v1/corrections", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (201, 400, 422), answer.text
    assert all(json.dumps(d) for d in kept(client))


@pytest.mark.parametrize("query", ["offset=-1", "limit=0", "limit=100000", "offset=x"])
def test_pages_of_the_list(client: TestClient, query: str) -> None:
    documents = [{"text": f"{n}", "entity": []} for n in range(5)]
    ids = [client.post("/v1/corrections", json={"document": d}).json()["id"] for d in documents]
    page = client.get("/v1/corrections/summary?offset=1&limit=2").json()
    assert [c["id"] for c in page["corrections"]] == ids[1:3] and page["total"] == 5
    assert client.get(f"/v1/corrections/summary?{query}").status_code == 422


def test_the_interface_is_described(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    post = paths["/v1/corrections"]["post"]
    assert post["summary"] and "201" in post["responses"]
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    example = schemas["Correction"]["examples"][0]
    assert client.post("/v1/corrections", json=example).status_code == 201
    assert set(paths) >= {"/v1/corrections", "/v1/corrections/summary", "/v1/corrections/{name}"}
