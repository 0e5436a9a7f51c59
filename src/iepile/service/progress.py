"""How far a job is, and how long it will take yet."""

from __future__ import annotations

import time

ENOUGH = 1.0
"""Seconds of work before the rest is guessed at."""


class Progress:
    """Of a job in work. Written by its thread, read by others."""

    def __init__(self, before: int, total: int) -> None:
        """
        Args:
            before: documents that were answered before it was taken up again.
            total: all of them.
        """
        self.done, self.total, self._before = before, total, before
        self._began = time.monotonic()

    def at(self, done: int) -> None:
        """So many documents are answered; those of an earlier run come first, all at once."""
        self.done = max(self.done, done)

    def seconds_left(self) -> float | None:
        """By the pace of this run; None: it cannot be told yet."""
        seconds, fresh = time.monotonic() - self._began, self.done - self._before
        if fresh < 1 or seconds < ENOUGH:
            return None
        return round(seconds / fresh * (self.total - self.done), 1)
