"""Answers of the OpenAI-compatible interface in its form: whole, and as events of a stream."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any, Literal, cast

import msgspec
from msgspec import UNSET

from iepile.extraction.engines.engine import Completion
from iepile.extraction.manner import Token
from iepile.service.chat_request import Asked
from iepile.service.chat_wire import (
    ChatChunk,
    ChatCompletion,
    Choice,
    ChunkChoice,
    Delta,
    Logprobs,
    Said,
    TextChoice,
    TextCompletion,
    TextLogprobs,
    TokenLogprob,
    TopToken,
    Usage,
)
from iepile.version import __version__

FINGERPRINT = f"iepile-{__version__}"
DONE = b"data: [DONE]\n\n"
Finish = Literal["stop", "length"]


class Replies:
    """The replies to one request; chat or plain completions."""

    def __init__(self, asked: Asked, chat: bool) -> None:
        self._asked, self._chat = asked, chat
        self._common: dict[str, Any] = {
            "id": f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}", "created": int(time.time()),
            "model": asked.model, "system_fingerprint": FINGERPRINT}
        self._sent = [""] * len(asked.requests)
        self._begun: set[int] = set()
        self._done: list[Completion] = []

    def whole(self, answers: Sequence[Completion]) -> bytes:
        """All answers at once."""
        if self._chat:
            choices = [Choice(n, Said(c.text), _finish(c), self._logprobs(n, c)) for n, c in enumerate(answers)]
            return msgspec.json.encode(ChatCompletion(choices=choices, usage=usage_of(answers), **self._common))
        texts = [TextChoice(n, c.text, _finish(c), self._text_logprobs(n, c)) for n, c in enumerate(answers)]
        return msgspec.json.encode(TextCompletion(choices=texts, usage=usage_of(answers), **self._common))

    def events(self, number: int, tokens: Sequence[Token], completion: Completion | None) -> bytes:
        """Events of what is new of one answer; nothing where nothing can be shown yet."""
        out = b""
        if self._chat and number not in self._begun:
            self._begun.add(number)
            out += self._event(number, Delta("assistant", ""))
        text = "".join(t.text for t in tokens)
        if completion is not None:
            # What was held back. An answer that was cut is closed as a whole one; in a stream its end is as written.
            sent = self._sent[number]
            text = completion.text[len(sent) :] if completion.text.startswith(sent) else ""
        self._sent[number] += text
        if text or (tokens and self._asked.logprobs):
            out += self._event(number, Delta(content=text), tokens=tokens)
        if completion is not None:
            self._done.append(completion)
            out += self._event(number, Delta(), _finish(completion))
        return out

    def usage_event(self) -> bytes:
        """The event that tells what a whole stream used."""
        usage = usage_of(self._done)
        return _sent(self._of_stream([], usage))

    def _event(self, number: int, delta: Delta, finish: Finish | None = None, tokens: Sequence[Token] = ()) -> bytes:
        logprobs = self._asked.logprobs and bool(tokens)
        if self._chat:
            told = Logprobs([_told(t) for t in tokens]) if logprobs else None
            return _sent(self._of_stream([ChunkChoice(number, delta, finish, told)]))
        text = delta.content if isinstance(delta.content, str) else ""
        at = len(self._sent[number]) - len(text)
        return _sent(self._of_stream([TextChoice(number, text, finish, _listed(tokens, at) if logprobs else None)]))

    def _of_stream(self, choices: list[Any], usage: Usage | None = None) -> ChatChunk | TextCompletion:
        told = (usage if usage is not None else None) if self._asked.usage else UNSET
        of = ChatChunk if self._chat else TextCompletion
        return of(choices=choices, usage=told, **self._common)

    def _tokens(self, number: int, completion: Completion) -> list[Token] | None:
        if not self._asked.logprobs:
            return None
        tokens = list(self._asked.readers[number].tokens)
        written = "".join(t.text for t in tokens)
        if tokens and completion.text.startswith(written):  # what was held back came with the last one
            tokens[-1] = tokens[-1]._replace(text=tokens[-1].text + completion.text[len(written) :])
        return tokens

    def _logprobs(self, number: int, completion: Completion) -> Logprobs | None:
        tokens = self._tokens(number, completion)
        return None if tokens is None else Logprobs([_told(t) for t in tokens])

    def _text_logprobs(self, number: int, completion: Completion) -> TextLogprobs | None:
        tokens = self._tokens(number, completion)
        return None if tokens is None else _listed(tokens, 0)


def usage_of(answers: Sequence[Completion]) -> Usage:
    """Tokens of the prompt, and of all answers to it."""
    prompt, written = (answers[0].prompt_tokens if answers else 0), sum(c.tokens for c in answers)
    return Usage(prompt, written, prompt + written)


def error_event(body: bytes) -> bytes:
    """An error in the midst of a stream."""
    return b"data: " + body + b"\n\n"


def _finish(completion: Completion) -> Finish:
    return cast(Finish, completion.finish)


def _told(token: Token) -> TokenLogprob:
    likeliest = [TopToken(text, logprob, list(text.encode())) for text, logprob in token.likeliest]
    return TokenLogprob(token.text, token.logprob, list(token.text.encode()), likeliest)


def _listed(tokens: Sequence[Token], at: int) -> TextLogprobs:
    offsets = []
    for token in tokens:
        offsets.append(at)
        at += len(token.text)
    return TextLogprobs([t.text for t in tokens], [t.logprob for t in tokens],
                        [dict(t.likeliest) for t in tokens], offsets)


def _sent(event: ChatChunk | TextCompletion) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"
