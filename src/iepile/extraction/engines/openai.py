"""Engine for servers that speak OpenAI's protocol: vLLM, SGLang, llama.cpp, Ollama, `transformers serve`, hosted APIs.

What a server can do is found out by asking it (server/probe.py). The strictest grammar that it keeps to is used; every
answer is checked again on arrival, and where a server gives up on a grammar, the next way is tried for that request.
The key comes from the environment only: IEPILE_API_KEY, else OPENAI_API_KEY.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Engine, Request
from iepile.extraction.server import measure
from iepile.extraction.server.address import KEYS, read_address, read_key
from iepile.extraction.server.answering import Answering
from iepile.extraction.server.calls import Calls
from iepile.extraction.server.client import Client
from iepile.extraction.server.failures import Kind
from iepile.extraction.server.found import Found
from iepile.extraction.server.in_flight import Loop
from iepile.extraction.server.pace import Pace
from iepile.extraction.server.probe import look_at
from iepile.extraction.server.question import read_question
from iepile.extraction.server.reply import Reply
from iepile.extraction.server.usage import Usage

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenAIOptions:
    """Options of the openai engine."""

    model_name: str = ""
    """Name of the model on the server; empty: the only one it has."""
    constraint: Literal["auto", "verbatim", "lark", "gbnf", "json_schema", "none"] = "auto"
    """How answers are held to their form; `auto`: the strictest way that the server keeps to."""
    endpoint: Literal["chat", "completions"] = "chat"
    """`chat`: the server's own chat template makes the prompt; `completions`: `template` does, here."""
    template: str = ""
    """With `completions`: our chat template that the model was trained with."""
    system: str | None = None
    """System sentence; not given: the template's own."""
    text_first: bool = False
    """The model was trained with the text before the schema (`iepile train --text_first`)."""
    max_new_tokens: int = 512
    """Most tokens of an answer; a longer one is closed at its last whole value."""
    max_items: int = 0
    """Most elements of one list in an answer; 0: no bound. Keeps a weak model from repeating itself to the end."""
    temperature: float = 0.7
    """How freely further samples of one question are drawn; the first answer is always the likeliest."""
    seed: int = 0
    """Seed of samples and of the waits between tries."""
    logprobs: bool = True
    """Ask for log-probabilities, where the server tells them: confidence is read from them."""
    context: int = 0
    """Most tokens of prompt and answer together; 0: as the server says."""
    concurrency: int = 8
    """Requests in flight at once."""
    retries: int = 5
    """Further tries for a request that failed in a way that may pass."""
    timeout: float = 300.0
    """Seconds for one answer."""
    requests_per_minute: int = 0
    """Most requests a minute; 0: any number."""
    tokens_per_minute: int = 0
    """Most tokens a minute, prompts and answers; 0: any number."""
    price_in: float = 0.0
    """Price of a million tokens of prompts, in any currency; 0: not counted."""
    price_out: float = 0.0
    """Price of a million tokens of answers."""
    extra_body: dict[str, Any] = field(default_factory=dict)
    """Further fields of every request, as the server's manual has them; no keys."""
    api_key: str = ""
    """Not taken: set IEPILE_API_KEY or OPENAI_API_KEY in the environment."""


