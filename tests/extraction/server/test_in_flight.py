"""Calls in flight: bounded, streaming, cancelled at once, and nothing finished is lost."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from iepile.extraction.server.in_flight import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()
    made.close()
    assert not any(t.name == "iepile-server" and t.is_alive() for t in threading.enumerate())


def test_results_come_as_they_are_ready_and_no_more_is_read_than_asked(loop: Loop) -> None:
    read, now, most = [], 0, 0

    def items() -> Iterator[int]:
        for n in range(1000):
            read.append(n)
            yield n

    async def work(n: int) -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05 if n == 0 else 0.001)
        now -= 1
        return n

    got = []
    for n in loop.spread(items(), work, 4):
        got.append(n)
        assert len(read) <= len(got) + 4
    assert sorted(got) == list(range(1000)) and got[0] != 0 and most == 4


def test_an_error_comes_after_what_was_finished_and_cancels_the_rest(loop: Loop) -> None:
    cancelled = threading.Event()

    async def work(n: int) -> int:
        if n == 3:
            await asyncio.sleep(0.05)
            raise ValueError("three")
        if n > 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.set()
                raise
        return n

    got = []
    with pytest.raises(ValueError, match="three"):
        for n in loop.spread(range(100), work, 5):
            time.sleep(0.02)
            got.append(n)
    assert sorted(got) == [0, 1, 2]
    assert cancelled.wait(5)


def test_an_error_of_the_input_is_the_callers(loop: Loop) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("torn file")

    async def work(n: int) -> int:
        return n

    with pytest.raises(OSError, match="torn"):
        list(loop.spread(items(), work, 2))


def test_ctrl_c_stops_at_once_and_hands_out_what_was_there(loop: Loop) -> None:
    async def work(n: int) -> int:
        await asyncio.sleep(0 if n < 3 else 60)
        return n

    got: list[int] = []
    threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        got.extend(loop.spread(range(10), work, 4))
    assert sorted(got) == [0, 1, 2] and time.monotonic() - started < 5


def test_ctrl_c_ends_a_single_wait(loop: Loop) -> None:
    threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        loop.run(asyncio.sleep(60))
    assert time.monotonic() - started < 5


def test_a_closed_iterator_cancels(loop: Loop) -> None:
    cancelled = threading.Event()

    async def work(n: int) -> int:
        try:
            await asyncio.sleep(0 if n == 0 else 60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return n

    results = loop.spread(range(10), work, 3)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    assert cancelled.wait(5)
