"""Turns, pauses and waits between tries."""

from __future__ import annotations

import pytest

from iepile.extraction.server.pace import LONGEST_WAIT, Pace, wait_before


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_no_limit_no_wait() -> None:
    pace = Pace()
    assert [pace.turn(10**9) for _ in range(3)] == [0, 0, 0]


def test_requests_a_minute() -> None:
    clock = Clock()
    pace = Pace(requests=60, clock=clock)
    assert [pace.turn(5) for _ in range(3)] == [0, 1, 2]
    clock.now += 10
    assert pace.turn(5) == 0  # turns that nobody took are not saved up
    assert pace.turn(5) == 1


def test_tokens_a_minute_and_what_is_given_back() -> None:
    clock = Clock()
    pace = Pace(tokens=6000, clock=clock)
    assert pace.turn(300) == 0
    assert pace.turn(100) == pytest.approx(3)
    pace.settle(300, 100)
    assert pace.turn(1) == pytest.approx(2)
    pace.settle(1, 101)
    assert pace.turn(1) == pytest.approx(3.01)


def test_a_pause_holds_for_all() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    pace.pause(5)
    pace.pause(2)
    assert pace.turn(1) == 5
    clock.now += 5
    assert pace.turn(1) == 0


def test_waits_double_and_are_the_same_in_every_run() -> None:
    waits = [wait_before(n, "question", 0) for n in range(1, 12)]
    assert waits == [wait_before(n, "question", 0) for n in range(1, 12)]
    assert all(0.25 * 2 ** n <= w <= 0.5 * 2 ** n for n, w in enumerate(waits[:7]))
    assert max(waits) <= LONGEST_WAIT
    assert waits[0] != wait_before(1, "another", 0) != wait_before(1, "another", 1)
