"""Vendors' errors as a few kinds, and replies that are read strictly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import IepileError, InputError
from iepile.extraction.server.failures import Failed, of_error, of_status, stops_the_run
from iepile.extraction.server.reply import read_reply


def said(status: int, body: Any, **headers: str) -> Failed:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return of_status(status, data, {k.replace("_", "-"): v for k, v in headers.items()}, "sk-123")


@pytest.mark.parametrize(("status", "body", "kind"), [
    (401, {"error": {"message": "Incorrect API key"}}, "key"),
    (403, b"", "key"),
    (404, {"error": {"message": "The model `x` does not exist"}}, "model"),
    (429, {"error": {"message": "slow down"}}, "busy"),
    (429, {"error": {"message": "You exceeded", "code": "insufficient_quota"}}, "quota"),
    (500, b"<html>Internal", "server"),
    (503, {"detail": "loading"}, "server"),
    (408, b"", "server"),
    (400, {"error": {"message": "This model's maximum context length is 4096 tokens."}}, "context"),
    (400, {"object": "error", "message": "The decoder prompt (length 9) is longer than the maximum model length"},
     "context"),
    (400, {"error": {"type": "exceed_context_size_error", "message": "the request exceeds the available context size"}},
     "context"),
    (500, {"error": "context length exceeded"}, "context"),
    (400, {"error": {"message": "failed to parse grammar"}}, "refused"),
    (422, {"detail": "Unexpected fields in the request: {'grammar'}"}, "refused"),
    (413, b"", "refused"),
])
def test_kinds(status: int, body: Any, kind: str) -> None:
    failed = said(status, body)
    assert failed.kind == kind and failed.status == status and f"HTTP {status}" in failed.message
    assert failed.again == (kind in ("busy", "server"))


def test_what_a_server_wants_us_to_wait() -> None:
    assert said(429, b"", retry_after="7").after == 7
    assert said(503, b"", retry_after_ms="250", retry_after="7").after == 0.25
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < (said(429, b"", retry_after=soon).after or 0) <= 30
    assert said(429, b"", retry_after="soon").after is None
    assert said(429, b"", retry_after="nan").after is None
    assert said(429, b"", retry_after="-3").after == 0


def test_the_key_is_in_no_message() -> None:
    failed = said(401, {"error": {"message": "Incorrect API key provided: sk-123. See docs."}})
    stop = stops_the_run(failed, "http://host/v1")
    assert isinstance(stop, InputError) and "sk-123" not in str(stop) and "***" in str(stop)
    assert "sk-123" not in of_error(ValueError("Bearer sk-123"), "sk-123").message


def test_what_stops_a_run() -> None:
    assert isinstance(stops_the_run(said(404, b""), "u"), InputError)
    quota = stops_the_run(said(429, {"error": "insufficient_quota"}), "u")
    assert isinstance(quota, IepileError) and not isinstance(quota, InputError)
    assert stops_the_run(said(500, b""), "u") is None


def test_a_chat_reply_and_a_completion() -> None:
    tokens = [{"token": "a", "logprob": -0.5, "bytes": [97]}, {"token": "é", "logprob": -1.0}]
    chat = read_reply(json.dumps({
        "choices": [{"message": {"content": "aé"}, "finish_reason": "length", "logprobs": {"content": tokens}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2}}).encode())
    assert (chat.text, chat.finish, chat.tokens, chat.prompt_tokens) == ("aé", "length", 2, 3)
    assert chat.pieces == (b"a", "é".encode()) and chat.logprobs == (-0.5, -1.0)
    plain = read_reply(b'{"choices": [{"text": "x", "logprobs": {"tokens": ["x"], "token_logprobs": [-2]}}]}')
    assert (plain.text, plain.finish, plain.pieces, plain.logprobs) == ("x", "stop", (b"x",), (-2.0,))
    nothing = read_reply(b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}')
    assert nothing.text == ""


@pytest.mark.parametrize("logprobs", [
    '{"content": [{"token": "x", "logprob": null}]}', '{"content": 3}', '{"tokens": ["a", "b"], "token_logprobs": [1]}',
    '{"content": [{"token": "x", "logprob": -1, "bytes": [300]}]}', "{}", "[]",
])
def test_odd_log_probabilities_do_not_cost_the_answer(logprobs: str) -> None:
    reply = read_reply(f'{{"choices": [{{"message": {{"content": "x"}}, "logprobs": {logprobs}}}]}}'.encode())
    assert (reply.text, reply.pieces, reply.logprobs) == ("x", (), ())


@pytest.mark.parametrize("body", [
    b"", b"<html>", b"\xff\xfe", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{}]}', b'{"choices": [{"text": 1}]}',
    b'{"choices": [{"message": {"content": "half', b"[" * 100_000,
])
def test_what_is_no_reply(body: bytes) -> None:
    with pytest.raises(Failed) as told:
        read_reply(body)
    assert told.value.kind == "malformed" and told.value.again


def test_an_error_with_status_200() -> None:
    with pytest.raises(Failed) as told:
        read_reply(b'{"error": {"message": "upstream"}, "choices": null}')
    assert told.value.kind == "server" and "upstream" in told.value.message


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_fail(data: bytes) -> None:
    with pytest.raises(Failed):
        read_reply(data)
