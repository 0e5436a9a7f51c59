"""kill -9 of the service in the middle of a job: after a restart it ends with the same bytes, nothing lost or twice."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from served_models import SCHEMA, TEXTS
from service_client import ServiceProcess, form

SETTINGS = {"orders": 4, "window": 64, "passes": 1}


def documents(count: int, length: int) -> list[dict[str, Any]]:
    """Texts of so many sentences, none like another."""
    return [{"id": f"d{n}", "meta": {"number": n},
             "text": " ".join(TEXTS[(n * 7 + k * (1 + n % 5)) % len(TEXTS)] for k in range(length + n % 3))}
            for n in range(count)]


def size(data: Path, id_: str) -> int:
    """Of the journal of a job, which grows with every answer; 0: it is over."""
    journal = data / "jobs" / id_ / "result.jsonl.journal"
    return journal.stat().st_size if journal.exists() else 0


def undisturbed(model: Path, data: Path, body: dict[str, Any], by_command: bool) -> bytes:
    with ServiceProcess(model, data, by_command) as service:
        id_ = service.client.post("/v1/documents", body).json()["id"]
        assert service.client.ended(id_, 300)["state"] == "done"
        return service.client.get(f"/v1/documents/{id_}/result").body


def tormented(model: Path, data: Path, body: dict[str, Any], kills: int, by_command: bool) -> tuple[bytes, int]:
    """The result of a job whose service is killed; and how many kills fell into its middle."""
    rng, amid = random.Random(0), 0
    with ServiceProcess(model, data, by_command) as service:
        id_ = service.client.post("/v1/documents", body).json()["id"]
        before = 0
        for kill in range(kills):
            if kill:
                service.launch()
            until = time.monotonic() + 60
            # Some time after it has answered something since the start.
            while size(data, id_) <= before and not (before and not size(data, id_)):
                assert service.alive and time.monotonic() < until
                time.sleep(0.002)
            time.sleep(rng.random() * len(body["documents"]) / 1000)
            service.end()
            before = size(data, id_)
            amid += bool(before)
        service.start()
        job = service.client.ended(id_, 300)
        assert job["state"] == "done", job
        assert job["done"] == job["total"] == len(body["documents"]) == job["counts"]["documents"]
        return service.client.get(f"/v1/documents/{id_}/result").body, amid


def check(model: Path, folder: Path, count: int, kills: int, by_command: bool) -> None:
    body = {"documents": documents(count, 40), "schema": SCHEMA, "settings": SETTINGS}
    whole = undisturbed(model, folder / "calm", body, by_command)
    torn, amid = tormented(model, folder / "torn", body, kills, by_command)
    assert amid == kills, "the job was over before it was killed"
    assert torn == whole
    assert whole.count(b"\n") == count


def test_killed_in_the_middle_of_a_job(compact: Path, tmp_path: Path) -> None:
    check(compact, tmp_path, count=40, kills=2, by_command=False)


@pytest.mark.slow
def test_killed_in_the_middle_of_five_hundred_documents(compact: Path, tmp_path: Path) -> None:
    check(compact, tmp_path, count=500, kills=5, by_command=True)


@pytest.mark.slow
def test_killed_while_a_language_model_answers(language_model: Path, tmp_path: Path) -> None:
    body = {"documents": documents(16, 1), "schema": SCHEMA, "settings": {"orders": 2}}
    whole = undisturbed(language_model, tmp_path / "calm", body, by_command=True)
    torn, amid = tormented(language_model, tmp_path / "torn", body, kills=2, by_command=True)
    assert amid == 2 and torn == whole


def test_stopped_politely_it_goes_on_too(compact: Path, tmp_path: Path) -> None:
    body = {"documents": documents(30, 40), "schema": SCHEMA, "settings": SETTINGS}
    with ServiceProcess(compact, tmp_path / "data") as service:
        id_ = service.client.post("/v1/documents", body).json()["id"]
        service.client.until(id_, lambda job: job["done"] > 2)
        began = time.monotonic()
        service.end(signal.SIGTERM)
        assert time.monotonic() - began < 15
        service.start()
        job = service.client.ended(id_)
        assert (job["state"], job["done"]) == ("done", 30)


def test_killed_while_files_are_read_and_while_they_come_in(compact: Path, tmp_path: Path) -> None:
    files = [(f"{n}.md", f"# {TEXTS[n % len(TEXTS)]}\n\n{TEXTS[(n + 1) % len(TEXTS)]}\n".encode()) for n in range(24)]
    with ServiceProcess(compact, tmp_path / "data") as service:
        jobs = tmp_path / "data" / "jobs"
        id_ = service.client.upload(files, schema="person, firm").json()["id"]
        service.client.until(id_, lambda job: job["files_read"] > 0)
        half = form(files, schema="person, firm")[:-2000]
        connection = _half_sent(service.port, half)
        until = time.monotonic() + 30
        while len(list(jobs.iterdir())) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        service.end()
        connection.close()
        assert len(list(jobs.iterdir())) == 2, "what came in by half is still there"
        service.start()
        assert [path.name for path in jobs.iterdir()] == [id_]
        job = service.client.ended(id_)
        assert (job["state"], job["total"], job["files_failed"]) == ("done", 24, 0)
        rows = service.client.get(f"/v1/documents/{id_}/result").rows()
        assert [row["id"] for row in rows] == [name for name, _ in files]
        assert not (jobs / id_ / "files").exists()


def test_a_disk_that_is_full_is_told_and_the_job_goes_on_later(compact: Path, tmp_path: Path) -> None:
    body = {"documents": documents(30, 40), "schema": SCHEMA, "settings": SETTINGS}
    with ServiceProcess(compact, tmp_path / "data", most_bytes=600_000) as service:
        id_ = service.client.post("/v1/documents", body).json()["id"]
        job = service.client.ended(id_)
        assert job["state"] == "failed" and "cannot be written" in job["error"], job
        assert str(tmp_path) not in job["error"]
        answered = service.client.get(f"/v1/documents/{id_}/result").body
        assert answered
        assert service.client.get("/v1/documents").status == 200, "the service itself goes on"
        service.end(signal.SIGTERM)
    with ServiceProcess(compact, tmp_path / "data") as service:
        assert service.client.get(f"/v1/documents/{id_}").json()["state"] == "failed"
        assert service.client.post(f"/v1/documents/{id_}/resume").status == 200
        assert service.client.ended(id_)["state"] == "done"
        assert service.client.get(f"/v1/documents/{id_}/result").body.startswith(answered)


def _half_sent(port: int, body: bytes) -> Any:
    import socket

    connection = socket.create_connection(("127.0.0.1", port), 30)
    head = ("POST /v1/documents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=----toy\r\n"
            f"Content-Length: {len(body) + 2000}\r\n\r\n")
    connection.sendall(head.encode() + body)
    return connection
