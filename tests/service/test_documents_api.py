"""Jobs over HTTP: how they are told, listed, stopped, gone on with, taken away, and listened to."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.extraction.answered import PredictSummary
from iepile.extraction.engines.engine import open_engine
from iepile.extraction.predict import PredictConfig, predict
from iepile.jsonl import write_rows
from iepile.schema import Schema
from iepile.service.config import ServeConfig
from iepile.service.models import WINDOW
from served_models import SCHEMA, TEXTS
from service_client import Client, in_thread

UNKNOWN = "0123456789abcdef0123456789abcdef"
HARD = {"orders": 8, "window": 64}


def config(compact: Path, data: Path, **more: Any) -> ServeConfig:
    return ServeConfig(**{"model": str(compact), "data_dir": str(data), "page": False} | more)


@pytest.fixture(scope="module")
def served(compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with in_thread(config(compact, tmp_path_factory.mktemp("data"))) as client:
        yield client


def texts(count: int, length: int = 1) -> list[str]:
    return [" ".join(TEXTS[(n + k * 3) % len(TEXTS)] for k in range(length)) for n in range(count)]


def handed_in(client: Client, count: int = 3, length: int = 1, **more: Any) -> str:
    answer = client.post("/v1/documents", {"texts": texts(count, length), "schema": SCHEMA} | more)
    assert answer.status == 202, answer.body
    return str(answer.json()["id"])


def long_job(client: Client, count: int = 60) -> str:
    """One that is in work for some seconds."""
    return handed_in(client, count, 60, settings=HARD)


def test_a_result_is_what_predict_gives(served: Client, compact: Path, tmp_path: Path) -> None:
    rows = [{"text": text, "id": f"n{n}", "meta": {"k": n}, "language": "en"} for n, text in enumerate(texts(5, 40))]
    body = {"documents": rows, "schema": SCHEMA, "settings": {"orders": 2}}
    id_ = str(served.post("/v1/documents", body).json()["id"])
    job = served.ended(id_)
    got = served.get(f"/v1/documents/{id_}/result")
    assert got.headers["x-job-state"] == "done" and got.headers["content-type"] == "application/x-ndjson"
    write_rows(tmp_path / "in.jsonl", rows)
    Schema.from_dict(SCHEMA).write(tmp_path / "schema.json")
    asked = PredictConfig(str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), str(compact), orders=2,
                          schema_path=str(tmp_path / "schema.json"))
    summary: PredictSummary = predict(asked, open_engine("compact", str(compact), {"window": WINDOW}))
    expected = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert got.rows() == expected
    assert job["counts"] == {"documents": 5, "entities": summary.entities, "relations": summary.relations,
                             "events": summary.events, "errors": 0}
    assert summary.entities > 5


def test_a_result_comes_in_pages_and_as_a_file(served: Client) -> None:
    id_ = handed_in(served, 7)
    served.ended(id_)
    whole = served.get(f"/v1/documents/{id_}/result").rows()
    assert [row["id"] for row in whole] == [f"text-{n}" for n in range(1, 8)]
    for offset, limit in ((0, 3), (3, 3), (6, 3), (9, 3), (5, 0)):
        page = served.get(f"/v1/documents/{id_}/result?offset={offset}&limit={limit}").rows()
        assert page == whole[offset : offset + limit if limit else None]
    file = served.get(f"/v1/documents/{id_}/result?download=true")
    assert file.headers["content-disposition"] == f'attachment; filename="{id_}.jsonl"'
    assert served.get(f"/v1/documents/{id_}/result?offset=-1").status == 422


@pytest.mark.parametrize("path", ["", "/result", "/events", "/graph", "/graph/find", "/graph/path?start=a&end=b"])
@pytest.mark.parametrize("id_", [UNKNOWN, "x", "..%2f..%2fetc", "%00", "a" * 64])
def test_unknown_jobs_are_told_in_our_shape(served: Client, path: str, id_: str) -> None:
    answer = served.get(f"/v1/documents/{id_}{path}")
    assert answer.status == 404, answer.body
    assert answer.json()["error"]["problem"]


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/cancel"), ("POST", "/resume")])
def test_what_is_done_to_unknown_jobs(served: Client, method: str, path: str) -> None:
    assert served.send(method, f"/v1/documents/{UNKNOWN}{path}").status == 404


def test_jobs_are_listed_the_newest_first(compact: Path, tmp_path: Path) -> None:
    with in_thread(config(compact, tmp_path)) as client:
        assert client.get("/v1/documents").json() == {"jobs": [], "total": 0}
        ids = [handed_in(client, 1) for _ in range(5)]
        for id_ in ids:
            client.ended(id_)
        page = client.get("/v1/documents?limit=2&offset=1").json()
        assert page["total"] == 5 and [job["id"] for job in page["jobs"]] == ids[::-1][1:3]
        assert "files" not in page["jobs"][0]
        assert client.get("/v1/documents?state=failed&state=cancelled").json()["total"] == 0
        assert client.get("/v1/documents?state=done&limit=1").json()["total"] == 5
        assert client.get("/v1/documents?state=nope").status == 422
        assert len(set(ids)) == 5 and all(len(id_) == 32 for id_ in ids)


def test_a_job_is_stopped_and_gone_on_with(served: Client) -> None:
    whole = long_job(served)
    served.ended(whole)
    id_ = long_job(served)
    job = served.until(id_, lambda job: job["done"] > 3)
    assert job["state"] == "running" and job["total"] == 60 and job["started"] >= job["created"]
    stopped = served.post(f"/v1/documents/{id_}/cancel")
    assert (stopped.status, stopped.json()["state"]) == (200, "cancelled")
    assert served.post(f"/v1/documents/{id_}/cancel").status == 409
    part = served.get(f"/v1/documents/{id_}/result")
    assert part.headers["x-job-state"] == "cancelled"
    lines = part.body
    assert 3 < lines.count(b"\n") < 60
    full = served.get(f"/v1/documents/{whole}/result").body
    assert full.startswith(lines)
    assert _resumed(served, id_) == "done"
    assert served.get(f"/v1/documents/{id_}/result").body == full
    assert served.post(f"/v1/documents/{id_}/resume").status == 409


def _resumed(client: Client, id_: str) -> str:
    until = time.monotonic() + 20
    while (answer := client.post(f"/v1/documents/{id_}/resume")).status == 409:
        assert time.monotonic() < until, answer.body
        time.sleep(0.05)
    assert answer.json()["state"] in ("waiting", "running")
    return str(client.ended(id_)["state"])


def test_what_is_answered_can_be_read_while_the_job_goes_on(served: Client) -> None:
    id_ = long_job(served)
    seen = []
    while (answer := served.get(f"/v1/documents/{id_}/result")).headers["x-job-state"] != "done":
        seen.append(answer.body)
        time.sleep(0.3)
    assert all(answer.body.startswith(part) for part in seen)
    assert any(0 < part.count(b"\n") < 60 for part in seen)


def test_a_job_is_taken_away_whole(compact: Path, tmp_path: Path) -> None:
    with in_thread(config(compact, tmp_path)) as client:
        done, running = handed_in(client), long_job(client)
        client.ended(done)
        client.until(running, lambda job: job["done"] > 0)
        for id_ in (done, running):
            assert client.send("DELETE", f"/v1/documents/{id_}").status == 204
            assert client.get(f"/v1/documents/{id_}").status == 404
            assert client.send("DELETE", f"/v1/documents/{id_}").status == 404
        until = time.monotonic() + 20
        while list((tmp_path / "jobs").iterdir()):
            assert time.monotonic() < until
            time.sleep(0.02)
        assert client.get("/v1/documents").json()["total"] == 0
        client.ended(handed_in(client))


def test_a_small_job_does_not_wait_for_huge_ones(served: Client) -> None:
    huge = [handed_in(served, 200, 60, settings=HARD) for _ in range(5)]
    small = handed_in(served, 2)
    assert served.ended(small)["state"] == "done"
    states = [served.get(f"/v1/documents/{id_}").json()["state"] for id_ in huge]
    assert states.count("done") == 0 and states.count("running") == 3 and states.count("waiting") == 2
    for id_ in huge:
        served.send("DELETE", f"/v1/documents/{id_}")


def test_answers_of_a_job_do_not_depend_on_who_else_asks(served: Client) -> None:
    calm = handed_in(served, 30, 40, settings={"orders": 2})
    served.ended(calm)
    over, statuses = threading.Event(), set[int]()

    def ask() -> None:
        while not over.is_set():
            statuses.add(served.post("/v1/extract", {"text": texts(1, 5)[0], "schema": SCHEMA}).status)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        busy = [handed_in(served, 30, 40, settings={"orders": 2}) for _ in range(2)]
        assert {served.ended(id_)["state"] for id_ in busy} == {"done"}
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert statuses == {200}
    results = {served.get(f"/v1/documents/{id_}/result").body for id_ in (calm, *busy)}
    assert len(results) == 1


def test_questions_that_failed_are_asked_again_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("openai")
    from server_double import Double

    broken = [True]
    # The engine is tried out with texts of its own before; ours hold a number.
    with Double("vllm", fault=lambda text, n: "500 broken" if "Bob 3" in text and broken[0] else None) as double:
        engine = {"retries": 0, "model_name": double.models[0]}
        with in_thread(config(tmp_path, tmp_path, model=double.url, engine_options=engine)) as client:
            body = {"texts": [f"Ada met Bob {n}." for n in range(6)], "schema": "person"}
            id_ = str(client.post("/v1/documents", body).json()["id"])
            job = client.ended(id_)
            assert (job["state"], job["counts"]["errors"], job["done"]) == ("done", 1, 6)
            rows = client.get(f"/v1/documents/{id_}/result").rows()
            assert [row.get("finish", "") for row in rows] == ["", "", "", "error", "", ""]
            assert client.get(f"/v1/documents/{id_}/graph").json()["counts"]["documents"] == 5
            broken[0] = False
            before = len(double.asked)
            assert _resumed(client, id_) == "done"
            assert len(double.asked) - before == 1, "only what failed is asked again"
            mended = client.get(f"/v1/documents/{id_}/result").rows()
            assert [row["entity"] for row in mended[:3]] == [row["entity"] for row in rows[:3]]
            assert len(mended[3]["entity"]) == 2 and "finish" not in mended[3]
            assert client.get(f"/v1/documents/{id_}").json()["counts"]["errors"] == 0
            assert client.get(f"/v1/documents/{id_}/graph").json()["counts"]["documents"] == 6, "the graph is made anew"
            assert client.post(f"/v1/documents/{id_}/resume").status == 409


# Events.


@contextmanager
def listening(client: Client, id_: str, last: str = "") -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
    connection.request("GET", f"/v1/documents/{id_}/events", headers={"Last-Event-ID": last} if last else {})
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def events(raw: bytes) -> list[dict[str, str]]:
    """Server-sent events, by their fields."""
    return [dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            for block in raw.decode().split("\n\n") if block and not block.startswith(":")]


def test_listeners_hear_all_of_it_and_the_end(served: Client) -> None:
    id_ = long_job(served)
    heard: list[list[dict[str, str]]] = []

    def listen() -> None:
        with listening(served, id_) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            heard.append(events(response.read()))

    threads = [threading.Thread(target=listen) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(heard) == 20
    for found in heard:
        states = [json.loads(event["data"]) for event in found]
        assert {event["event"] for event in found} == {"state"}
        assert states[-1]["state"] == "done" and states[-1]["done"] == 60 and found[-1]["id"] == "end"
        done = [state["done"] for state in states]
        assert done == sorted(done) and len(set(done)) > 3
        assert any("seconds_left" in state for state in states)
    with listening(served, id_) as response:
        found = events(response.read())
        assert len(found) == 1 and json.loads(found[0]["data"])["state"] == "done"
    with listening(served, id_, last="end") as response:
        assert response.status == 204, "a browser need not come back"


def test_listeners_are_told_that_a_job_was_taken_away_and_may_leave(served: Client) -> None:
    id_ = long_job(served)
    with listening(served, id_) as leaving:
        leaving.read1(10)
    with listening(served, id_) as response:
        served.send("DELETE", f"/v1/documents/{id_}")
        found = events(response.read())
    assert found[-1]["event"] == "gone"


def test_a_service_that_stops_lets_its_listeners_go(compact: Path, tmp_path: Path) -> None:
    with ExitStack() as service:
        client = service.enter_context(in_thread(config(compact, tmp_path)))
        with listening(client, long_job(client, 200)) as response:
            response.read1(10)
            began = time.monotonic()
            service.close()
            assert response.read().endswith(b"\n\n")
            assert time.monotonic() - began < 20


# What a restart finds.


def test_a_model_that_is_served_no_longer(compact: Path, tmp_path: Path) -> None:
    with in_thread(config(compact, tmp_path, models={"other": str(compact)})) as client:
        id_ = handed_in(client, 100, 60, settings=HARD, model="other")
        client.until(id_, lambda job: job["done"] > 2)
    with in_thread(config(compact, tmp_path)) as client:
        job = client.ended(id_)
        assert job["state"] == "failed" and "no model 'other'" in job["error"] and "resume" in job["error"]
        assert client.get(f"/v1/documents/{id_}/result").status == 200
        assert client.post("/v1/documents", {"texts": ["x"], "schema": "a", "model": "other"}).status == 422
    with in_thread(config(compact, tmp_path, models={"other": str(compact)})) as client:
        assert _resumed(client, id_) == "done"


def test_two_services_do_not_share_a_folder(compact: Path, tmp_path: Path) -> None:
    from iepile.service.jobs import Jobs
    from iepile.service.models import Models

    with in_thread(config(compact, tmp_path)), pytest.raises(InputError, match="another service"):
        Jobs(tmp_path, Models(config(compact, tmp_path)))


def test_old_jobs_go_if_that_is_asked(compact: Path, tmp_path: Path) -> None:
    with in_thread(config(compact, tmp_path)) as client:
        old, new = handed_in(client), handed_in(client)
        client.ended(old)
        client.ended(new)
    import sqlite3

    with sqlite3.connect(tmp_path / "jobs.db") as db:
        db.execute("UPDATE job SET finished = finished - 3 * 86400 WHERE id = ?", (old,))
    db.close()
    with in_thread(config(compact, tmp_path)) as client:
        assert client.get("/v1/documents").json()["total"] == 2, "they stay unless it is asked"
    with in_thread(config(compact, tmp_path, keep_days=2)) as client:
        until = time.monotonic() + 20
        while client.get(f"/v1/documents/{old}").status != 404:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert client.get(f"/v1/documents/{new}").status == 200
        assert [path.name for path in (tmp_path / "jobs").iterdir()] == [new]
