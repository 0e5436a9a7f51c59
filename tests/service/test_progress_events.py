"""Listeners hear that something has changed, once for many changes, and cannot become too many."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from iepile.service import progress_events
from iepile.service.progress import Progress
from iepile.service.progress_events import ProgressEvents
from iepile.service.refusals import Busy


def test_news_comes_from_threads_and_many_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_events, "PAUSE", 0.05)

    async def listen() -> list[bool]:
        events, heard = ProgressEvents(), []
        async with events.listener("a") as listener, events.listener("b") as other:
            heard.append(await listener.news(0.01))
            thread = threading.Thread(target=lambda: [events.tell("a") for _ in range(10_000)])
            thread.start()
            heard.append(await listener.news(5))
            thread.join()
            events.tell("a")
            heard += [await listener.news(5), await listener.news(0.01), await other.news(0.01)]
            events.close()
            heard += [await listener.news(5), await other.news(5), events.closed]
        events.tell("a")
        return heard

    assert asyncio.run(listen()) == [False, True, True, False, False, True, True, True]


def test_no_news_is_lost_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_events, "PAUSE", 0.0)
    state = {"value": 0}

    async def listen() -> int:
        events = ProgressEvents()

        def work() -> None:
            for n in range(1, 2001):
                state["value"] = n
                events.tell("a")

        async with events.listener("a") as listener:
            thread = threading.Thread(target=work)
            thread.start()
            seen = 0
            while seen < 2000 and await listener.news(5):
                seen = state["value"]
            thread.join()
        return seen

    assert asyncio.run(listen()) == 2000


def test_there_may_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_events, "MOST", 2)

    async def listen() -> None:
        events = ProgressEvents()
        async with events.listener("a"), events.listener("b"):
            with pytest.raises(Busy):
                events.check()
            with pytest.raises(Busy):
                async with events.listener("c"):
                    pass
        events.check()
        async with events.listener("a"):
            pass

    asyncio.run(listen())


def test_a_listener_outlives_its_loop() -> None:
    events = ProgressEvents()

    async def leave() -> object:
        return await events.listener("a").__aenter__()

    asyncio.run(leave())
    events.tell("a")


def test_how_long_it_will_take_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    progress = Progress(before=40, total=100)
    assert progress.seconds_left() is None
    progress.at(30)
    assert progress.done == 40, "answers of an earlier run come in again, all at once"
    clock[0] += 10
    assert progress.seconds_left() is None
    progress.at(60)
    assert progress.seconds_left() == 20.0
    progress.at(100)
    assert progress.seconds_left() == 0.0
