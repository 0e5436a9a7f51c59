"""What careless and hostile users send: every answer says what is wrong, and nothing is let pass in silence."""

from __future__ import annotations

import errno
import io
import json
import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient

from iepile.errors import InputError
from iepile.service.errors import failure
from iepile.service.refusals import Refusal
from iepile.service.schemas import Schemas
from iepile.service.server import _OneLine
from iepile.service.tokens import read_tokens
from iepile.service.wire import check_json
from service_process import post, serving

Serve = Callable[..., TestClient]
ASKING = ("/v1/extract", "/v1/documents", "/v1/graph", "/v1/schemas/check", "/v1/chat/completions", "/v1/completions",
          "/v1/tokenize", "/v1/corrections")
KINDS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/xml")


def fault(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()["error"]
    return found


# What is not marked as JSON is not read as JSON: it would get round the bounds of what JSON may hold.

@pytest.mark.parametrize("kind", KINDS)
def test_bodies_of_other_types_are_refused_on_every_route(serve: Serve, kind: str) -> None:
    client = serve()
    for path in ASKING:
        if path == "/v1/documents" and kind.startswith("multipart"):
            continue
        answer = client.post(path, content=b'{"text": "Ada left.", "schema": "person"}', headers={"content-type": kind})
        error = fault(answer, 415)
        assert "application/json" in json.dumps(error)
        if kind.startswith("multipart"):
            assert "POST /v1/documents" in json.dumps(error)


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}, {"content-type": "text/plain"}])
def test_a_bomb_of_values_is_refused_however_it_is_marked(serve: Serve, headers: dict[str, str]) -> None:
    client, body = serve(), b'{"schema": [' + b"[]," * 1_000_001 + b"[]]}"
    for path in ("/v1/schemas/check", "/v1/extract", "/v1/chat/completions"):
        answer = client.post(path, content=body, headers=headers)
        assert answer.status_code == (415 if "text/plain" in headers.values() else 413)


# Numbers.

@pytest.mark.parametrize("number", ["1e400", "-1E+0999", "9" * 5000, "1" * 400 + ".5", "1" + "0" * 310 + "e0"])
def test_numbers_beyond_doubles_are_refused_and_not_changed(serve: Serve, number: str) -> None:
    client = serve()
    document = '{"text": "a", "entity": [], "meta": {"a": ' + number + "}}"
    for path, body in (("/v1/corrections", f'{{"document": {document}}}'),
                       ("/v1/graph", f'{{"documents": [{document}]}}'),
                       ("/v1/extract", f'{{"documents": [{document}], "schema": "person"}}'),
                       ("/v1/documents", f'{{"documents": [{document}], "schema": "person"}}')):
        answer = client.post(path, content=body, headers={"content-type": "application/json"})
        assert fault(answer, 400)["problem"] == "holds a number that is too large"
    assert client.get("/v1/corrections").text == ""


@pytest.mark.parametrize("text", ["1e400 and 2E999", "9" * 5000, "see e100, e+0999"])
def test_texts_that_look_like_such_numbers_pass(serve: Serve, text: str) -> None:
    answer = serve().post("/v1/corrections", json={"document": {"text": text, "entity": [], "meta": {"a": 1e300}}})
    assert answer.status_code == 201


def test_looking_for_large_numbers_is_quick() -> None:
    for run in (b"9" * 299 + b" ", b"e" * 300, b"e" + b"0" * 299, b"0" * 300):
        started = time.process_time()
        check_json(b'"' + run * 5_000 + b'"')
        assert time.process_time() - started < 2
    with pytest.raises(Refusal):
        check_json(b"[" + b"0.5," * 100 + b"1e309]")
    check_json(msgspec.json.encode([10**200, 1e308, 1e-308, "1e999"]))


# Schemas.

@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "schemas"
    made.mkdir()
    (made / "news.yaml").write_text("entities: [person]")
    return made


@pytest.mark.parametrize("name", ["news.yaml", "News", "NEWS.yml", "schemas/news.yaml", "/srv/schemas/news.json"])
def test_a_file_name_is_no_label(folder: Path, name: str) -> None:
    with pytest.raises(InputError) as e:
        Schemas(str(folder)).of(name)
    assert e.value.fix is not None and "did you mean news?" in e.value.fix


def test_a_file_that_is_not_served_is_no_label(folder: Path) -> None:
    with pytest.raises(InputError) as e:
        Schemas(str(folder)).of("people.yaml")
    assert e.value.expected is not None and e.value.expected.startswith("news")
    assert Schemas(str(folder)).of("person, file.json").entity_names == ("person", "file.json")


@pytest.mark.parametrize("text", ['{"entities": ["person"]}', '["person", "place"]', " {entities: [person]}"])
def test_an_object_in_quotes_is_told(folder: Path, text: str) -> None:
    with pytest.raises(InputError) as e:
        Schemas(str(folder)).of(text)
    assert e.value.fix == "send it as it is, without them"


def test_a_schema_and_a_file_are_not_checked_at_once(serve: Serve) -> None:
    answer = serve().post("/v1/schemas/check", json={"schema": "person", "file": "entities: [place]"})
    assert fault(answer, 422)["problem"] == "give one of them"


