"""How many tokens a prompt has: asked from the server where it counts, else guessed, rather too high.

The guess: one token for two ASCII characters, two tokens for any other, and 64 for the template. Tokenizers write
English in half of that, Chinese in a third to all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iepile.extraction.server.body import said, settings
from iepile.extraction.server.client import Client
from iepile.extraction.server.failures import Failed
from iepile.extraction.server.found import Found
from iepile.extraction.server.question import Question

if TYPE_CHECKING:
    from iepile.extraction.engines.openai import OpenAIOptions

TEMPLATE = 64
"""Tokens of a template, system sentence included."""


def guess(text: str) -> int:
    """Tokens of a prompt that holds this text, rather too many."""
    ascii_ = sum(c < "\x80" for c in text)
    return TEMPLATE + (ascii_ + 1) // 2 + 2 * (len(text) - ascii_)


def most(text: str) -> int:
    """Tokens that it cannot exceed with any tokenizer that falls back to bytes."""
    return TEMPLATE + len(text.encode("utf-8", "surrogatepass"))


async def count_prompt(client: Client, found: Found, options: OpenAIOptions, question: Question) -> int | None:
    """Tokens of the prompt of a question as the server counts them; None where it does not."""
    if not found.dialect.tokenize:
        return None
    asked = said(question, options)
    try:
        return await _count(client, found.dialect.tokenize, found.model, asked.get("messages") or asked["prompt"],
                            settings(found, options))
    except (Failed, LookupError, TypeError):
        return None


async def _count(client: Client, how: str, model: str, asked: list[dict[str, str]] | str,
                 given: dict[str, Any]) -> int:
    if how == "own" and not isinstance(asked, str):
        return int((await client.fetch("/v1/tokenize", {"model": model, "messages": asked}))["count"])
    text = asked if isinstance(asked, str) else "\n".join(m["content"] for m in asked)
    if how == "messages":
        more: dict[str, Any] = {"prompt": asked}
        if not isinstance(asked, str):
            more = {"messages": asked, "add_generation_prompt": True}
            more |= {"chat_template_kwargs": given} if given else {}
        return int((await client.fetch("/tokenize", {"model": model, **more}))["count"])
    if how == "content":
        if not isinstance(asked, str):
            body: dict[str, Any] = {"messages": asked, **({"chat_template_kwargs": given} if given else {})}
            text = (await client.fetch("/apply-template", body))["prompt"]
        body = {"content": text, "add_special": True, "parse_special": True}
        return len((await client.fetch("/tokenize", body))["tokens"])
    if how == "own":
        raise LookupError("only conversations are counted")
    # These count the text, not the template.
    more_tokens = 0 if isinstance(asked, str) else TEMPLATE
    if how == "extras":
        return int((await client.fetch("/extras/tokenize/count", {"input": text}))["count"]) + more_tokens
    return int((await client.fetch("/tokenize", {"model": model, "prompt": text}))["count"]) + more_tokens
