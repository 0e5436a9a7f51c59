"""One request of the OpenAI-compatible interface at work: its answers as they come from the engine.

Whoever gives it up has its answers given up too: an answer that is not begun is taken back, one that is being written
ends at its next token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion
from iepile.extraction.manner import Token
from iepile.service.calls import Closed, EngineFault, GivenUp
from iepile.service.chat_request import Asked
from iepile.service.refusals import Refusal

if TYPE_CHECKING:
    from iepile.service.app import Service


class News(NamedTuple):
    """What is new of one answer."""

    number: int
    tokens: list[Token]
    completion: Completion | None = None
    """The whole answer, once it is there."""


async def answers_of(asked: Asked, service: Service) -> list[Completion]:
    """All answers, in order.

    Raises:
        InputError: one that the engine can never answer.
        IepileError: the engine failed, or the work was broken off.
    """
    found: dict[int, Completion] = {}
    async with _Working(asked, service) as working:
        async for completion in working.completions():
            found[int(completion.key)] = completion
    return [found[n] for n in sorted(found)]


async def news_of(asked: Asked, service: Service) -> AsyncIterator[News]:
    """What is new of the answers, as soon as it is known; the last of each holds its completion.

    Raises:
        Exception: as `answers_of`; `GivenUp` where the time is up.
    """
    known = [0] * len(asked.readers)
    until = asyncio.get_running_loop().time() + service.config.timeout
    async with _Working(asked, service) as working:
        open_answers = set(range(len(asked.requests)))
        while open_answers:
            try:
                async with asyncio.timeout_at(until):
                    completion = await working.woken()
            except TimeoutError:
                raise GivenUp("it took too long") from None
            for n, reader in enumerate(asked.readers):
                tokens = reader.tokens[known[n] :]
                known[n] += len(tokens)
                if tokens and n in open_answers:
                    yield News(n, tokens)
            if completion is not None:
                number = int(completion.key)
                open_answers.discard(number)
                yield News(number, [], completion)


class _Working:
    """The thread that waits for the engine, seen from the event loop."""

    def __init__(self, asked: Asked, service: Service) -> None:
        self._asked, self._service = asked, service
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._nudged = False

    async def __aenter__(self) -> _Working:
        self._caller = self._asked.engine.caller(strict=True)
        for reader in self._asked.readers:
            reader.wake = self._nudge
        try:
            self._work = self._loop.run_in_executor(self._service.threads, self._ask)
        except RuntimeError:
            self._caller.close()
            raise Closed("the service is shutting down") from None
        return self

    async def __aexit__(self, *_: object) -> None:
        for reader in self._asked.readers:
            reader.gone, reader.wake = True, None
        self._caller.close()
        self._work.cancel()

    async def woken(self) -> Completion | None:
        """Waits until something is new; gives an answer if one is whole.

        Raises:
            IepileError: see `answers_of`.
        """
        item = await self._queue.get()
        if item is None:
            self._nudged = False
            return None
        if isinstance(item, Exception):
            raise item
        return _whole(item)

    async def completions(self) -> AsyncIterator[Completion]:
        """The answers as they are whole."""
        left = len(self._asked.requests)
        while left:
            completion = await self.woken()
            if completion is not None:
                left -= 1
                yield completion

    def _ask(self) -> None:
        """In a thread."""
        try:
            for completion in self._caller.generate(self._asked.requests):
                self._put(completion)
        except Exception as e:
            self._put(e)

    def _nudge(self) -> None:
        # One nudge in the queue is enough: who is woken takes all that is new.
        if not self._nudged:
            self._nudged = True
            self._put(None)

    def _put(self, item: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)


def _whole(completion: Completion) -> Completion:
    if completion.finish != "error":
        return completion
    problem, _, fix = completion.error.partition("\n")
    if problem.startswith("grammar:"):
        raise Refusal(problem, field="response_format", fix="use a simpler grammar, or allow more tokens")
    if completion.lasting:
        raise InputError(problem, fix=fix.strip().removeprefix("do:").strip() or None)
    raise EngineFault(problem)
