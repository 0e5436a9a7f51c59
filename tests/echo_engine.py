"""An engine that says what it is asked in capitals, for tests of those who ask it from many threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion, Request


def ask(*words: str) -> list[Request]:
    return [Request(f"{n}", "", word) for n, word in enumerate(words)]


class Echo:
    """Says what it is asked in capitals, a stretch at a time, and notes its batches; `hold` keeps it waiting."""

    name = "echo"

    def __init__(self, stretch: int = 1, concurrency: int = 1, wait: float = 0.0) -> None:
        self.stretch, self.concurrency, self.wait = stretch, concurrency, wait
        self.batches: list[list[str]] = []
        self.hold = threading.Event()
        self.hold.set()
        self.begun = threading.Semaphore(0)
        self.at_once = self.most_at_once = 0
        self.closed = False
        self._lock = threading.Lock()

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        stream = iter(requests)
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            while some := list(islice(stream, max(self.stretch, 64))):
                self.batches.append([r.instruction for r in some])
                self.begun.release()
                assert self.hold.wait(20)
                time.sleep(self.wait)
                for r in some:
                    if "raise" in r.instruction:
                        raise InputError("no such word", field="word") if "input" in r.instruction else KeyError("oops")
                    if not r.done and r.instruction != "silence":
                        yield Completion(r.key, r.instruction.upper(), tokens=2, prompt_tokens=3)
        finally:
            with self._lock:
                self.at_once -= 1

    def close(self) -> None:
        self.closed = True


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)