def test_the_languages_are_told(serve: Serve) -> None:
    answer = serve().post("/v1/extract", json={"text": "a", "schema": "person", "settings": {"language": "fr"}})
    assert fault(answer, 422)["expected"].startswith("zh, en")


# Addresses.

@pytest.mark.parametrize("path, name, near", [
    ("/v1/documents?lmit=5", "lmit", "limit"), ("/v1/documents/0/graph/find?nme=Ada", "nme", "name"),
    ("/v1/documents/0/result?offset=1&dwnload=true", "dwnload", "download"), ("/v1/schemas?\r\nx=1", "\r\nx", None),
    ("/v1/corrections/summary?lim=1", "lim", "limit"), ("/v1/documents/0?x=1", "x", None),
])
def test_parameters_that_no_route_knows_are_told(serve: Serve, path: str, name: str, near: str | None) -> None:
    error = fault(serve().get(path.replace("\r\n", "%0d%0a")), 422)
    assert error["field"] == name and repr(name) in error["problem"]
    assert error["fix"] == (f"did you mean {near}?" if near else "leave it out")


def test_parameters_of_other_clients_pass(serve: Serve) -> None:
    client = serve()
    assert client.get("/v1/models?api-version=2024-06-01").status_code == 200
    assert client.get("/healthz?now=1").status_code == client.get("/metrics?format=text").status_code == 200


# Models.

@pytest.mark.parametrize("prompt", ["", [], [""]])
def test_an_empty_prompt_is_no_failure_of_the_model(serve: Serve, language_model: Path, prompt: Any) -> None:
    answer = serve(model=str(language_model)).post("/v1/completions", json={"prompt": prompt, "max_tokens": 3})
    assert "is empty" in fault(answer, 400)["message"]


# The log.

@pytest.mark.parametrize("words", ["a\n2026-01-01 00:00:00 INFO all is well", "\x1b[2J", "\x00", "\r", "\u202e",
                                   "\ud800", "\u2028", "x" * 10_000])
def test_strangers_write_no_lines_into_the_log(words: str) -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(_OneLine("%(levelname)s %(message)s"))
    handler.handle(logging.LogRecord("iepile", logging.WARNING, "", 0, "labels: %s", (words,), None))
    line = out.getvalue()
    assert line.startswith("WARNING labels: ") and line.endswith("\n") and len(line) < 12_500
    assert line[:-1].isprintable() and line.isascii()


# The disk and the wire.

@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "quota")])
def test_a_full_disk_is_told_as_such(serve: Serve, error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    client, body = serve(), {"document": {"text": "a", "entity": []}}
    store = client.app.state.service.folder / "corrections.jsonl"  # type: ignore[attr-defined]
    assert client.post("/v1/corrections", json=body).status_code == 201
    before = store.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        answer = client.post("/v1/corrections", json=body)
        assert "disk" in fault(answer, 507)["problem"] and store.read_bytes() == before
    with monkeypatch.context() as patch:
        patch.setattr("iepile.service.graph_work.write_rows", full)
        answer = client.post("/v1/graph", json={"documents": [body["document"]]})
        assert "disk" in fault(answer, 507)["problem"] and str(store.parent) not in answer.text
    assert client.post("/v1/corrections", json=body).status_code == 201


def test_a_full_disk_is_found_behind_the_words_of_writers() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            raise InputError("cannot be written", fix="choose another target") from None
    except InputError as e:
        assert failure("/v1/graph", e).status_code == 507
    assert failure("/v1/graph", InputError("cannot be read")).status_code == 422
    assert failure("/v1/graph", OSError(errno.EACCES, "denied")).status_code == 500


def test_whoever_is_broken_off_by_the_end_of_the_service_is_told(compact: Path, tmp_path: Path) -> None:
    with serving(compact, tmp_path, before=("import iepile.service.server as server", "server.DRAIN = 1")) as served, \
            served.connect() as upload, served.connect() as slow:
        upload.sendall(b"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n"
                       b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
                       b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nAda')
        slow.sendall(post("/v1/extract", b"{" + b" " * 500)[:-400])
        folder = tmp_path / "data" / "jobs"
        until = time.monotonic() + 20
        while not list(folder.iterdir()) and time.monotonic() < until:
            time.sleep(0.02)
        assert served.stop(signal.SIGTERM) == 0
        for line in (upload, slow):
            answer = b"".join(iter(lambda line=line: line.recv(65536), b""))  # type: ignore[misc]
            assert answer.startswith(b"HTTP/1.1 503 ") and b"shutting down" in answer
        assert "Traceback" not in served.log.read_text()


def test_a_body_of_two_lengths_is_refused_and_the_line_closed(serve: Serve) -> None:
    answer = serve().post("/v1/extract", content=b"{}", headers={"transfer-encoding": "chunked", "content-length": "2"})
    assert fault(answer, 400)["field"] == "content-length" and answer.headers["connection"] == "close"


def test_a_bad_token_of_the_environment_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IEPILE_TOKEN", "short")
    with pytest.raises(InputError) as e:
        read_tokens("")
    assert e.value.field == "IEPILE_TOKEN" and e.value.line is None
