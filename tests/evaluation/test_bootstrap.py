"""Intervals and tests: against draws done one text at a time, and against what must be so."""

from __future__ import annotations

import random
from collections import Counter
from statistics import quantiles

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.evaluation.bootstrap import difference, interval
from iepile.evaluation.report import Score

TEXTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)).map(
    lambda c: (min(c), c[1], c[2])), min_size=1, max_size=40)


def spread(n: int, seed: int) -> list[tuple[int, int, int]]:
    rng = random.Random(seed)
    texts = []
    for _ in range(n):
        gold, answered = rng.randint(0, 5), rng.randint(0, 5)
        texts.append((rng.randint(0, min(gold, answered)), answered, gold))
    return texts


def test_as_drawing_text_by_text() -> None:
    texts, rng = spread(120, 1), random.Random(2)
    drawn = []
    for _ in range(4000):
        some = rng.choices(texts, k=len(texts))
        drawn.append(Score.of(*map(sum, zip(*some, strict=True))))
    found = interval(Counter(texts), draws=4000, seed=3)
    for name in ("precision", "recall", "f1"):
        cuts = quantiles([getattr(s, name) for s in drawn], n=40, method="inclusive")
        assert getattr(found, name) == pytest.approx((cuts[0], cuts[-1]), abs=0.7)


def test_covers_the_truth_as_often_as_it_says() -> None:
    population = spread(20_000, 5)
    truth = Score.of(*map(sum, zip(*population, strict=True))).f1
    rng = random.Random(6)
    inside = 0
    for trial in range(200):
        low, high = interval(Counter(rng.choices(population, k=100)), draws=400, seed=trial).f1
        inside += low <= truth <= high
    assert 178 <= inside <= 199


@given(TEXTS, st.integers(0, 9))
def test_bounds_hold_and_do_not_depend_on_order(texts: list[tuple[int, int, int]], seed: int) -> None:
    found = interval(Counter(texts), 50, seed)
    for low, high in (found.precision, found.recall, found.f1):
        assert 0 <= low <= high <= 100
    assert found == interval(Counter(reversed(texts)), 50, seed)
    assert interval(Counter(texts * 3), 50, seed) == interval(Counter(sorted(texts) * 3), 50, seed)


def test_nothing_to_find_and_nothing_found_is_no_error() -> None:
    assert interval({(0, 0, 0): 7}, 20).f1 == (0, 0)
    assert difference({(0, 0, 0, 0, 0): 7}, 20).p == 1.0


def test_memory_does_not_grow_with_texts() -> None:
    few, many = ({kind: n * times for kind, n in Counter(spread(300, 1)).items()} for times in (1, 10_000))
    narrow, wide = interval(many, 200).f1, interval(few, 200).f1
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def paired(n: int, better: float, seed: int) -> Counter[tuple[int, int, int, int, int]]:
    rng = random.Random(seed)
    out: Counter[tuple[int, int, int, int, int]] = Counter()
    for _ in range(n):
        gold = rng.randint(1, 4)
        a, b = (sum(rng.random() < chance for _ in range(gold)) for chance in (0.5, 0.5 + better))
        out[a, gold, b, gold, gold] += 1
    return out


def test_a_real_difference_is_told_from_luck() -> None:
    found = difference(paired(400, 0.15, 1), 2000)
    assert found.p < 0.001 and 0 < found.low < found.value < found.high
    # Where there is none, small p-values are as rare as they say.
    ps = [difference(paired(100, 0.0, seed), 300, seed).p for seed in range(120)]
    assert sum(p < 0.05 for p in ps) <= 14 and sum(p < 0.5 for p in ps) >= 35


def test_the_p_value_is_that_of_swapping_text_by_text() -> None:
    texts = list(paired(60, 0.08, 4).elements())
    def f1(pairs: list[tuple[int, int, int]]) -> float:
        return Score.of(*map(sum, zip(*pairs, strict=True))).f1
    first, second = [(t[0], t[1], t[4]) for t in texts], [(t[2], t[3], t[4]) for t in texts]
    value = f1(second) - f1(first)
    rng, far = random.Random(9), 0
    for _ in range(4000):
        flips = [rng.random() < 0.5 for _ in texts]
        a = [y if f else x for x, y, f in zip(first, second, flips, strict=True)]
        b = [x if f else y for x, y, f in zip(first, second, flips, strict=True)]
        far += abs(f1(b) - f1(a)) >= abs(value) - 1e-9
    found = difference(Counter(texts), 4000, 1)
    assert found.value == pytest.approx(value) and found.p == pytest.approx((far + 1) / 4001, abs=0.03)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(2, 3), st.integers(0, 2), st.integers(2, 3), st.just(3)),
                min_size=1, max_size=30))
def test_the_other_way_round_it_is_the_negative(texts: list[tuple[int, int, int, int, int]]) -> None:
    there = difference(Counter(texts), 60, 1)
    back = difference(Counter((c, d, a, b, g) for a, b, c, d, g in texts), 60, 1)
    assert there.value == pytest.approx(-back.value) and 0 < there.p <= 1
