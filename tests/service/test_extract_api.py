"""Extraction over HTTP: the answers of the engine itself, whole or in lines; what is refused, and who goes away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from iepile.extraction.engines.engine import Completion, Request, open_engine
from iepile.extraction.extractor import Extractor
from iepile.records import Document
from iepile.schema import Schema
from iepile.unified import document_from_row, document_to_row
from served_models import SCHEMA, TEXTS

Serve = Callable[..., TestClient]


@pytest.fixture(scope="module")
def alone(compact: Path) -> dict[str, dict[str, Any]]:
    """Text -> its row, as the engine answers it without a service."""
    extractor = Extractor(open_engine("compact", str(compact)))
    found = extractor.extract_many(TEXTS, Schema.from_dict(SCHEMA))
    return {text: document_to_row(Document(text, None, None, None, f.entities, f.relations, f.events,
                                           ("entity", "relation", "event")))
            for text, f in zip(TEXTS, found, strict=True)}


def test_the_answers_are_those_of_the_engine(serve: Serve, alone: dict[str, dict[str, Any]]) -> None:
    client = serve()
    answer = client.post("/v1/extract", json={"text": TEXTS[0], "schema": SCHEMA})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["model"] == "default" and body["documents"] == [alone[TEXTS[0]]] and 0 < body["seconds"] < 60
    assert body["documents"][0]["entity"] and body["documents"][0]["relation"]
    several = client.post("/v1/extract", json={"texts": TEXTS, "schema": SCHEMA}).json()
    assert several["documents"] == [alone[text] for text in TEXTS]
    for row in several["documents"]:
        document_from_row(row)  # every mention stands where it is said to stand


def test_many_clients_at_once_get_the_same(serve: Serve, alone: dict[str, dict[str, Any]]) -> None:
    client = serve(batch_wait=20)

    def ask(text: str) -> Any:
        return client.post("/v1/extract", json={"text": text, "schema": SCHEMA}).json()["documents"][0]

    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(ask, TEXTS * 3)) == [alone[text] for text in TEXTS * 3]
    sizes = client.app.state.service.models[""].sizes  # type: ignore[attr-defined]
    assert max(sizes) > 3


def test_documents_keep_what_they_are(serve: Serve) -> None:
    row = {"text": TEXTS[0], "id": "a-1", "language": "en", "source": "letters", "meta": {"page": 3},
           "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]}]}
    body = {"documents": [row], "schema": "firm", "tasks": ["NER"]}
    (found,) = serve().post("/v1/extract", json=body).json()["documents"]
    assert {k: found[k] for k in ("id", "language", "source", "meta")} == {k: row[k] for k in
                                                                          ("id", "language", "source", "meta")}
    assert {e["entity_type"] for e in found["entity"]} == {"firm"} and "relation" not in found


def test_lines_come_in_order_and_hold_the_same(serve: Serve, alone: dict[str, dict[str, Any]]) -> None:
    with serve().stream("POST", "/v1/extract", json={"texts": TEXTS, "schema": SCHEMA, "stream": True}) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(line) for line in answer.iter_lines()] == [alone[text] for text in TEXTS]


def test_settings_change_how_texts_are_asked(serve: Serve) -> None:
    client = serve()
    body = {"text": TEXTS[0], "schema": "person, firm"}
    every = client.post("/v1/extract", json=body).json()["documents"][0]["entity"]
    sure = client.post("/v1/extract", json=body | {"settings": {"min_confidence": 0.52}}).json()["documents"][0]
    assert sure["entity"] == [e for e in every if e["confidence"] >= 0.52] != every
    orders = client.post("/v1/extract", json=body | {"settings": {"orders": 2}}).json()["documents"][0]
    assert all(0 < e["support"] <= 1 for e in orders["entity"])


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({}, 422, "body"),
    ({"text": "a"}, 422, "body"),
    ({"schema": "a"}, 422, "text, texts, documents"),
    ({"schema": "a", "text": "a", "texts": ["a"]}, 422, "text, texts, documents"),
    ({"schema": "a", "texts": []}, 422, "texts"),
    ({"schema": "a", "documents": []}, 422, "documents"),
    ({"schema": "a", "texts": [1]}, 422, "texts[0]"),
    ({"schema": "a", "texts": ["a"] * 5}, 413, "texts"),
    ({"schema": "a", "text": "a" * 5001}, 413, "texts"),
    ({"schema": "a", "documents": [{"text": "a"}, {"id": "b"}]}, 422, "documents[1].text"),
    ({"schema": 5, "text": "a"}, 422, "schema"),
    ({"schema": "", "text": "a"}, 422, "schema"),
    ({"schema": "instructie:nowhere", "text": "a"}, 422, "schema"),
    ({"schema": {"entities": {"a": {"values": {"pattern": "(a+)+"}}}}, "text": "a"}, 422, "values"),
    ({"schema": {"entities": ["a", "a"]}, "text": "a"}, 422, "schema.entities"),
    ({"schema": [f"label {n}" for n in range(5001)], "text": "a"}, 422, "schema"),
    ({"schema": "a", "text": "a", "tasks": ["RE", "EE"]}, 422, "schema"),
    ({"schema": "a", "text": "a", "tasks": ["XX"]}, 422, "task"),
    ({"schema": "a", "text": "a", "tasks": ["EEA"]}, 422, "task"),
    ({"schema": "a", "text": "a", "model": "other"}, 422, "model"),
    ({"schema": "a", "text": "a", "settings": {"ordres": 2}}, 422, "settings"),
    ({"schema": "a", "text": "a", "settings": {"wording": "/etc/passwd"}}, 422, "settings"),
    ({"schema": "a", "text": "a", "settings": {"examples": "/etc/passwd"}}, 422, "settings"),
    ({"schema": "a", "text": "a", "settings": {"calibration": "/etc/passwd"}}, 422, "settings"),
    ({"schema": "a", "text": "a", "settings": {"orders": "2"}}, 422, "settings.orders"),
    ({"schema": "a", "text": "a", "settings": {"orders": 33}}, 422, "settings.orders"),
    ({"schema": "a", "text": "a", "settings": {"window": 5}}, 422, "settings.window"),
    ({"schema": "a", "text": "a", "strem": True}, 422, "body"),
    ({"schema": "a, b, c", "texts": ["a b c"] * 4, "settings": {"split_num": 1, "passes": 32}}, 422, "schema"),
]


def test_what_means_nothing_is_refused_with_its_field(serve: Serve) -> None:
    client = serve(max_texts=4, max_characters=5000, max_questions=300)
    for body, status, field in BAD:
        answer = client.post("/v1/extract", json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["field"]) == (status, field), (body, answer.text)
        assert error["problem"] and len(answer.content) < 3000


@pytest.mark.parametrize("body", [
    {"texts": ["abc def " * 380] * 64, "schema": [f"label {n}" for n in range(1900)]},
    {"text": "abc def " * 24_000, "schema": [f"label {n}" for n in range(1900)], "settings": {"split_num": 1}},
    {"text": "a b. " * 6000, "schema": [f"label {n}" for n in range(60)], "settings": {"window": 32, "overlap": 16}},
    {"text": "a b. " * 40_000, "schema": "person", "settings": {"window": 32, "overlap": 16, "passes": 32}},
    {"text": "abc def", "schema": [f"label {n}" for n in range(1900)],
     "settings": {"split_num": 1, "orders": 32, "passes": 32}},
])
def test_more_than_can_be_asked_is_refused_before_it_is_planned(body: dict[str, Any], serve: Serve) -> None:
    client = serve()
    started = time.process_time()
    answer = client.post("/v1/extract", json=body)
    assert answer.status_code == 422 and "more than 4,096 questions" in answer.text, answer.text
    assert time.process_time() - started < 5


def test_a_wrong_setting_is_answered_with_the_right_name(serve: Serve) -> None:
    body = {"text": "a", "schema": "a", "settings": {"min_confidense": 1}}
    assert serve().post("/v1/extract", json=body).json()["error"]["fix"] == "did you mean min_confidence?"


def test_a_form_is_told_to_be_json(serve: Serve) -> None:
    answer = serve().post("/v1/extract", content=b"{}", headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 415 and "application/json" in answer.text


class Slow:
    """Answers when it may; what it was asked is noted."""

    name = "slow"

    def __init__(self) -> None:
        self.may = threading.Event()
        self.asked: list[str] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for request in requests:
            self.asked.append(request.instruction)
            assert self.may.wait(20)
            if "lasting" in request.instruction:
                yield Completion(request.key, "", "error", lasting=True,
                                 error="the prompt is too long\n  do:       use smaller windows")
            elif "passing" in request.instruction:
                yield Completion(request.key, "", "error", error="out of memory")
            elif "raising" in request.instruction:
                raise RuntimeError("secret detail")
            else:
                yield Completion(request.key, '{"person": []}')

    def close(self) -> None:
        self.may.set()


@pytest.fixture
def slow(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[TestClient, Slow]]:
    """A service whose engine waits."""

    def start(**settings: Any) -> tuple[TestClient, Slow]:
        engine = Slow()
        monkeypatch.setattr("iepile.service.models.open_engine", lambda *_: engine)
        return serve(**{"batch": 1, **settings}), engine

    return start


def test_work_that_takes_too_long_is_given_up_and_taken_back(slow: Callable[..., tuple[TestClient, Slow]]) -> None:
    client, engine = slow(timeout=0.4)
    started = time.monotonic()
    answer = client.post("/v1/extract", json={"texts": ["a", "b", "c"], "schema": "person"})
    assert answer.status_code == 504 and "0.4 seconds" in answer.json()["error"]["problem"]
    assert time.monotonic() - started < 5
    shared = client.app.state.service.models[""]  # type: ignore[attr-defined]
    assert shared.waiting == 0 and len(engine.asked) == 1
    engine.may.set()
    assert client.post("/v1/extract", json={"text": "d", "schema": "person"}).status_code == 200
    assert len(engine.asked) == 2


def test_a_stream_that_takes_too_long_says_so_in_its_last_line(slow: Callable[..., tuple[TestClient, Slow]]) -> None:
    client, engine = slow(timeout=0.6)

    engine.may.set()
    wait = engine.may.wait

    def waits(seconds: float) -> bool:
        if len(engine.asked) > 2:
            time.sleep(2)
        return wait(seconds)

    engine.may.wait = waits  # type: ignore[method-assign,assignment]
    with client.stream("POST", "/v1/extract", json={
            "texts": ["a", "b", "c", "d"], "schema": "person", "stream": True}) as answer:
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert answer.status_code == 200
    assert [row.get("text") for row in lines] == ["a", "b", None]
    assert lines[-1]["error"]["problem"] == "it took too long"


def test_faults_of_the_engine_are_told_apart(slow: Callable[..., tuple[TestClient, Slow]]) -> None:
    client, engine = slow()
    engine.may.set()
    lasting = client.post("/v1/extract", json={"text": "lasting", "schema": "person"})
    assert lasting.status_code == 422
    assert lasting.json()["error"] == {"problem": "the prompt is too long", "field": "text", "expected": None,
                                       "fix": "use smaller windows"}
    passing = client.post("/v1/extract", json={"text": "passing", "schema": "person"})
    assert passing.status_code == 500 and "out of memory" in passing.text
    raising = client.post("/v1/extract", json={"text": "raising", "schema": "person"})
    assert raising.status_code == 500 and "secret" not in raising.text
    body = {"texts": ["fine", "lasting"], "schema": "person", "stream": True}
    lines = client.post("/v1/extract", json=body).text.splitlines()
    assert json.loads(lines[0])["text"] == "fine" and json.loads(lines[1])["error"]["field"] == "text"
    first = client.post("/v1/extract", json=body | {"texts": ["lasting"]})
    assert first.status_code == 422


@pytest.mark.parametrize("stream", [False, True])
def test_who_goes_away_has_his_work_taken_back(
    stream: bool, slow: Callable[..., tuple[TestClient, Slow]]
) -> None:
    import anyio

    client, engine = slow()
    shared = client.app.state.service.models[""]  # type: ignore[attr-defined]

    async def leaves() -> None:
        body = json.dumps({"texts": [f"t{n}" for n in range(20)], "schema": "person", "stream": stream}).encode()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])
        gone = anyio.Event()

        async def receive() -> dict[str, Any]:
            if (message := next(messages, None)) is not None:
                return message
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            raise AssertionError("nobody is there")

        scope = {"type": "http", "method": "POST", "path": "/v1/extract", "raw_path": b"/v1/extract", "root_path": "",
                 "query_string": b"", "headers": [(b"content-type", b"application/json"), (b"host", b"a")],
                 "scheme": "http", "server": ("a", 80), "client": ("127.0.0.1", 1), "http_version": "1.1",
                 "asgi": {"version": "3.0", "spec_version": "2.3"}, "state": {}}
        async with anyio.create_task_group() as group:
            group.start_soon(client.app, scope, receive, send)
            with anyio.fail_after(10):
                while shared.waiting < 19:
                    await anyio.sleep(0.01)
            gone.set()

    client.portal.call(leaves)  # type: ignore[union-attr]
    end = time.monotonic() + 10
    while shared.waiting or shared._live:
        assert time.monotonic() < end
        time.sleep(0.01)
    engine.may.set()
    assert len(engine.asked) == 1


def test_more_than_the_queue_holds_is_told_to_come_again(slow: Callable[..., tuple[TestClient, Slow]]) -> None:
    client, engine = slow(queue=3)

    def ask() -> httpx.Response:
        return client.post("/v1/extract", json={"text": "a", "schema": "person"})

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(ask) for _ in range(8)]
        end = time.monotonic() + 10
        while sum(c.done() for c in calls) < 5:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1/schemas").status_code == 200
        engine.may.set()
        answers = [c.result(20) for c in calls]
    assert sorted(a.status_code for a in answers) == [200] * 3 + [429] * 5
    assert all(a.headers["retry-after"] == "1" for a in answers if a.status_code == 429)
    assert ask().status_code == 200
