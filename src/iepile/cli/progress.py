"""Progress on the terminal: a bar where there is one, a plain line now and then otherwise.

    tune: 120/1000 loss 0.523, 12,345 tokens/s, 0:12:03 left
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from iepile.training.speed import Loss, clock_text

EVERY = 15.0
"""Seconds between plain lines."""
WINDOW = 60.0
"""Seconds that the time left is estimated from, where who reports does not know it."""

Tick = Callable[..., None]
"""`tick(done, total, note=None)`; `note` is a loss (number), or a word for what is done on the way (`validation`).
That has a `done` and `total` of its own."""


@contextmanager
def progress(label: str) -> Iterator[Tick]:
    """Yields a `Tick`."""
    if sys.stderr.isatty():
        with _bars(label) as tick:
            yield tick
    else:
        yield _Lines(label).tick


@contextmanager
def _bars(label: str) -> Iterator[Tick]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        main = bars.add_task(label, total=None, note="")
        side = bars.add_task("", total=None, note="", visible=False)
        paces: dict[str, _Pace] = {}

        def tick(done: int, total: int, note: float | str | None = None) -> None:
            what = _phase(note)
            text = _text(note, paces.setdefault(what, _Pace()).left(done, total))
            if what:
                bars.update(side, description=f"  {what}", completed=done, total=total, note=text, visible=done < total)
            else:
                bars.update(side, visible=False)
                bars.update(main, completed=done, total=total, note=text)

        yield tick


class _Lines:
    """Plain lines, not more often than `EVERY` seconds."""

    def __init__(self, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.label, self._clock = label, clock
        self._began = self._last = clock()
        self._paces: dict[str, _Pace] = {}

    def tick(self, done: int, total: int, note: float | str | None = None) -> None:
        now, what = self._clock(), _phase(note)
        left = self._paces.setdefault(what, _Pace(self._clock)).left(done, total)
        if now - self._last >= EVERY or (done == total and not what and now - self._began > EVERY):
            self._last = now
            text = " ".join(filter(None, (f"{self.label}: {done}/{total}", what, _text(note, left))))
            print(text, file=sys.stderr, flush=True)


class _Pace:
    """Time left, from what was done in the last minute; what an earlier run had done counts for nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque()

    def left(self, done: int, total: int) -> float | None:
        """Seconds, or None while nothing is known."""
        now = self._clock()
        if self._marks and done < self._marks[-1][1]:
            self._marks.clear()  # it began anew: the next validation
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] >= WINDOW:
            self._marks.popleft()
        then, before = self._marks[0]
        if done == before or done > total:
            return None
        return (now - then) / (done - before) * (total - done)


def _phase(note: Any) -> str:
    return note if isinstance(note, str) else ""


def _text(note: float | str | None, left: float | None) -> str:
    parts = [f"loss {note:.3f}"] if isinstance(note, float) else []
    if isinstance(note, Loss):
        left = note.figures.seconds_left
        if note.figures.tokens_per_second:
            parts.append(f"{note.figures.tokens_per_second:,.0f} tokens/s")
    if left:
        parts.append(f"{clock_text(left)} left")
    return ", ".join(parts)
