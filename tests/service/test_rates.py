"""Rates: never more than a minute's requests at once, nor more than so many a minute in the long run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iepile.service.rates import MOST, Rates


@given(st.integers(1, 120), st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_stretch_of_time_has_more_than_its_share(rate: int, gaps: list[float]) -> None:
    rates, now, passed = Rates(rate), 0.0, []
    for gap in gaps:
        now += gap
        if not rates.wait("a", now):
            passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= rate + (passed[last] - passed[first]) * rate / 60 + 1e-6


@given(st.integers(1, 600), st.integers(1, 100))
def test_whoever_waits_as_told_is_let_in(rate: int, more: int) -> None:
    rates, now = Rates(rate), 0.0
    for _ in range(rate + more):
        if wait := rates.wait("a", now):
            assert 0 < wait <= 60 / rate + 1e-6
            now += wait
            assert not rates.wait("a", now)


def test_no_limit_and_no_end_of_callers() -> None:
    assert not any(Rates(0).wait("a", 0.0) for _ in range(1000))
    rates = Rates(1)
    for n in range(MOST + 500):
        rates.wait(str(n), 0.0)
    assert len(rates._buckets) == MOST
    assert rates.wait(str(MOST + 499), 0.0) and not rates.wait("0", 0.0)
