"""One engine that many threads ask at once: what waits together is answered together.

An engine is no more than an iterator over its answers, and knows nothing of threads. `SharedEngine` owns it and asks
it from a thread of its own. While one batch is answered, what arrives forms the next. Requests that somebody waits for
come first; work in the background goes in the stretches that the engine asks for, each by itself, so that its answers
do not depend on who else is there, and gives way whenever the engine has handed something out, but not for ever.

An engine that answers many calls at once by itself (`concurrency`, as one that asks a server) is asked from that many
threads, one request at a time.

Answers are those of the engine alone. What may differ, as between two runs of the engine with other neighbours, are
the last digits of log-probabilities; confidence is rounded to four digits for that reason.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from iepile.errors import IepileError
from iepile.extraction.engines.engine import Completion, Engine, Request
from iepile.service.calls import BackgroundCaller, Call, Caller, Closed, EngineFault, background_of, caller_of

logger = logging.getLogger(__name__)

BATCH = 64
"""Most questions answered together, where neither the settings nor the engine say."""
TURNS = 8
"""Batches of requests after which work in the background has a turn, however many requests wait."""
PATIENCE = 30.0
"""Seconds that closing waits for the answers in work."""


class SharedEngine:
    """An engine for many threads."""

    def __init__(self, engine: Engine, batch: int = 0, wait: float = 0.005) -> None:
        """
        Args:
            batch: most requests answered together; 0: as the engine batches.
            wait: seconds that requests wait for others that are known to be on their way.
        """
        self.engine, self.name = engine, engine.name
        self.threads = max(1, int(getattr(engine, "concurrency", 1)))
        own = int(getattr(getattr(engine, "options", None), "batch_size", 0) or BATCH)
        self.batch = 1 if self.threads > 1 else batch or own
        self.stretch = max(1, int(getattr(engine, "stretch", 1)))
        self.sizes: Counter[int] = Counter()
        """Requests in a batch -> batches of that size."""
        self.questions = self.tokens = self.prompt_tokens = self.failures = 0
        self._wait = wait
        self._together = getattr(engine, "together", None)
        self._changed = threading.Condition()
        self._calls: deque[Call] = deque()
        self._stretches: deque[Call] = deque()
        self._live: set[Call] = set()
        self._coming = self._turns = 0
        self._closed = False
        self._threads = [threading.Thread(target=self._work, name=f"engine {self.name} {n}", daemon=True)
                         for n in range(self.threads)]
        self._working = len(self._threads)
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Requests that somebody waits for and that are not begun."""
        with self._changed:
            return sum(len(call.pending) for call in self._calls)

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answers, batched with those of other callers. Closing the iterator takes back what is not begun.

        Raises:
            IepileError: the engine failed on these requests, or was closed (`Closed`).
        """
        return caller_of(self, coming=False).generate(requests)

    def caller(self, most: int = 0, strict: bool = False) -> Caller:
        """A view of the engine for one piece of work, which another thread may break off; close it.

        Args:
            most: most requests it may ask; 0: any number.
            strict: what the engine can never answer is an `InputError`.
        """
        return caller_of(self, most, strict=strict)

    def background(self) -> BackgroundCaller:
        """The same engine for work nobody waits for: it gives way to requests, and keeps to stretches."""
        return background_of(self)

    def close(self) -> None:
        """Answer nothing more, end all who wait with `Closed`, and close the engine."""
        with self._changed:
            self._closed = True
            live = list(self._live)
            self._calls.clear()
            self._stretches.clear()
            self._changed.notify_all()
        for call in live:
            call.end(Closed("the service is shutting down"))
        until = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    # What callers do.

    def coming(self, step: int) -> None:
        """One more, or one less, is about to ask."""
        with self._changed:
            self._coming += step
            self._changed.notify_all()

    def submit(self, call: Call, background: bool = False) -> None:
        """Take requests in."""
        if self._together is not None and not background:
            call.pending = deque(tuple(of) for _, of in groupby((g[0] for g in call.pending), self._together))
        with self._changed:
            if self._closed:
                raise Closed("the service is shutting down")
            self._live.add(call)
            (self._stretches if background else self._calls).append(call)
            self._changed.notify()

    def take_back(self, call: Call) -> None:
        """Forget what is not begun."""
        call.over = True
        with self._changed:
            self._live.discard(call)
            for line in (self._calls, self._stretches):
                if call in line:
                    line.remove(call)

    # What the threads do.

    def _work(self) -> None:
        try:
            while True:
                with self._changed:
                    while not (self._calls or self._stretches or self._closed):
                        self._changed.wait()
                    if self._closed:
                        return
                    behind = bool(self._stretches) and self._turns >= TURNS
                    batch = self._next_batch() if self._calls and not behind else []
                    stretch = self._stretches.popleft() if not batch and self._stretches else None
                    self._turns = 0 if batch == [] else self._turns + 1
                if batch:
                    self._answer(batch)
                elif stretch is not None:
                    self._answer_stretch(stretch)
        finally:
            with self._changed:
                self._working -= 1
                last = not self._working
            if last:
                self.engine.close()

    def _next_batch(self) -> list[tuple[Call, Request]]:
        """What is answered next, in the order of arrival; of a long call a batch, then others have their turn."""
        until = time.monotonic() + self._wait
        while self._coming and sum(len(c.pending) for c in self._calls) < self.batch:
            left = until - time.monotonic()
            if left <= 0 or self._closed or not self._calls or not self._changed.wait(left):
                break
        batch: list[tuple[Call, Request]] = []
        asked: dict[object, Call] = {}
        others: list[Call] = []
        for _ in range(len(self._calls)):
            call = self._calls.popleft()
            if batch and call.pending and _is_talk(call.pending[0][0]) != _is_talk(batch[0][1]):
                # A batch lasts as long as its longest answer: extraction would wait for the end of a conversation.
                others.append(call)
                continue
            while call.pending and (not batch or len(batch) + len(call.pending[0]) <= self.batch):
                of = call.pending[0]
                if self._together is not None and asked.setdefault(self._together(of[0]), call) is not call:
                    break  # of two callers never
                batch += ((call, request) for request in call.pending.popleft())
            if call.pending:
                self._calls.append(call)
            if len(batch) >= self.batch:
                break
        self._calls.extendleft(reversed(others))
        return batch

    def _answer(self, batch: Sequence[tuple[Call, Request]]) -> None:
        """Answer a batch; where the engine breaks, those of each caller by themselves, so that it breaks for one."""
        self._begun(len(batch))
        left = {str(n): pair for n, pair in enumerate(batch)}
        try:
            for completion in self.engine.generate([replace(r, key=n) for n, (_, r) in left.items()]):
                if completion.key not in left:
                    raise EngineFault(f"the engine {self.name} answered {completion.key!r}, which was not asked")
                call, request = left.pop(completion.key)
                self._count(completion)
                call.put(replace(completion, key=request.key))
        except Exception as e:
            calls = list(dict.fromkeys(call for call, _ in left.values()))
            if len(calls) > 1:
                for call in calls:
                    self._answer([pair for pair in left.values() if pair[0] is call])
            elif calls:
                self._failed(calls[0], e)
            return
        for call in dict.fromkeys(call for call, _ in left.values()):
            self._failed(call, EngineFault(f"the engine {self.name} left questions without an answer"))

    def _answer_stretch(self, call: Call) -> None:
        """Answer a stretch, and let requests through whenever the engine hands something out."""
        requests = [request for of in call.pending for request in of]
        left = {r.key for r in requests if not r.done}
        call.pending.clear()
        self._begun(len(requests))
        answers = iter(self.engine.generate(requests))
        try:
            while not call.over and not self._closed:
                completion = next(answers, None)
                if completion is None:
                    if left:
                        raise EngineFault(f"the engine {self.name} left questions without an answer")
                    call.end(None)
                    return
                left.discard(completion.key)
                self._count(completion)
                call.put(completion)
                self._let_through()
        except Exception as e:
            self._failed(call, e)
        finally:
            close = getattr(answers, "close", None)
            if close is not None:
                close()

    def _let_through(self) -> None:
        for _ in range(TURNS):
            with self._changed:
                batch = self._next_batch() if self._calls and not self._closed else []
            if not batch:
                return
            self._answer(batch)

    def _begun(self, size: int) -> None:
        with self._changed:
            self.sizes[size] += 1

    def _count(self, completion: Completion) -> None:
        with self._changed:
            self.questions += 1
            self.tokens += completion.tokens
            self.prompt_tokens += completion.prompt_tokens

    def _failed(self, call: Call, error: Exception) -> None:
        if not isinstance(error, IepileError):
            logger.error("the engine %s failed", self.name, exc_info=error)
        call.end(error)
        with self._changed:
            self.failures += 1
            if call in self._calls:
                self._calls.remove(call)


def _is_talk(request: Request) -> bool:
    """A plain question: nobody knows how long its answer will be."""
    return not request.task
