"""Progress on the terminal: a bar where there is one, a plain line now and then otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 15.0
"""Seconds between plain lines."""


@contextmanager
def progress(label: str) -> Iterator[Callable[..., None]]:
    """Yields `tick(done, total, note=None)`; `note` is a loss (number) or a word."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                   TextColumn("{task.fields[note]}"))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(label, total=None, note="")

            def tick(done: int, total: int, note: float | str | None = None) -> None:
                bar.update(task, completed=done, total=total, note=_note(note))

            yield tick
        return
    began = last = time.monotonic()

    def plain(done: int, total: int, note: float | str | None = None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= EVERY or (done == total and now - began > EVERY):
            last = now
            print(f"{label}: {done}/{total} {_note(note)}".rstrip(), file=sys.stderr, flush=True)

    yield plain


def _note(note: float | str | None) -> str:
    return f"loss {note:.3f}" if isinstance(note, float) else str(note or "")
