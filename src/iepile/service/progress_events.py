"""Who wants to know how jobs go on: tasks of the event loop that are woken by the threads that do the work.

    async with events.listener(job) as listener:
        await listener.news(15.0)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from iepile.service.refusals import Busy

MOST = 1000
"""Listeners at once."""
PAUSE = 0.2
"""Seconds between two pieces of news for one listener: a fast model finishes a thousand documents in that time."""


class Listener:
    """One who waits for news of a job."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._told = False

    def tell(self) -> None:
        """There is news. From any thread; what is not heard yet is told once."""
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._event.set)

    async def news(self, seconds: float) -> bool:
        """Wait for news; False: there was none for so long."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        await asyncio.sleep(PAUSE)
        self._event.clear()
        self._told = False
        return True


class ProgressEvents:
    """The listeners, by job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Listener]] = {}
        self._count = 0
        self.closed = False

    def tell(self, job: str) -> None:
        """There is news of a job; from any thread."""
        with self._lock:
            for listener in self._listeners.get(job, ()):
                listener.tell()

    def close(self) -> None:
        """Wake all: nothing more will come."""
        with self._lock:
            self.closed = True
            for listeners in self._listeners.values():
                for listener in listeners:
                    listener.tell()

    def check(self) -> None:
        """Raises `Busy`: there are too many listeners."""
        if self._count >= MOST:
            raise Busy("too many listen already", fix="ask for the state of the job instead")

    @asynccontextmanager
    async def listener(self, job: str) -> AsyncIterator[Listener]:
        """A listener, as long as the block runs.

        Raises:
            Busy: there are too many.
        """
        listener = Listener()
        with self._lock:
            self.check()
            self._count += 1
            self._listeners.setdefault(job, set()).add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._count -= 1
                self._listeners[job].discard(listener)
                if not self._listeners[job]:
                    del self._listeners[job]
