"""Those who ask a shared engine. Each is an engine itself, so that whatever takes one (an extractor, a job) takes it.

    with shared.caller() as engine:
        Extractor(engine).extract(text, schema)    # another thread may call engine.cancel()
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, Measuring, Request

if TYPE_CHECKING:
    from iepile.service.batching import SharedEngine


class Closed(IepileError):
    """The service is shutting down."""


class GivenUp(IepileError):
    """Whoever asked does not wait any longer."""


class EngineFault(IepileError):
    """The engine failed: nothing is wrong with what was asked."""


class Call:
    """Requests handed in together, and where their answers go."""

    def __init__(self, requests: Iterable[Request], results: SimpleQueue[Any] | None = None) -> None:
        self.pending: deque[tuple[Request, ...]] = deque((r,) for r in requests)
        """Not begun; what stands in one tuple is answered in one batch."""
        self.results: SimpleQueue[Any] = SimpleQueue() if results is None else results
        self.over = False
        """Nobody waits for the rest."""

    def put(self, completion: Completion) -> None:
        """Hand an answer over."""
        self.results.put(completion)

    def end(self, error: Exception | None) -> None:
        """Nothing more comes; with an error, the caller gets it."""
        self.over = True
        self.results.put(self if error is None else error)


class Caller:
    """One piece of work that asks a shared engine."""

    def __init__(self, shared: SharedEngine, most: int = 0, coming: bool = True, strict: bool = False) -> None:
        """
        Args:
            most: most requests it may ask at once; 0: any number.
            coming: it will ask soon: others may wait a moment for it.
            strict: what the engine can never answer is an error, and no answer.
        """
        self.name, self._shared, self._most, self._strict = shared.name, shared, most, strict
        self._open: set[Call] = set()
        self._cancelled = False
        self._coming = coming
        if coming:
            shared.coming(1)

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answers, batched with those of other callers. Closing the iterator takes back what is not begun.

        Raises:
            InputError: more requests than this caller may ask; or a strict one asked what cannot be answered.
            IepileError: the engine failed on these requests (`EngineFault`), was closed (`Closed`), or the work was
                broken off (`GivenUp`).
        """
        asked = self._all(requests)
        if not asked:
            return
        call = Call(asked)
        self._begin(call, False)
        try:
            for _ in asked:
                completion = _taken(call.results.get(), self.name)
                if self._strict and completion.lasting:
                    problem, _, fix = completion.error.partition("\n")
                    raise InputError(problem, field="text", fix=fix.strip().removeprefix("do:").strip() or None)
                yield completion
        finally:
            self._end(call)

    def cancel(self) -> None:
        """Break off, from any thread: who waits gets `GivenUp`, what is not begun is taken back."""
        self._cancelled = True
        for call in list(self._open):
            self._shared.take_back(call)
            call.end(GivenUp("nobody waits for the answer any longer"))

    def close(self) -> None:
        """Ask nothing more."""
        self._arrived()
        self.cancel()

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _all(self, requests: Iterable[Request]) -> list[Request]:
        wanted = (r for r in requests if not r.done)
        asked = list(islice(wanted, self._most + 1)) if self._most else list(wanted)
        if self._most and len(asked) > self._most:
            raise too_many(self._most)
        return asked

    def _begin(self, call: Call, background: bool) -> None:
        self._open.add(call)
        self._shared.submit(call, background)
        self._arrived()
        # Looked at only now: who cancels a moment later finds the call among the open ones.
        if self._cancelled:
            self._end(call)
            raise GivenUp("nobody waits for the answer any longer")

    def _arrived(self) -> None:
        if self._coming:
            self._coming = False
            self._shared.coming(-1)

    def _end(self, call: Call) -> None:
        self._open.discard(call)
        self._shared.take_back(call)


class BackgroundCaller(Caller):
    """Work that nobody waits for, in the stretches of the engine."""

    def __init__(self, shared: SharedEngine) -> None:
        super().__init__(shared, coming=False)
        self.stretch = shared.stretch

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answers, a stretch at a time, each by itself; requests are read as far ahead as keeps the engine busy.

        Raises:
            IepileError: see `Caller.generate`.
        """
        stream, results = iter(requests), SimpleQueue[Any]()
        running: deque[Call] = deque()
        try:
            while True:
                while len(running) <= self._shared.threads and (some := list(islice(stream, self.stretch))):
                    call = Call(some, results)
                    running.append(call)
                    self._begin(call, True)
                if not running:
                    return
                item = results.get()
                if isinstance(item, Call):
                    running.remove(item)
                    self._end(item)
                else:
                    yield _taken(item, self.name)
        finally:
            for call in running:
                self._end(call)


class MeasuredCaller(Caller):
    """A caller of an engine that knows how long a prompt is."""

    @property
    def context(self) -> int | None:
        """Most tokens of prompt and answer."""
        return self._measuring.context

    def prompt_tokens(self, request: Request) -> int:
        """Tokens of the prompt of a request."""
        return self._measuring.prompt_tokens(request)

    def answer_room(self, request: Request) -> int:
        """Tokens to keep free for the answer."""
        return self._measuring.answer_room(request)

    @property
    def _measuring(self) -> Measuring:
        engine: Any = self._shared.engine
        return engine  # type: ignore[no-any-return]


class MeasuredBackground(MeasuredCaller, BackgroundCaller):
    """The same in the background."""


def too_many(most: int) -> InputError:
    """Refusal of texts that come to more questions than one caller may ask."""
    return InputError(f"the texts come to more than {most:,} questions", field="schema",
                      fix="ask fewer labels, texts, orders or passes at a time, or hand in documents")


def caller_of(shared: SharedEngine, most: int = 0, coming: bool = True, strict: bool = False) -> Caller:
    """A caller that can do what the engine can; see `Caller`."""
    return (MeasuredCaller if isinstance(shared.engine, Measuring) else Caller)(shared, most, coming, strict)


def background_of(shared: SharedEngine) -> BackgroundCaller:
    """The same in the background."""
    return (MeasuredBackground if isinstance(shared.engine, Measuring) else BackgroundCaller)(shared)


def _taken(item: Any, engine: str) -> Completion:
    """What the engine's thread handed over; an error is raised anew, for each thread its own."""
    if isinstance(item, InputError):
        raise item.at()
    if isinstance(item, (Closed, GivenUp, EngineFault)):
        raise type(item)(str(item))
    if isinstance(item, Exception):
        raise EngineFault(f"the engine {engine} failed: {_first_line(item)}") from item
    return item  # type: ignore[no-any-return]


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__) if isinstance(error, IepileError) else type(error).__name__
