"""The body of a request: what is said, how long the answer may be, how it is drawn."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from iepile.extraction.server.found import Found
from iepile.extraction.server.question import Question, messages, prompt, stops
from iepile.models.chat import OWN_SETTINGS

if TYPE_CHECKING:
    from iepile.extraction.engines.openai import OpenAIOptions

def said(question: Question, options: OpenAIOptions) -> dict[str, Any]:
    """What is said, in the fields of the endpoint."""
    if options.endpoint == "chat":
        return {"messages": messages(question, options.system or "")}
    ends = stops(options.template)
    asked = {"prompt": prompt(question, options.template, options.system)}
    return asked | ({"stop": ends} if ends else {})


def settings(found: Found, options: OpenAIOptions) -> dict[str, Any]:
    """What the server's template is given besides, so that it renders as our own renderer does."""
    wanted = found.dialect.template_settings and options.endpoint == "chat"
    return OWN_SETTINGS if wanted and "chat_template_kwargs" not in found.without else {}


def body_of(question: Question, found: Found, options: OpenAIOptions, max_tokens: int) -> dict[str, Any]:
    """The request, without a grammar.

    Equal questions with equal `sample` are equal requests, seed included.
    """
    sample = question.request.sample
    body: dict[str, Any] = {"model": found.model, **said(question, options), found.longest_answer: max_tokens,
                            "temperature": options.temperature if sample else 0, **found.dialect.always}
    if sample:
        what = f"{options.seed}:{sample}:{question.request.task}:{question.query}\0{question.request.input}"
        digest = hashlib.sha256(what.encode("utf-8", "surrogatepass")).digest()
        body["seed"] = int.from_bytes(digest[:4]) >> 1
    if options.logprobs and found.logprobs:
        body |= _logprobs(options)
    if given := settings(found, options):
        body["chat_template_kwargs"] = given
    return {k: v for k, v in body.items() if k not in found.without} | options.extra_body


def first_body(question: Question, found: Found, options: OpenAIOptions, max_tokens: int) -> dict[str, Any]:
    """A request with every field that we would like to send."""
    body = body_of(question, found, options, max_tokens) | {"seed": options.seed}
    return body | (_logprobs(options) if options.logprobs else {})


def _logprobs(options: OpenAIOptions) -> dict[str, Any]:
    return {"logprobs": True, "top_logprobs": 1} if options.endpoint == "chat" else {"logprobs": 1}
