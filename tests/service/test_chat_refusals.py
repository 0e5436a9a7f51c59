"""What the OpenAI-compatible interface refuses, and how it says so; nothing that is sent makes it fail."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.service.chat_wire import ChatRequest
from iepile.service.config import ServeConfig
from service_client import Client, in_thread

CHAT = "/v1/chat/completions"
HI = [{"role": "user", "content": "Hi"}]


@pytest.fixture(scope="module")
def served(language_model: Path, compact: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    config = ServeConfig(model=str(language_model), models={"small": str(compact)}, page=False, max_characters=20_000,
                         data_dir=str(tmp_path_factory.mktemp("refused") / "data"),
                         engine_options={"max_new_tokens": 4})
    with in_thread(config) as client:
        yield client


@pytest.mark.parametrize(("body", "status", "param", "code"), [
    ({}, 400, None, None),
    ({"messages": []}, 400, "messages", None),
    ({"messages": HI, "model": "large"}, 404, "model", "model_not_found"),
    ({"messages": HI, "temprature": 1}, 400, "temprature", "unsupported_parameter"),
    ({"messages": HI, "temperature": 3}, 400, "temperature", None),
    ({"messages": HI, "max_tokens": 0}, 400, "max_tokens", None),
    ({"messages": HI, "max_tokens": 1, "max_completion_tokens": 2}, 400, "max_completion_tokens", None),
    ({"messages": HI, "n": 2}, 400, "n", None),
    ({"messages": HI, "stop": [""]}, 400, "stop", None),
    ({"messages": HI, "presence_penalty": 0.5}, 400, "presence_penalty", "unsupported_parameter"),
    ({"messages": HI, "logit_bias": {"5": 1}}, 400, "logit_bias", "unsupported_parameter"),
    ({"messages": HI, "tools": [{"type": "function"}]}, 400, "tools", "unsupported_parameter"),
    ({"messages": HI, "top_logprobs": 2}, 400, "top_logprobs", None),
    ({"messages": HI, "stream_options": {"include_usage": True}}, 400, "stream_options", None),
    ({"messages": HI, "response_format": {"type": "xml"}}, 400, "response_format.type", None),
    ({"messages": HI, "response_format": {"type": "json_schema"}}, 400, "response_format.json_schema", None),
    ({"messages": HI, "response_format": {"type": "json_object"}, "ebnf": 'root ::= "a"'}, 400, "response_format",
     None),
    ({"messages": HI, "response_format": {"type": "iepile"}}, 400, "messages", None),
    ({"messages": HI, "ebnf": "root ::= ("}, 400, "grammar", None),
    ({"messages": HI, "guided_regex": "("}, 400, "grammar", None),
    ({"messages": HI, "chat_template_kwargs": {"enable_thinking": True}}, 400, "chat_template_kwargs.enable_thinking",
     "unsupported_parameter"),
    ({"messages": [{"role": "assistant", "content": "Hi"}]}, 400, "messages[0].role", None),
    ({"messages": [*HI, *HI]}, 400, "messages[1].role", None),
    ({"messages": [*HI, {"role": "assistant", "content": "x"}]}, 400, "messages", None),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "messages[0].content",
     "unsupported_parameter"),
    ({"messages": [{"role": "user", "content": "word " * 3000}]}, 400, None, "context_length_exceeded"),
    ({"messages": [{"role": "user", "content": "x" * 20_001}]}, 413, "messages", None),
])
def test_refusals_have_the_form_of_openai(served: Client, body: Any, status: int, param: str | None,
                                          code: str | None) -> None:
    for stream in (False, True):
        got = served.post(CHAT, body | ({"stream": True} if stream and "stream_options" not in body else {}))
        error = got.json()["error"]
        assert (got.status, error["param"], error["code"]) == (status, param, code), error
        assert set(error) == {"message", "type", "param", "code"} and error["message"]
        assert error["type"] == {404: "not_found_error"}.get(status, "invalid_request_error")


def test_what_changes_nothing_is_let_pass(served: Client) -> None:
    got = served.post(CHAT, {
        "messages": [{"role": "user", "content": "Hi", "name": "me"},
                     {"role": "assistant", "content": "x", "refusal": None, "tool_calls": None, "annotations": []},
                     {"role": "user", "content": "Yo"}], "user": "me", "tools": [], "presence_penalty": 0,
        "repetition_penalty": 1.0, "metadata": {"a": "b"}, "logit_bias": {}, "tool_choice": "none", "stop": None,
        "chat_template_kwargs": {"enable_thinking": False}, "response_format": {"type": "text"}})
    assert got.status == 200 and got.json()["usage"]["completion_tokens"] == 4


def test_whoever_goes_away_has_the_answer_given_up(language_model: Path, tmp_path: Path) -> None:
    config = ServeConfig(model=str(language_model), page=False, data_dir=str(tmp_path / "data"))
    body = json.dumps({"messages": HI, "max_tokens": 1900, "stream": True}).encode()
    with in_thread(config) as client:
        started = time.perf_counter()
        assert client.post(CHAT, json.loads(body) | {"stream": False}).json()["usage"]["completion_tokens"] == 1900
        whole = time.perf_counter() - started
        with socket.create_connection(("127.0.0.1", client.port)) as s:
            s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                      b"content-length: %d\r\n\r\n" % len(body) + body)
            assert b"200 OK" in s.recv(200)
        started = time.perf_counter()
        assert client.post(CHAT, {"messages": HI, "max_tokens": 2}).status == 200
        assert time.perf_counter() - started < whole / 2


def test_a_slow_reader_holds_nobody_up(served: Client) -> None:
    body = json.dumps({"messages": HI, "max_tokens": 400, "stream": True, "logprobs": True,
                       "top_logprobs": 20}).encode()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect(("127.0.0.1", served.port))
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                  b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        for _ in range(3):
            assert served.post(CHAT, {"messages": HI, "max_tokens": 2}).status == 200
        s.settimeout(30)
        data = b""
        while block := s.recv(1 << 16):
            data += block
    assert data.count(b'"finish_reason":"length"') == 1 and b"data: [DONE]" in data


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
                    max_leaves=6)
FORMAT = st.fixed_dictionaries({"type": st.sampled_from(["text", "json_object", "json_schema", "iepile", "x"])},
                               optional={"json_schema": st.fixed_dictionaries({"schema": JSON}), "task": JSON,
                                         "schema": JSON, "values": JSON, "max_items": JSON})
MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", "tool"]),
                                 "content": st.text(max_size=30) | JSON})
FIELDS = dict.fromkeys(ChatRequest.__struct_fields__, JSON) | {
    "messages": st.lists(MESSAGE, max_size=4) | st.just(HI), "response_format": FORMAT | JSON,
    "grammar": st.text(max_size=40), "ebnf": st.text(max_size=20).map(lambda t: "root ::= " + t),
    "guided_regex": st.text(max_size=20), "temperature": st.floats(0, 2), "stream": st.booleans(),
    "max_tokens": st.integers(1, 5), "model": st.sampled_from(["", "default", "small", "x"])}


@settings(max_examples=250)
@given(st.sets(st.sampled_from(sorted(FIELDS)), max_size=4).flatmap(
    lambda names: st.fixed_dictionaries({"messages": FIELDS["messages"]} | {n: FIELDS[n] for n in names})))
def test_no_body_makes_it_fail(served: Client, body: Any) -> None:
    got = served.post(CHAT, body)
    assert got.status < 500, (body, got.body)
    if got.status >= 400:
        assert set(got.json()["error"]) == {"message", "type", "param", "code"}


@settings(max_examples=100)
@given(st.binary(max_size=60), st.sampled_from([CHAT, "/v1/completions", "/v1/tokenize"]))
def test_no_bytes_make_it_fail(served: Client, data: bytes, path: str) -> None:
    got = served.send("POST", path, data, {"content-type": "application/json"})
    assert 400 <= got.status < 500
