"""Replies of a server, read strictly: what is not the JSON we asked for is `malformed`, never half an answer."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from iepile.extraction.server.failures import LONGEST_MESSAGE, Failed
from iepile.jsonl import BROKEN_JSON


class Reply(msgspec.Struct, frozen=True):
    """One answer."""

    text: str
    finish: str
    """`stop`, `length`, or the server's own word."""
    tokens: int = 0
    prompt_tokens: int = 0
    pieces: tuple[bytes, ...] = ()
    """The tokens of the answer as bytes; empty where the server does not tell."""
    logprobs: tuple[float, ...] = ()
    """Of each piece."""


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: msgspec.Raw = msgspec.Raw(b"null")


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


class _Token(msgspec.Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None
    tokens: list[str] | None = None
    token_logprobs: list[float] | None = None


_body = msgspec.json.Decoder(_Body)
_logprobs = msgspec.json.Decoder(_Logprobs)


def read_reply(body: bytes) -> Reply:
    """The answer in the body of a reply, of chat or of completions.

    Raises:
        Failed: it is no such reply.
    """
    try:
        read = _body.decode(body)
    except BROKEN_JSON as e:
        begins = body[:60].decode("utf-8", "replace")
        raise Failed("malformed", f"the reply is no JSON of an answer ({e}): {begins!r}") from None
    if read.error:
        raise Failed("server", str(read.error)[:LONGEST_MESSAGE])
    if not read.choices:
        raise Failed("malformed", "the reply holds no answer")
    choice = read.choices[0]
    if choice.message is None and choice.text is None:
        raise Failed("malformed", "the reply holds an answer without text")
    text = (choice.text if choice.message is None else choice.message.content) or ""
    usage = read.usage or _Usage()
    pieces, logprobs = _pieces(choice.logprobs)
    finish = {"length": "length", "max_tokens": "length", "content_filter": "content_filter"}
    return Reply(text, finish.get(choice.finish_reason or "", "stop"), usage.completion_tokens or 0,
                 usage.prompt_tokens or 0, pieces, logprobs)


def _pieces(raw: msgspec.Raw) -> tuple[tuple[bytes, ...], tuple[float, ...]]:
    """Tokens and log-probabilities; none where anything about them is odd, since the answer itself may be good."""
    try:
        read = _logprobs.decode(raw)
        if read.content is not None:
            pieces = tuple(t.token.encode() if t.bytes is None else bytes(t.bytes) for t in read.content)
            logprobs = tuple(t.logprob for t in read.content)
        else:
            pieces = tuple(t.encode() for t in read.tokens or ())
            logprobs = tuple(read.token_logprobs or ())
    except (*BROKEN_JSON, ValueError):
        return (), ()
    good = len(pieces) == len(logprobs) and all(map(math.isfinite, logprobs))
    return (pieces, logprobs) if good else ((), ())
