"""Ctrl-C and requests to end: a run finishes its step and saves before it stops."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SAME = 5.0
"""Seconds within which several signals count as one: a terminal and a launcher both hand on a Ctrl-C."""


@contextmanager
def stop_signals(launched: bool = False) -> Iterator[threading.Event]:
    """Set by Ctrl-C or a termination request; a second Ctrl-C stops at once.

    Args:
        launched: another program started this process and hands signals on.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    first = 0.0

    def handle(number: int, frame: object) -> None:
        nonlocal first
        if stop.is_set() and (not launched or time.monotonic() - first > SAME):
            raise KeyboardInterrupt
        first = first if stop.is_set() else time.monotonic()
        stop.set()

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
