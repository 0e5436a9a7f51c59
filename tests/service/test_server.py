"""The service as a process: how it starts and stops, and what no client library would send it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from iepile.errors import InputError
from iepile.service.config import ServeConfig
from iepile.service.server import address_of, bind, is_local, run
from service_process import Served, post, serving

BODY = json.dumps({"text": "Ada works for Acme Inc. now.", "schema": "person"}).encode()
QUICK = ("import iepile.service.http as http", "http.HEAD_SECONDS = 1.0", "http.LINGER = 0.5")


@pytest.fixture(scope="module")
def served(compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(compact, tmp_path_factory.mktemp("served"), "--max_body", "2", "--slow", "1.5", "--queue", "64",
                 before=QUICK) as one:
        yield one


def well(served: Served) -> bool:
    return served.ask(post("/v1/extract", BODY)).startswith(b"HTTP/1.1 200 OK")


def closed_after(s: socket.socket, seconds: float) -> bytes:
    """What comes until the other end closes, which it must within so many seconds."""
    s.settimeout(seconds)
    found = b""
    try:
        while part := s.recv(65536):
            found += part
    except ConnectionError:
        pass
    return found


def test_it_answers(served: Served) -> None:
    answer = httpx.post(f"{served.address}/v1/extract", content=BODY, trust_env=False,
                        headers={"content-type": "application/json"})
    assert answer.status_code == 200 and answer.json()["documents"][0]["entity"]
    assert "server" not in answer.headers


def test_heads_that_never_end_are_cut(served: Served) -> None:
    with served.connect() as silent, served.connect() as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        started = time.monotonic()

        def drip() -> None:
            try:
                for n in range(100):
                    slow.sendall(b"X-%d: a\r\n" % n)
                    time.sleep(0.1)
            except OSError:
                pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        closed_after(slow, 5)
        closed_after(silent, 5)
        assert time.monotonic() - started < 5
        dripping.join(20)
    # The second request of a connection is no slower allowed to be.
    with served.connect() as second:
        second.sendall(b"GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found = b""
        while b"live" not in found:
            found += second.recv(65536)
        second.sendall(b"GET /hea")
        assert closed_after(second, 4) == b""
    assert well(served)


def test_bodies_that_drip_are_answered_with_408(served: Served) -> None:
    with served.connect() as s:
        s.sendall(b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  b"Content-Length: 1000\r\n\r\n{")
        started = time.monotonic()
        assert b"408 Request Timeout" in closed_after(s, 8)
        assert 1.0 < time.monotonic() - started < 6


def test_chunks_without_end_are_cut_and_take_no_memory(served: Served) -> None:
    assert well(served)
    before, sent = served.memory(), 0
    with served.connect() as s:
        s.sendall(b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        started = time.monotonic()
        answer = b""
        s.settimeout(0.01)
        try:
            while time.monotonic() - started < 15:
                with suppress(TimeoutError):
                    sent += s.send(piece)
                try:
                    answer += s.recv(4096)
                except TimeoutError:
                    continue
        except OSError:
            pass
        assert time.monotonic() - started < 10
    assert answer.startswith(b"HTTP/1.1 413"), answer[:200]
    assert served.memory() - before < 60
    assert well(served)


def test_large_bodies_are_refused_before_they_come(served: Served) -> None:
    with served.connect() as s:
        s.sendall(b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
        answer = closed_after(s, 8)
    assert answer.startswith(b"HTTP/1.1 413") and b"100 Continue" not in answer


@pytest.mark.parametrize("raw", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 100,
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",
    b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
    b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /\xc3\xa4 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
])
def test_what_is_no_request_is_refused(raw: bytes, served: Served) -> None:
    with served.connect() as s:
        with suppress(OSError):
            s.sendall(raw)
        answer = closed_after(s, 8)
    assert answer[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b""), answer[:200]
    assert well(served)


def test_many_large_bodies_at_once_do_not_fill_the_memory(served: Served) -> None:
    assert well(served)
    before = served.memory()
    body = json.dumps({"schema": "a", "texts": ["a"] * 60, "documents": [["x" * 100] * 8] * 2000}).encode()
    assert 1 << 20 < len(body) < 2 << 20
    answers: list[bytes] = []

    def send() -> None:
        try:
            answers.append(served.ask(post("/v1/extract", body))[:12])
        except OSError:
            answers.append(b"")

    threads = [threading.Thread(target=send) for _ in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    codes = {a[9:] for a in answers}
    assert codes <= {b"422", b"503", b"429", b""} and b"422" in codes, codes
    assert served.memory() - before < 250
    assert well(served)


def test_values_by_the_hundred_thousand_do_not_fill_the_memory(served: Served) -> None:
    before = served.memory()
    body = b'{"text":"a","schema":[' + b",".join([b"[]"] * 300_000) + b"]}"
    for path in ("/v1/extract", "/v1/schemas/check", "/v1/corrections", "/v1/graph", "/v1/chat/completions"):
        answer = served.ask(post(path, body))
        assert answer[9:12] in (b"413", b"422", b"400"), (path, answer[:300])
    assert served.memory() - before < 250


def test_a_stranger_name_of_the_host_is_refused_without_a_token(served: Served) -> None:
    raw = post("/v1/extract", BODY).replace(b"Host: localhost", b"Host: rebound.example")
    assert served.ask(raw).startswith(b"HTTP/1.1 421")


def test_what_strangers_send_leaves_no_lines_in_the_log(served: Served) -> None:
    served.ask(b"\x00\x01\x02")
    served.ask(post("/v1/extract", b"{"))
    assert "Traceback" not in served.log.read_text()


def test_it_stops_in_order_at_the_first_signal(compact: Path, tmp_path: Path) -> None:
    with serving(compact, tmp_path) as one, one.connect() as idle, httpx.Client(trust_env=False) as client:
        assert client.get(f"{one.address}/healthz").json()["state"] == "ready"
        assert one.stop(signal.SIGTERM) == 0
        assert idle.recv(10) == b""
    assert "stopping" in one.log.read_text() and "Traceback" not in one.log.read_text()
    with serving(compact, tmp_path) as one:  # the folder is free again
        assert one.stop(signal.SIGINT) == 0


SLOW = ("import time, iepile.models.compact.predictor as p", "predict = p.Predictor.predict",
        "p.Predictor.predict = lambda *a: time.sleep(3) or predict(*a)")


def test_requests_in_work_are_answered_when_it_stops(compact: Path, tmp_path: Path) -> None:
    with serving(compact, tmp_path, before=SLOW) as one:
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(one.ask(post("/v1/extract", BODY))))
        asking.start()
        time.sleep(0.7)
        assert one.stop() == 0
        asking.join(20)
    assert answers[0].startswith(b"HTTP/1.1 200 OK") and b'"documents"' in answers[0]


def test_the_second_signal_ends_it_at_once(compact: Path, tmp_path: Path) -> None:
    with serving(compact, tmp_path, before=SLOW) as one, one.connect() as s:
        s.sendall(post("/v1/extract", BODY))
        time.sleep(0.7)
        one.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        started = time.monotonic()
        assert one.stop(signal.SIGINT) == 130
        assert time.monotonic() - started < 1


def test_a_signal_while_the_model_is_loaded_ends_it(compact: Path, tmp_path: Path) -> None:
    code = ("import sys, time, iepile.service.models as m\nm.open_engine = lambda *a: print('loading', flush=True) or "
            "time.sleep(60)\nfrom iepile.cli.main import main; sys.exit(main())")
    process = subprocess.Popen([sys.executable, "-c", code, "serve", str(compact), "--port", "0", "--data_dir",
                                str(tmp_path / "data")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "loading\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in err and "stopped" in err


def test_a_port_in_use_is_told_before_a_model_is_loaded(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="is in use") as raised:
            run(ServeConfig(model="nowhere", port=taken.getsockname()[1], data_dir=str(tmp_path)))
    assert raised.value.field == "port"


def test_open_addresses_need_a_token_or_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"host": "0.0.0.0", "port": 0, "model": "nowhere", "data_dir": str(tmp_path)}
    with pytest.raises(InputError, match="no token is asked for") as raised:
        run(ServeConfig(**config))
    assert raised.value.field == "host" and "--open" in str(raised.value)
    for settings in ({"open": True}, {}):
        monkeypatch.setenv("IEPILE_TOKEN", "" if settings else "a-token-of-enough-letters")
        with pytest.raises(InputError, match="nowhere") as raised:
            run(ServeConfig(**config, **settings))
        assert raised.value.field != "host"


def test_addresses_as_they_are_told() -> None:
    with bind("127.0.0.1", 0) as s:
        assert is_local(s) and address_of(s) == f"http://127.0.0.1:{s.getsockname()[1]}"
    with bind("localhost", 0) as s:
        assert is_local(s)
    with bind("0.0.0.0", 0) as s:
        assert not is_local(s) and address_of(s).startswith("http://127.0.0.1:")
    if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
        with bind("::1", 0) as s:
            assert is_local(s) and address_of(s).startswith("http://[::1]:")
    for host in ("no such host.invalid", "256.1.1.1", "\udcff"):
        with pytest.raises(InputError) as raised:
            bind(host, 0)
        assert raised.value.field == "host"
