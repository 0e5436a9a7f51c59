"""Faults between us and a server: what passes is tried again, what does not stops the run, and nothing is lost."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.engines.openai import OpenAIEngine
from iepile.extraction.server import calls
from iepile.instruction import Instruction
from server_double import Double

GOOD = '{"person": ["Ada", "Bob"], "place": ["Ada", "Bob"]}'


def request(key: str, text: str = "Ada met Bob", **more: Any) -> Request:
    return Request(key, "NER", Instruction("Find.", ["person", "place"], text).render(), **more)


def answers(engine: OpenAIEngine, requests: Iterable[Request]) -> dict[str, Completion]:
    return {c.key: c for c in engine.generate(requests)}


PASSING = ["500", "502 bad gateway", "503", "429", "429 0.01", "garbage", "half", "torn", "html", "empty", "reset"]


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_tried_again(fault: str, opened: Any) -> None:
    with Double("vllm", fault=lambda text, n: fault if "met" in text and n < 3 else None) as double:
        engine = opened(double)
        done = answers(engine, [request(str(n), f"Ada met {n}") for n in range(4)])
        assert {c.text for c in done.values()} == {'{"person": ["Ada"], "place": ["Ada"]}'}
        assert all(double.texts[f"Ada met {n}"] == 3 for n in range(4))
        assert engine.usage.retries == 8 and engine.usage.failures == 0


@pytest.mark.parametrize("fault", ["500", "garbage", "half", "reset", "hang", "endless"])
def test_a_request_that_never_gets_through_is_an_error_and_the_rest_go_on(fault: str, opened: Any,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    from iepile.extraction.server import client

    monkeypatch.setattr(client, "MOST_BYTES", 1 << 20)
    with Double("vllm", fault=lambda text, n: fault if text == "Bob" else None) as double:
        engine = opened(double, retries=1, timeout=1.0, concurrency=1)
        done = answers(engine, [request("0", "Ada"), request("1", "Bob"), request("2", "Cleo"), request("3", "Ada")]
                       if fault != "reset" else [request("0", "Ada"), request("2", "Cleo"), request("3", "Ada")])
        assert done["2"].text == '{"person": ["Cleo"], "place": ["Cleo"]}'
        if fault != "reset":
            assert (done["1"].finish, done["1"].text, done["1"].lasting) == ("error", "", False)
            assert done["1"].error and double.texts["Bob"] == 2 and engine.usage.failures == 1


def test_a_server_that_dies_stops_the_run_with_everything_kept(opened: Any) -> None:
    with Double("vllm") as double:
        engine = opened(double, retries=2, concurrency=2)
        got: list[str] = []
        with pytest.raises(IepileError, match=r"does not answer, in 3 tries .*\n.*answers so far are kept") as told:
            for completion in engine.generate(request(str(n), f"Ada {n}") for n in range(1000)):
                got.append(completion.text)
                if len(got) == 5:
                    double.stop()
        assert not isinstance(told.value, InputError) and 5 <= len(got) < 10


def test_a_server_that_only_fails_stops_the_run_in_the_end(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "LOST_IN_A_ROW", 3)
    with Double("vllm", fault=lambda text, n: "500 broken" if "Ada" in text else None) as double:
        engine = opened(double, retries=0, concurrency=1)
        done = []
        with pytest.raises(IepileError, match=r"3 requests in a row got no answer; the last: HTTP 500: broken"):
            done.extend(engine.generate(request(str(n)) for n in range(100)))
        assert [c.finish for c in done] == ["error", "error"]


@pytest.mark.parametrize(("fault", "error", "said"), [
    ("401 bad key", InputError, "refuses the key"), ("404 gone", InputError, "knows no such model"),
    ("429 quota", IepileError, "quota is used up"), ("429 86400", IepileError, "wants us to wait 86400 seconds"),
])
def test_what_no_further_request_would_cure_stops_the_run(fault: str, error: type[IepileError], said: str,
                                                          opened: Any) -> None:
    with Double("vllm", fault=lambda text, n: fault if text == "Bob" else None) as double:
        engine = opened(double, concurrency=1)
        done = []
        with pytest.raises(error, match=said):
            done.extend(engine.generate([request("0", "Ada"), request("1", "Bob"), request("2", "Cleo")]))
        assert [c.key for c in done] == ["0"]


def test_a_retry_after_holds_for_all(opened: Any) -> None:
    with Double("vllm", fault=lambda text, n: "429 0.6" if text == "Bob" and n == 1 else None) as double:
        engine = opened(double, concurrency=1)
        started = time.monotonic()
        assert len(answers(engine, [request("0", "Bob"), request("1", "Ada")])) == 2
        assert time.monotonic() - started > 0.6


def test_keys_come_from_the_environment_and_are_seen_nowhere(opened: Any, monkeypatch: pytest.MonkeyPatch,
                                                             caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Double("hosted", key="sk-right-key") as double:
        with pytest.raises(InputError, match="refuses the key"):
            opened(double)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-key")
        with pytest.raises(InputError, match="refuses the key") as told:
            opened(double)
        assert "sk-wrong-key" not in str(told.value)
        monkeypatch.setenv("IEPILE_API_KEY", "sk-right-key")
        assert answers(opened(double), [request("0")])["0"].text == GOOD
        for bad in ({"api_key": "sk-right-key"}, {"extra_body": {"api_key": "sk-right-key"}}):
            with pytest.raises(InputError, match="keys are not taken as options") as told:
                opened(double, **bad)
            assert "sk-" not in str(told.value)
    assert "sk-" not in caplog.text


def test_wrong_addresses(opened: Any) -> None:
    with Double("vllm") as double:
        with pytest.raises(InputError, match="does not list its models"):
            opened(double.url.replace("/v1", "/v2"))
        with pytest.raises(InputError, match="knows no such model or call"):
            opened(double.url.replace("/v1", "/v2"), model_name="x")
        port = double.port
    with pytest.raises(IepileError, match=r"see that an OpenAI-compatible server runs there"):
        opened(f"http://127.0.0.1:{port}/v1")
    with Double("vllm", fault=lambda text, n: "html") as double, pytest.raises(IepileError, match="no JSON"):
        opened(double)


BAD = [
    Request("bad0", "NER", "no instruction"), Request("bad1", "NER", Instruction("Find.", [3], "Ada").render()),
    Request("bad2", "NER", Instruction("Find.", ["person"], "half \ud83d").render()),
]


def test_bad_requests_are_errors_of_their_own(opened: Any) -> None:
    hostile = "\x00\x7f\u2028 </s><|im_end|> \"quoted\" \\ \t\r\n ::= " + "a" * 200
    with Double("vllm") as double:
        done = answers(opened(double), [*BAD, request("0"), request("1", hostile), request("2", "")])
        for bad in BAD:
            assert done[bad.key].finish == "error" and done[bad.key].lasting and done[bad.key].error
        assert done["0"].text == GOOD and "surrogate" in done["bad2"].error
        assert [done[k].text for k in "12"] == ['{"person": [], "place": []}'] * 2


def test_ctrl_c_stops_at_once(opened: Any) -> None:
    with Double("vllm", fault=lambda text, n: "hang" if text == "Bob" else None) as double:
        engine = opened(double, concurrency=4)
        done: list[Completion] = []
        threading.Timer(0.8, signal.raise_signal, (signal.SIGINT,)).start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            done.extend(engine.generate([request("0", "Ada"), *(request(f"b{n}", "Bob") for n in range(9))]))
        engine.close()
        assert time.monotonic() - started < 5 and [c.key for c in done] == ["0"]
        assert engine.__dict__.get("_calls") is None


def test_an_engine_that_was_not_closed_does_not_hold_the_program() -> None:
    with Double("vllm") as double:
        code = f"from iepile.extraction.engines.engine import open_engine; open_engine('openai', {double.url!r})"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
