"""Curves find the chances that facts were drawn with, and are judged on documents they have not seen."""

from __future__ import annotations

import random
from math import exp, log

from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.extraction.calibration import log_odds
from iepile.extraction.calibration_fit import Observation, enough, fit_corners, fit_kind, fit_line, targets
from iepile.extraction.reliability import bins, calibration_error, error_interval


def drawn(n: int, weight: float, dissent: float = 0.0, offset: float = 0.0, seed: int = 0) -> list[Observation]:
    """Facts whose chance of being right is known."""
    rng = random.Random(seed)
    out = []
    for k in range(n):
        odds, support = rng.gauss(1, 2), rng.choice([1 / 3, 2 / 3, 1.0]) if dissent else None
        chance = 1 / (1 + exp(-(weight * odds + dissent * (1 - (support or 1)) + offset)))
        out.append(Observation(k // 3, round(1 / (1 + exp(-odds)), 4), support, rng.random() < chance))
    return out


def test_a_line_finds_what_the_facts_were_drawn_with() -> None:
    curve = fit_line(drawn(4000, 0.5, -2.0, 0.3), True)
    assert abs(curve.confidence - 0.5) < 0.06 and abs(curve.dissent + 2) < 0.35 and abs(curve.offset - 0.3) < 0.15
    assert fit_line(drawn(400, 1.0), False) == fit_line(drawn(400, 1.0), False)


def test_few_facts_leave_confidence_as_it_is() -> None:
    few = [Observation(n, 0.9, None, True) for n in range(3)]
    chance = fit_line(few, False).chance(0.9, None)
    assert chance is not None and 0.75 < chance < 0.95


def test_confidence_that_tells_nothing_or_the_wrong_thing_has_no_weight() -> None:
    upside_down = fit_line(drawn(1000, -1.0), True)
    assert upside_down.confidence == 0.0
    share = sum(o.right for o in drawn(1000, -1.0)) / 1000
    chance = upside_down.chance(0.9, None)
    assert chance is not None and abs(chance - share) < 0.02


def test_facts_without_confidence_have_the_share_of_their_like() -> None:
    some = drawn(300, 1.0) + [Observation(n, None, None, n % 4 == 0) for n in range(98)]
    assert fit_line(some, False).untold == 0.26
    only_support = [Observation(n, None, s, n % 10 < 9 if s == 1.0 else n % 10 < 3)
                    for n in range(200) for s in (0.5, 1.0)]
    fit, _ = fit_kind(only_support, 0)
    assert fit.method == "logistic with support" and fit.error_before.value > 0.05
    high, low = fit.curve.chance(None, 1.0), fit.curve.chance(None, 0.5)
    assert high is not None and low is not None and abs(high - 0.9) < 0.02 and abs(low - 0.3) < 0.02


def test_the_way_is_chosen_by_what_it_tells_of_others() -> None:
    assert fit_kind(drawn(900, 1.0), 0)[0].method == "as it is"
    assert fit_kind(drawn(900, 0.3, offset=-1.0), 0)[0].method == "logistic"
    assert fit_kind(drawn(900, 0.5, -3.0), 0)[0].method == "logistic with support"
    rng = random.Random(0)
    stair = [Observation(n // 2, round(p, 4), None, rng.random() < (0.9 if p > 0.5 else 0.1 if p > 0.02 else 0.02))
             for n in range(1500) for p in [rng.random() ** 3]]
    fit, _ = fit_kind(stair, 0)
    assert fit.method == "isotonic"
    assert abs((fit.curve.chance(0.3, None) or 0) - 0.1) < 0.05 and abs((fit.curve.chance(0.8, None) or 0) - 0.9) < 0.05


def test_error_falls_to_what_luck_explains() -> None:
    fit, chances = fit_kind(drawn(2000, 0.4, -1.0, -0.5), 0)
    assert fit.error_before.value > 0.15 and fit.error_after.value < 0.03
    assert fit.error_after.low <= fit.error_after.value <= fit.error_after.high
    assert abs(fit.error_after.value - fit.error_by_luck) < 0.015
    assert fit_kind(drawn(2000, 0.4, -1.0, -0.5), 0) == (fit, chances)


def test_thresholds_keep_their_promise_on_other_documents() -> None:
    seen = drawn(2500, 0.6, -1.0)
    fit, chances = fit_kind(seen, 0)
    fresh = drawn(20000, 0.6, -1.0, seed=9)
    for t in targets(seen, chances, 3125, 0):
        if t.threshold is None:
            # Not reached: so it is for those whose chance is known, but for few of them.
            sure = [o for o in fresh if (fit.curve.chance(o.confidence, o.support) or 0) > t.wanted + 0.03]
            assert len(sure) < 400
            continue
        kept = [o for o in fresh if (fit.curve.chance(o.confidence, o.support) or 0) >= t.threshold]
        share = sum(o.right for o in kept) / len(kept)
        assert share > t.wanted - 0.03
        assert t.precision is not None and abs(t.precision - share) < 0.05
        assert t.recall is not None and abs(t.recall - sum(o.right for o in kept) / 25000) < 0.05


def test_a_precision_that_is_not_there_is_not_reached() -> None:
    coin = [Observation(n, 0.5, None, n % 2 == 0) for n in range(200)]
    found = {t.wanted: t.threshold for t in targets(coin, [0.5] * 200, 200, 0)}
    # One more counted as wrong: exactly half is not enough for a half.
    assert set(found.values()) == {None}
    few = [Observation(n, 0.9, None, True) for n in range(40)]
    reached = {t.wanted: t.threshold is not None for t in targets(few, [0.9] * 40, 40, 0)}
    assert reached[0.95] and not reached[0.97]


def test_enough() -> None:
    assert not enough([Observation(n, 0.5, None, True) for n in range(100)])
    assert not enough([Observation(n, 0.5, None, n % 2 == 0) for n in range(20)])
    assert enough([Observation(n, 0.5, None, n % 5 == 0) for n in range(30)])


def test_bins_and_error() -> None:
    assert bins([0.2] * 100, [True] * 20 + [False] * 80) == [(0.2, 0.2, 100)]
    assert calibration_error([0.2] * 100, [False] * 100) == 0.2
    assert calibration_error([], []) == 0.0
    value = error_interval([0.2] * 50, [False] * 50, list(range(50)), 0)
    assert (value.value, value.low, value.high) == (0.2, 0.2, 0.2)


CHANCES = st.lists(st.tuples(st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.9]), st.booleans()), min_size=1, max_size=200)


@given(CHANCES)
def test_bins_hold_every_fact_once_and_equal_chances_together(facts: list[tuple[float, bool]]) -> None:
    found = bins([c for c, _ in facts], [r for _, r in facts])
    assert sum(size for _, _, size in found) == len(facts)
    assert [told for told, _, _ in found] == sorted({told for told, _, _ in found})
    assert 0 <= calibration_error([c for c, _ in facts], [r for _, r in facts]) <= 1


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([None, 0.5, 1.0]), st.booleans()), min_size=1, max_size=60))
def test_any_facts_give_a_rising_curve(facts: list[tuple[float, float | None, bool]]) -> None:
    some = [Observation(n, c, s, r) for n, (c, s, r) in enumerate(facts)]
    for curve in (fit_line(some, True), fit_corners(some, True)):
        assert curve.confidence >= 0 >= curve.dissent
        told = [curve.chance(p / 20, 1.0) for p in range(21)]
        assert told == sorted(told, key=lambda x: x or 0) and all(x is not None and 0 <= x <= 1 for x in told)
        assert list(curve.steps) == sorted(curve.steps)


def test_log_odds() -> None:
    assert log_odds(0.5) == 0 and abs(log_odds(1.0) + log_odds(0.0)) < 1e-9 and abs(log_odds(0.75) - log(3)) < 1e-12
