"""What a server is and what it can do, found out by asking it.

Each way to hold an answer to a form is tried with a tiny question that no model would answer so by itself: servers that
pass over fields they do not know are found out.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Request
from iepile.extraction.server.body import body_of, first_body
from iepile.extraction.server.check import check
from iepile.extraction.server.client import Client
from iepile.extraction.server.dialects import LADDER, Dialect, Step, dialect_of, filled
from iepile.extraction.server.failures import Failed, stops_the_run
from iepile.extraction.server.forms import grammar_of, verbatim_of
from iepile.extraction.server.found import Found
from iepile.extraction.server.measure import count_prompt
from iepile.extraction.server.question import Question, messages
from iepile.extraction.server.reply import Reply
from iepile.instruction import Instruction
from iepile.tasks import get_task
from iepile.tasks.shape import MENTION, ListOf, object_of
from iepile.tasks.task import Item

if TYPE_CHECKING:
    from iepile.extraction.engines.openai import OpenAIOptions

WORD = "qzxvk"
"""The text that the probing question is about."""
SHAPE = object_of([("answer", ListOf(MENTION, least=1))])
ROW = Instruction("", ["answer"], WORD).render()
NOTHING = '{"answer": []}'
"""What a model may say that finds nothing."""
_PINNED = re.compile(r"pinned to '(.+?)'")
_OPTIONAL = ("logprobs", "top_logprobs", "chat_template_kwargs", "seed", "repetition_penalty", "repeat_penalty",
             "temperature")
"""Fields that a server may refuse without harm, in the order they are left out when it does not say which."""

_HELLO = 'Say "hello".'
HELLO = Question(Request("", "", _HELLO), _HELLO)
ANSWER_TOKENS = 48
Ask = Callable[[dict[str, Any]], Awaitable[Reply]]


async def look_at(client: Client, options: OpenAIOptions, ask: Ask) -> Found:
    """Everything there is to know about a server before the first question.

    Raises:
        InputError: no such model, or the wanted constraint does not work here.
        IepileError: the server does not answer, or refuses the key.
    """
    try:
        found = await find_model(client, options.model_name)
        found = await find_fields(found, ask, first_body(HELLO, found, options, ANSWER_TOKENS))
        plain = body_of(HELLO, found, options, ANSWER_TOKENS)
        found = await find_forms(found, options.constraint, ask, plain)
        counted = await count_prompt(client, found, options, HELLO)
        return msgspec.structs.replace(found, counts=counted is not None)
    except Failed as e:
        raise stops_the_run(e, client.address.base) or IepileError(
            f"{client.address.base}: {e.message}\n"
            "  do:       see that an OpenAI-compatible server runs there; the address mostly ends in /v1") from None


async def find_model(client: Client, wanted: str) -> Found:
    """Who answers there, and as which model.

    Args:
        wanted: name of the model; empty: the only one.

    Raises:
        InputError: there are several, or not the wanted one.
        Failed: nobody answers, or the key is refused.
    """
    listed, owners = await _models(client)
    paths: list[str] = []
    if not owners or dialect_of(owners, ()).name == "other":
        with suppress(Failed, TypeError, AttributeError):
            paths = list((await client.fetch("/openapi.json"))["paths"])
    dialect = dialect_of(owners, paths)
    names = [str(m.get("id")) for m in listed]
    if not wanted and not dialect.lists_all:
        wanted = await _told_by_refusal(client)
    if not wanted and len(names) != 1:
        raise InputError(f"{client.address.base} {'has several models' if names else 'does not list its models'}",
                         field="model_name", expected=", ".join(names) or None, fix="name one")
    if wanted and names and wanted not in names and dialect.lists_all:
        # Ollama adds the tag that people leave out.
        tagged = [n for n in names if n == f"{wanted}:latest"]
        if not tagged:
            raise InputError(f"{client.address.base} has no model {wanted!r}", field="model_name",
                             expected=", ".join(names))
        wanted = tagged[0]
    model = wanted or names[0]
    entry = next((m for m in listed if m.get("id") == model), {})
    return Found(dialect, model, await _context(client, dialect, model, entry))


async def _models(client: Client) -> tuple[list[dict[str, Any]], list[str]]:
    path = client.address.base.removeprefix(client.address.root) + "/models"
    try:
        listed = [m for m in (await client.fetch(path))["data"] if isinstance(m, dict)]
    except Failed as e:
        if e.kind in ("connection", "timeout", "key", "busy", "quota"):
            raise
        return [], []
    except (TypeError, LookupError):
        return [], []
    return listed, [str(m.get("owned_by")) for m in listed]


async def _told_by_refusal(client: Client) -> str:
    """The model of a server that lists none, from what it says to a name that it does not know."""
    try:
        await client.ask("chat", {"model": "?", "messages": [{"role": "user", "content": "?"}], "max_tokens": 1})
    except Failed as e:
        if e.kind in ("refused", "model") and (found := _PINNED.search(e.message)):
            return found[1]
    return ""


async def _context(client: Client, dialect: Dialect, model: str, entry: dict[str, Any]) -> int | None:
    found: Any = None
    with suppress(Failed, LookupError, TypeError, AttributeError, ValueError):
        if dialect.context == "models":
            found = entry.get("max_model_len")
        elif dialect.context == "props":
            found = (await client.fetch("/props"))["default_generation_settings"]["n_ctx"]
        elif dialect.context == "ollama":
            # What is loaded tells the truth; the model's own limit may be far above what the server set aside.
            loaded = (await client.fetch("/api/ps"))["models"]
            found = next((m.get("context_length") for m in loaded if m.get("model") == model), None)
            if not found:
                said = (await client.fetch("/api/show", {"model": model})).get("parameters", "")
                found = next((int(line.split()[1]) for line in said.splitlines() if line[:7] == "num_ctx"), None)
    return found if isinstance(found, int) and found > 0 else None


async def find_fields(found: Found, ask: Ask, body: dict[str, Any]) -> Found:
    """Ask a plain question; leave out what the server refuses.

    Args:
        body: a request with all fields that we would like to send.

    Raises:
        Failed: it refuses the question whatever is left out.
    """
    without: set[str] = set()
    longest = "max_tokens"
    while True:
        fields = {longest if k == "max_tokens" else k: v for k, v in body.items() if k not in without}
        try:
            reply = await ask(fields)
            break
        except Failed as e:
            if e.kind not in ("refused", "server"):
                raise
            if longest == "max_tokens" and "max_completion_tokens" in e.message:
                longest = "max_completion_tokens"
                continue
            left = [f for f in _OPTIONAL if f in fields]
            named = [f for f in left if f in e.message]
            if not left:
                raise
            without.add(named[0] if named else left[0])
    return msgspec.structs.replace(found, without=frozenset(without), longest_answer=longest,
                                   logprobs=bool(reply.pieces))


async def find_forms(found: Found, wanted: str, ask: Ask, body: dict[str, Any]) -> Found:
    """Try every way to hold an answer to a form, or the wanted one.

    Args:
        wanted: `auto`, or a step.
        body: a request that the server takes.

    Raises:
        InputError: the wanted way does not work here.
        Failed: the server is gone.
    """
    if wanted == "none":
        return found
    working: list[tuple[Step, dict[str, Any]]] = []
    said = ""
    for step in LADDER:
        for form in found.dialect.forms(step) if wanted in ("auto", step) else ():
            question = Question(Request("", "NER", ""), "", get_task("NER"), (Item("answer"),), SHAPE, WORD)
            try:
                asked = body
                if step == "verbatim":
                    grammar: Any = verbatim_of(Request("", "NER", ""), 1)
                    asked = body | {"messages": messages(Question(Request("", "NER", ROW), ROW), "")}
                elif (grammar := grammar_of(step, SHAPE, WORD, 1, found.dialect)) is None:
                    break
                reply = await ask(asked | filled(form, grammar))
            except Failed as e:
                if e.kind not in ("refused", "server", "malformed", "context"):
                    raise
                said = e.message
                continue
            # A model may well name nothing, which only some grammars can shut out.
            checked = check(question, reply.text.replace('[""]', f'["{WORD}"]'))
            named = step == "verbatim" and reply.text == NOTHING
            if named or checked.whole or (checked.closed and WORD in checked.text):
                working.append((step, form))
                break
            said = f"it answered {reply.text[:60]!r}"
    if not working and wanted != "auto":
        raise InputError(f"the server {found.dialect.name} does not keep to a grammar given as {wanted}"
                         + (f": {said}" if said else ""), field="constraint", expected="auto, or a way it knows")
    return msgspec.structs.replace(found, forms=tuple(working))