class OpenAIEngine:
    """Answers requests by asking a server."""

    name = "openai"

    def __init__(self, model: str, options: OpenAIOptions) -> None:
        """Look at the server.

        Args:
            model: its address.

        Raises:
            InputError: no address, a bad option, a key that is refused, or a model that is not there.
            IepileError: the server does not answer.
            MissingDependency: the library openai is not installed.
        """
        _check_options(options)
        self.options, self.concurrency = options, options.concurrency
        self.usage = Usage(options.price_in, options.price_out)
        address = read_address(model)
        self._loop = Loop()
        try:
            client = Client(address, read_key(), options.timeout)
            self._calls = Calls(client, Pace(options.requests_per_minute, options.tokens_per_minute), self.usage,
                                options.retries, options.seed)
            self.found: Found = self._loop.run(look_at(client, options, self._ask_lightly))
        except BaseException:
            self.close()
            raise
        self._answering = Answering(options, self.found, self._calls)
        self.context = self._answering.context
        """Most tokens of prompt and answer; None: the server does not tell."""
        held = options.constraint == "none" or self.found.step in ("verbatim", "lark", "gbnf")
        logger.log(logging.INFO if held else logging.WARNING, "%s: %s", address.base, self.found.told())

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer requests, several at once, each as soon as its answer is there.

        Raises:
            IepileError: the server is gone, or refuses the key or the model; answers that were there come first.
        """
        return self._loop.spread((r for r in requests if not r.done), self._answering.answer, self.options.concurrency)

    def prompt_tokens(self, request: Request) -> int:
        """Tokens of the prompt of a request: counted by the server if it can, else guessed (server/measure.py).

        Raises:
            InputError: not a request of its task.
            IepileError: the server counted before and does not now.
        """
        question = read_question(request, self.options.text_first)
        # Counts and guesses are never mixed: windows are cut by their differences.
        if not self.found.counts:
            return measure.guess(question.query + request.input)
        counted = self._loop.run(self._answering.count(question))
        if counted is None:
            raise IepileError(f"{self._calls.client.address.base} stopped counting tokens\n"
                              "  do:       see that the server runs, and run again; answers so far are kept")
        return counted

    def answer_room(self, request: Request) -> int:
        """Tokens to keep free for the answer: `max_new_tokens`, but at most half of what the model holds."""
        want = self.options.max_new_tokens
        return want if self.context is None else min(want, self.context // 2)

    def close(self) -> None:
        """Cancel what is in flight and close the connections."""
        calls: Calls | None = self.__dict__.pop("_calls", None)
        if calls is not None:
            self._loop.run(calls.client.close())
        self._loop.close()

    async def _ask_lightly(self, body: dict[str, Any]) -> Reply:
        """A question of the probe: what a server refuses with a 500 it refuses for good."""
        again: frozenset[Kind] = frozenset({"connection", "timeout", "busy"})
        reply = await self._calls.ask(self.options.endpoint, body, 0, again)
        self.usage.add(reply)
        return reply


def _check_options(o: OpenAIOptions) -> None:
    held = [k for k in o.extra_body if k.lower().replace("-", "_") in ("api_key", "apikey", "authorization", "key")]
    if o.api_key or held:
        raise InputError("keys are not taken as options", field=", ".join(held) or "api_key",
                         fix=f"set the environment variable {KEYS[0]}")
    if min(o.concurrency, o.max_new_tokens) < 1 or o.timeout <= 0:
        raise InputError("must be 1 or more", field="concurrency, max_new_tokens, timeout")
    least = {k: getattr(o, k) for k in ("retries", "max_items", "context", "requests_per_minute", "tokens_per_minute",
                                        "price_in", "price_out", "temperature")}
    if below := [k for k, v in least.items() if not v >= 0]:
        raise InputError("must be 0 or more", field=", ".join(below))
    if o.endpoint == "completions":
        from iepile.models.template import read_template

        if not o.template:
            raise InputError("completions need a template", field="template",
                             fix="name the one that the model was trained with (`iepile templates` lists them)")
        read_template(o.template)
    elif o.template:
        raise InputError("with chat, the server's own template makes the prompt", field="template",
                         fix="leave it out, or set endpoint to completions")


OPTIONS = OpenAIOptions


def open_engine(model: str, options: OpenAIOptions) -> Engine:
    """Look at the server at an address and make ready to ask it.

    Raises:
        InputError: no address, a bad option, a key that is refused, or a model that is not there.
        IepileError: the server does not answer.
    """
    return OpenAIEngine(model, options)


def open_ruler(model: str, options: OpenAIOptions) -> OpenAIEngine:
    """What counts the tokens of prompts: the server itself.

    Raises:
        InputError, IepileError: see `open_engine`.
    """
    return OpenAIEngine(model, options)
