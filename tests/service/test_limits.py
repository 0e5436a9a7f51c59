"""The gate: names, sites, tokens, rates, bodies and time; every refusal in one shape, and counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from iepile.errors import InputError
from iepile.service.app import create_app
from iepile.service.config import ServeConfig
from iepile.service.limits import GUARDED

Serve = Callable[..., TestClient]
TOKEN = "a-token-of-enough-letters"
BODY = {"text": "Ada", "schema": "person"}


def error(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    assert set(found) == {"problem", "field", "expected", "fix"} and found["problem"]
    return found


def test_without_a_token_nothing_but_health_page_and_description_is_open(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(f"# ours\n{TOKEN}\n\nanother-token-of-someone\n")
    (tmp_path / "tokens").chmod(0o600)
    client = serve(token_file=str(tmp_path / "tokens"))
    for headers in ({}, {"Authorization": f"Bearer {TOKEN[:-1]}"}, {"Authorization": TOKEN},
                    {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer \xff"}):
        answer = client.post("/v1/extract", json=BODY, headers={k: v.encode("latin-1") for k, v in headers.items()})
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert error(answer)["field"] == "authorization"
    for token in (TOKEN, "another-token-of-someone"):
        answer = client.post("/v1/extract", json=BODY, headers={"Authorization": f"bearer {token}"})
        assert answer.status_code == 200
    for path in ("/healthz", "/healthz/live", "/metrics", "/docs", "/openapi.json", "/"):
        assert client.get(path).status_code == 200, path
    for route in client.get("/openapi.json").json()["paths"]:
        assert route.startswith(GUARDED) or route in ("/healthz", "/healthz/live", "/metrics"), route
    for path in ("/v1/schemas", "/v1/documents", "/v1/corrections", "/v1/nothing"):
        assert client.get(path).status_code == 401, path
    operations = client.get("/openapi.json").json()["paths"]["/v1/extract"]["post"]
    assert operations["security"] == [{"token": []}]


def test_the_token_of_the_environment_counts_too(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IEPILE_TOKEN", TOKEN)
    client = serve()
    assert client.get("/v1/schemas").status_code == 401
    assert client.get("/v1/schemas", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_openai_clients_get_errors_in_their_form(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IEPILE_TOKEN", TOKEN)
    answer = serve().post("/v1/chat/completions", json={})
    assert answer.status_code == 401
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.json()["error"]["type"] == "authentication_error"


def test_too_many_requests_a_minute_are_told_when_to_come_again(serve: Serve) -> None:
    client = serve(rate=5)
    answers = [client.get("/v1/schemas") for _ in range(7)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 12
    assert error(answers[-1])["problem"] == "more than 5 requests a minute"
    assert client.get("/healthz").status_code == 200


def test_rates_are_of_tokens_not_of_addresses(serve: Serve, tmp_path: Path) -> None:
    others = "another-token-of-someone"
    (tmp_path / "tokens").write_text(f"{TOKEN}\n{others}\n")
    (tmp_path / "tokens").chmod(0o600)
    client = serve(rate=2, token_file=str(tmp_path / "tokens"))
    codes = [client.get("/v1/schemas", headers={"Authorization": f"Bearer {t}"}).status_code
             for t in (TOKEN, TOKEN, TOKEN, others, others, others)]
    assert codes == [200, 200, 429, 200, 200, 429]


def test_strange_names_of_the_host_are_refused(serve: Serve) -> None:
    client = serve(hosts=("localhost", "127.0.0.1", "[::1]"))
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"):
        assert client.get("/v1/schemas", headers={"Host": host}).status_code == 200, host
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil:80", "evil:80:80"):
        for path in ("/v1/schemas", "/", "/healthz"):
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code == 421 and error(answer)["field"] == "host", (host, path)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil", "http://[broken"])
def test_pages_of_other_sites_cannot_ask(origin: str, serve: Serve) -> None:
    client = serve()
    answer = client.post("/v1/extract", json=BODY, headers={"Origin": origin})
    assert answer.status_code == 403 and error(answer)["field"] == "origin"
    upload = client.post("/v1/documents", files={"files": b"a"}, data={"schema": "a"}, headers={"Origin": origin})
    assert upload.status_code == 403
    assert client.post("/v1/extract", json=BODY, headers={"Origin": "http://testserver"}).status_code == 200


def test_cors_is_off_unless_an_origin_is_named(serve: Serve) -> None:
    asks = {"Origin": "https://ours.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,authorization"}
    plain = serve().options("/v1/extract", headers=asks)
    assert plain.status_code == 405 and "access-control-allow-origin" not in plain.headers
    client = serve(cors=("https://ours.example",))
    before = client.options("/v1/extract", headers=asks)
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == "https://ours.example"
    answer = client.post("/v1/extract", json=BODY, headers={"Origin": "https://ours.example"})
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "https://ours.example"
    assert client.post("/v1/extract", json=BODY, headers={"Origin": "https://evil.example"}).status_code == 403


def test_bodies_are_bounded_announced_or_not(serve: Serve) -> None:
    client = serve(max_body=1)
    head = {"Content-Type": "application/json"}
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b"x" * 65536

    for path in ("/v1/extract", "/v1/schemas/check", "/v1/corrections", "/v1/graph", "/v1/chat/completions"):
        announced = client.post(path, content=b" " * ((1 << 20) + 1), headers=head)
        assert announced.status_code == 413, path
        assert client.post(path, content=pieces(), headers=head).status_code == 413, path
    form = client.post("/v1/extract", files={"files": b"x" * (2 << 20)})
    assert form.status_code == 413
    assert client.post("/v1/extract", content=json.dumps(BODY).encode().ljust(1 << 20), headers=head).status_code == 200


MALFORMED = [b"{", b"nul", b'{"text": "\xff"}', b'{"text": "\xed\xa0\x80", "schema": "a"}', b'{"text": "\\ud800"}',
             b"[" * 100_000, b'{"a":' * 50_000, b"\x00", b"{}}", b"\xef\xbb\xbf{}", b'{"text": NaN}', b"'a'"]


@pytest.mark.parametrize("path", ["/v1/extract", "/v1/schemas/check", "/v1/corrections", "/v1/graph", "/v1/documents",
                                  "/v1/chat/completions"])
def test_what_is_no_json_is_refused_on_every_route(path: str, serve: Serve) -> None:
    client = serve()
    for body in MALFORMED:
        answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), (path, body[:40], answer.text)
        assert len(answer.content) < 2000 and "error" in answer.json()
    flood = b'{"text": "a", "schema": [' + b'"a",' * 1_000_001 + b'"b"]}'
    assert client.post(path, content=flood, headers={"Content-Type": "application/json"}).status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(serve: Serve) -> None:
    import anyio

    client = serve(slow=0.3)
    sent: list[Any] = []

    async def never() -> dict[str, Any]:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/extract", "raw_path": b"/v1/extract", "root_path": "",
             "query_string": b"", "headers": [(b"content-type", b"application/json")], "scheme": "http",
             "server": ("a", 80), "client": ("127.0.0.1", 1), "http_version": "1.1", "asgi": {"version": "3.0"},
             "state": {}}

    async def ask() -> None:
        with anyio.fail_after(5):
            await client.app(scope, never, send)

    client.portal.call(ask)  # type: ignore[union-attr]
    assert sent[0]["status"] == 408 and b"0.3 seconds" in sent[1]["body"]


def test_every_answer_has_the_headers_that_keep_browsers_safe(serve: Serve) -> None:
    client = serve()
    for path in ("/healthz", "/v1/schemas", "/v1/nothing", "/docs", "/", "/openapi.json", "/metrics"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path


def test_a_service_that_shuts_down_takes_nothing_in(serve: Serve) -> None:
    client = serve()
    client.app.state.service.stop()  # type: ignore[attr-defined]
    answer = client.post("/v1/extract", json=BODY)
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert client.get("/healthz").status_code == 503 and client.get("/healthz/live").status_code == 200


def test_refusals_and_answers_are_counted(serve: Serve) -> None:
    client = serve(max_body=1)
    client.post("/v1/extract", json=BODY)
    client.post("/v1/extract", json=BODY | {"settings": {"x": 1}})
    client.post("/v1/extract", content=b"{", headers={"Content-Type": "application/json"})
    client.post("/v1/extract", json=BODY, headers={"Origin": "https://evil.example"})
    client.get("/nowhere")
    client.request("INVENTED", "/v1/schemas")
    lines = client.get("/metrics").text.splitlines()
    for line in ('iepile_requests_total{method="POST",route="/v1/extract",status="200"} 1.0',
                 'iepile_requests_total{method="POST",route="/v1/extract",status="422"} 1.0',
                 'iepile_requests_total{method="GET",route="other",status="404"} 1.0',
                 'iepile_requests_total{method="other",route="/v1/schemas",status="405"} 1.0',
                 'iepile_requests_refused_total{reason="body"} 1.0',
                 'iepile_requests_refused_total{reason="origin"} 1.0',
                 'iepile_questions_total{model="default"} 1.0',
                 'iepile_batch_size_count{model="default"} 1.0',
                 'iepile_jobs{state="done"} 0.0',
                 'iepile_request_seconds_count{route="/v1/extract"} 2.0'):
        assert line in lines, line


def test_two_services_in_one_process_count_for_themselves(serve: Serve) -> None:
    one, other = serve(), serve()
    one.post("/v1/extract", json=BODY)
    assert 'iepile_questions_total{model="default"} 1.0' in one.get("/metrics").text
    assert 'iepile_questions_total{model="default"} 0.0' in other.get("/metrics").text


def test_requests_are_logged_without_tokens(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IEPILE_TOKEN", TOKEN)
    client = serve(log_requests=True)
    with caplog.at_level("INFO", "iepile.service"):
        client.get("/v1/schemas", headers={"Authorization": f"Bearer {TOKEN}"})
        client.get("/a%0a2026 forged line")
    assert "GET /v1/schemas 200" in caplog.text and TOKEN not in caplog.text
    assert "\\n2026" in caplog.text


def test_faults_of_the_service_tell_nothing_of_it(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("inner secret")

    monkeypatch.setattr("iepile.service.extract_api.read_request", broken)
    answer = serve().post("/v1/extract", json=BODY)
    assert answer.status_code == 500 and error(answer)["problem"] == "the service failed on this request"
    assert "secret" not in answer.text and "Traceback" not in answer.text


@pytest.mark.parametrize(("settings", "field"), [
    ({"max_body": 0}, "max_body"), ({"queue": 0}, "queue"), ({"port": 70000}, "port"), ({"timeout": 0}, "timeout"),
    ({"slow": float("nan")}, "slow"), ({"rate": -1}, "rate"), ({"cors": ("ours.example",)}, "cors"),
])
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as raised:
        create_app(ServeConfig(model="x", **settings))
    assert raised.value.field == field
