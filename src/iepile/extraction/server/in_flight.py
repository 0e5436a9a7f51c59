"""Many calls in flight at once, behind a plain iterator: an event loop in a thread of its own.

Reads no further ahead than it asks, so that an input of any size streams through. When the caller stops (Ctrl-C, a
closed generator) what is in flight is cancelled at once, after an error soon; what had been answered by then is handed
out first.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")
TICK = 0.5
"""Seconds after which a waiting main thread looks up: on some systems Ctrl-C cannot wake it."""
GRACE = 2.0
"""Seconds that calls in flight may still take when one of them has failed for all."""


class Loop:
    """An event loop in a thread; close it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="iepile-server", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, A]) -> A:
        """Do one thing there and wait for it; interrupted, it is cancelled."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while True:
                try:
                    return future.result(TICK)
                except TimeoutError:
                    if future.done():
                        raise
        except BaseException:
            future.cancel()
            raise

    def spread(self, items: Iterable[A], work: Callable[[A], Awaitable[B]], at_once: int) -> Iterator[B]:
        """`work` on every item, `at_once` of them at a time; results as they come, in any order.

        Raises:
            Exception: the first that a `work` raises, after the results that were there by then.
        """
        return self._spread(iter(items), work, at_once)

    def _spread(self, items: Iterator[A], work: Callable[[A], Awaitable[B]], at_once: int) -> Iterator[B]:
        finished: SimpleQueue[Future[B]] = SimpleQueue()
        running: set[Future[B]] = set()

        async def one(item: A) -> B:
            return await work(item)

        def start() -> bool:
            for item in items:
                future = asyncio.run_coroutine_threadsafe(one(item), self._loop)
                running.add(future)
                future.add_done_callback(finished.put)
                return True
            return False

        try:
            while len(running) < at_once and start():
                pass
            while running:
                future = _next(finished)
                running.discard(future)
                result = future.result()
                # The next call goes out before the caller spends time on this result.
                start()
                yield result
        except GeneratorExit:
            raise
        except BaseException as e:
            if isinstance(e, Exception):
                # What was asked is paid for; its answer may be on the way.
                wait(list(running), GRACE)
            self._cancel(running)
            while not finished.empty():
                late = finished.get()
                if not late.cancelled() and late.exception() is None:
                    yield late.result()
            raise
        finally:
            self._cancel(running)

    @staticmethod
    def _cancel(running: set[Future[B]]) -> None:
        for future in list(running):
            future.cancel()
        running.clear()

    def close(self) -> None:
        """Cancel what runs and end the thread."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        self._loop.close()


def _next(finished: SimpleQueue[Future[B]]) -> Future[B]:
    while True:
        try:
            return finished.get(timeout=TICK)
        except Empty:
            continue


async def _cancel_all() -> None:
    others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
