"""One engine that many threads ask at once: what waits together is answered together.

An engine is no more than an iterator over its answers, and knows nothing of threads. `SharedEngine` is an engine itself,
so that whatever takes one (an extractor, a job) can take this.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import islice

from iepile.extraction.engines.engine import Completion, Engine, Request


class SharedEngine:
    """An engine for many threads. Requests of different callers go into one batch; those of a job go by themselves,
    in the stretches that the engine asks for, so that a job's answers do not depend on who else is there."""

    def __init__(self, engine: Engine, batch: int = 0, wait: float = 0.005, queue: int = 0) -> None:
        """
        Args:
            batch: most requests answered together; 0: as the engine batches.
            wait: seconds that a request waits for company while the engine is idle.
        """
        self.engine, self.name = engine, engine.name
        self._lock = threading.Lock()

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answers, batched with those of other callers. Closing the iterator takes back what is not begun."""
        asked = list(requests)
        with self._lock:
            answers = list(self.engine.generate(asked))
        yield from answers

    def background(self) -> Engine:
        """The same engine for work nobody waits for: it gives way to requests between two stretches."""
        return _Background(self)

    def close(self) -> None:
        """Answer nothing more, and close the engine."""
        self.engine.close()


class _Background:
    def __init__(self, shared: SharedEngine) -> None:
        self._shared = shared
        self.name = shared.name
        self.stretch = getattr(shared.engine, "stretch", 1)

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        stream = iter(requests)
        while some := list(islice(stream, self.stretch)):
            with self._shared._lock:
                answers = list(self._shared.engine.generate(some))
            yield from answers

    def close(self) -> None:
        pass  # the shared engine is closed by its owner
