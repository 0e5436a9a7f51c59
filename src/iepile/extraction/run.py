"""One run over many rows: every question goes to the engine, every answer into the journal, every row out in order.

The requests of a run are numbered in the order of the rows. The plan of a row is made again when it is written, so that
nothing but numbers and windows stays in memory.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from msgspec.structs import replace

from iepile.errors import IepileError
from iepile.extraction.answered import PredictSummary, answered
from iepile.extraction.engines.engine import Completion, Engine, Request
from iepile.extraction.gathering import GatheringOptions
from iepile.extraction.journal import Journal
from iepile.extraction.plan import Plan, Planner
from iepile.extraction.questions import DOCUMENT, Question
from iepile.extraction.windows import Window

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""


class Run:
    """Asks and writes; the journal is the caller's."""

    def __init__(
        self, questions: Callable[[], Iterator[Question]], planner: Planner, journal: Journal, summary: PredictSummary,
        progress: Progress | None = None,
    ) -> None:
        """`questions` gives the rows anew each time."""
        self.questions, self.planner, self.journal, self.summary = questions, planner, journal, summary
        self._progress = progress
        self._first = array("q")
        """Number of the first request of each row."""
        self._next = 0
        """Numbers given out so far."""
        self._windows: dict[int, tuple[Window, ...]] = {}
        """Windows of the rows that have several."""
        self._waiting: dict[int, int] = {}
        """Row -> answers it waits for."""
        self._failed: set[int] = set()
        """Requests that failed and may be asked again."""
        self._done = 0

    def answer(self, engine: Engine, attempts: int) -> None:
        """Ask all that the journal has no answer to; what fails is asked again, `attempts` times in all.

        Raises:
            IepileError: the engine broke off, or answered what was not asked.
        """
        started, before = time.monotonic(), self.summary.resumed
        stretch = getattr(engine, "stretch", 1)
        self._take(engine, self._feed(self._requests(), stretch))
        if self._waiting or len(self._first) < self.summary.rows:
            raise IepileError(f"the engine {engine.name} answered {self._done} of {self.summary.rows} rows and stopped "
                              "without an error; this is a fault of the engine. Run again to ask for the rest")
        for _ in range(1, attempts):
            if not (again := self._failed):
                break
            self._failed = set()
            for number in again:
                self.journal.forget(number)
            numbered = (pair for pair in self._requests() if pair[0] in again)
            self._take(engine, (request for _, request in numbered))
            if any(number not in self.journal for number in again):
                raise IepileError(f"the engine {engine.name} left questions without an answer and without an error; "
                                  "this is a fault of the engine. Run again to ask for the rest")
        self.summary.seconds = time.monotonic() - started
        fresh = self.summary.rows - (self.summary.resumed - before)
        self.summary.rows_per_second = fresh / max(self.summary.seconds, 1e-9)

    def output(self, options: GatheringOptions, so_far: bool = False) -> Iterator[dict[str, Any]]:
        """The rows with their answers, in order. `so_far`: those before the first that still waits for one."""
        number = 0
        for question, plan in self._plans():
            if so_far and any(n not in self.journal for n in range(number, number + len(plan.asks))):
                return
            completions = [self.journal.read(n) for n in range(number, number + len(plan.asks))]
            number += len(plan.asks)
            yield answered(question, plan, completions, options, self.summary)

    def _plans(self) -> Iterator[tuple[Question, Plan]]:
        for row, question in enumerate(self.questions()):
            text, polls = question.asked()
            known = row < len(self._first)
            windows = self._windows.get(row, (Window(0, len(text)),)) if known else None
            plan = self.planner.plan(text, polls, windows, question.task == DOCUMENT)
            if not known:
                self._first.append(self._next)
                self._next += len(plan.asks)
                if len(plan.windows) > 1:
                    self._windows[row] = plan.windows
                missing = sum(n not in self.journal for n in range(self._next - len(plan.asks), self._next))
                if missing:
                    self._waiting[row] = missing
                else:
                    self.summary.resumed += bool(plan.asks)
                    self._tick()
            yield question, plan

    def _requests(self) -> Iterator[tuple[int, Request]]:
        number = 0
        for _, plan in self._plans():
            for ask in plan.asks:
                yield number, ask.request(str(number))
                number += 1

    def _feed(self, requests: Iterator[tuple[int, Request]], stretch: int) -> Iterator[Request]:
        """What is to be asked, and what stands beside it."""
        while some := list(islice(requests, stretch)):
            done = [number in self.journal for number, _ in some]
            if all(done):
                continue
            for (_, request), answered_before in zip(some, done, strict=True):
                if not answered_before:
                    yield request
                elif stretch > 1:
                    yield replace(request, done=True)

    def _take(self, engine: Engine, requests: Iterator[Request]) -> None:
        for completion in engine.generate(requests):
            number = self._number(completion)
            self.journal.append(number, completion)
            if completion.finish == "error" and not completion.lasting:
                self._failed.add(number)
            row = bisect_right(self._first, number) - 1
            if row in self._waiting:
                self._waiting[row] -= 1
                if not self._waiting[row]:
                    del self._waiting[row]
                    self._tick()

    def _number(self, completion: Completion) -> int:
        if not completion.key.isdecimal() or int(completion.key) >= self._next:
            raise IepileError(f"the engine {self.summary.engine} answered {completion.key!r}, which was not asked; "
                              "this is a fault of the engine")
        return int(completion.key)

    def _tick(self) -> None:
        self._done += 1
        if self._progress:
            self._progress(self._done, self.summary.rows)
