"""Learning rates over a run."""

from __future__ import annotations

import pytest

from iepile.training.schedule import schedule
from iepile.training.settings.optimisation import SCHEDULES


def test_known_points() -> None:
    assert [schedule(s, 10, 0.2, "linear") for s in (0, 1, 2, 6)] == [0.5, 1.0, 1.0, 0.5]
    assert schedule(9, 10, 0.0, "constant") == 1.0
    assert 0 < schedule(9, 10, 0.0, "cosine") < schedule(5, 10, 0.0, "cosine") == pytest.approx(0.5)
    assert schedule(5, 10, 0.0, "polynomial") == 0.25


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule_rises_then_never_rises_again(kind: str) -> None:
    rates = [schedule(s, 20, 0.2, kind) for s in range(20)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4:] == sorted(rates[4:], reverse=True) and rates[4] == 1.0 and rates[-1] > 0


def test_steps_of_warm_up_go_before_their_share() -> None:
    assert [schedule(s, 10, 0.5, "constant", 2) for s in range(3)] == [0.5, 1.0, 1.0]
    assert schedule(2, 3, 0.0, "linear", 100) == 1.0  # longer than the run
