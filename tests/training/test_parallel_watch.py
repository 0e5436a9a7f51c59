"""Who tells of a failure, and who notices it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from torch import distributed

from iepile.training.parallel import watch as watch_file
from iepile.training.parallel.watch import Watch


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, int, str]]]:
    """(process, exit code, message) of those that were ended, instead of an end."""
    seen: list[tuple[int, int, str]] = []

    def end(self: Watch, code: int, message: str) -> None:
        seen.append((self.rank, code, message))
        self._done.set()

    monkeypatch.setattr(Watch, "_end", end)
    monkeypatch.setattr(watch_file, "PERIOD", 0.02)
    monkeypatch.setattr(watch_file, "GRACE", 1.0)
    yield seen


def watches(n: int, silence: float = 60.0) -> list[Watch]:
    store = distributed.HashStore()
    return [Watch(store, rank, n, silence) for rank in range(n)]


def wait(ready: threading.Event | list[object], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not (ready.is_set() if isinstance(ready, threading.Event) else ready):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_one_of_those_that_fail_tells_and_the_others_end(ended: list[tuple[int, int, str]]) -> None:
    first, second, third = watches(3)
    third.start()
    first._thread.start()
    second._thread.start()
    assert second.claim(2)
    assert not first.claim(1)
    wait(third._done)
    assert set(ended) <= {(0, 2, ""), (2, 2, "")} and (2, 2, "") in ended


def test_a_process_without_a_heartbeat_is_missed(ended: list[tuple[int, int, str]]) -> None:
    living, silent = watches(2, silence=0.3)
    living.start()
    silent._thread = threading.Thread(target=lambda: None)
    wait(ended)  # type: ignore[arg-type]
    assert ended == [(0, 1, "process 1 of the run has not answered for 0 seconds")]


def test_those_that_go_on_are_left_alone(ended: list[tuple[int, int, str]]) -> None:
    both = watches(2, silence=0.3)
    for watch in both:
        watch.start()
    time.sleep(0.8)
    for watch in both:
        watch.stop()
    assert ended == []
