"""The reliability curve and the thresholds, against the same worked out fact by fact."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from iepile.evaluation.reliability import Reliability
from iepile.evaluation.report import Score

FACT = st.tuples(st.integers(0, 100).map(lambda n: n / 100), st.booleans())


@given(st.lists(FACT, min_size=1, max_size=200), st.integers(0, 50), st.integers(0, 9))
def test_thresholds_keep_what_is_as_sure(facts: list[tuple[float, bool]], missed: int, parts: int) -> None:
    told = Reliability()
    gold = missed + sum(good for _, good in facts)
    # The same facts in several texts.
    cut = min(len(facts), parts)
    for some, of in ((facts[:cut], gold), (facts[cut:], 0)):
        told.add("NER", "entity", [c for c, _ in some], [good for _, good in some], of)
    (curve,) = told.curves()
    assert curve.facts == len(facts) == sum(n for _, _, n in curve.bins)
    for step, (t, precision, recall, f1, kept) in enumerate(curve.thresholds):
        assert t == step / 100
        sure = [good for c, good in facts if c >= t]
        s = Score.of(sum(sure), len(sure), gold)
        assert (precision, recall, f1, kept) == (s.precision, s.recall, s.f1, len(sure))
    assert sum(told * n for told, _, n in curve.bins) == approx(sum(c for c, _ in facts))
    assert sum(right * n for _, right, n in curve.bins) == approx(sum(good for _, good in facts))
    assert all(0 <= told <= 1 and 0 <= right <= 1 for told, right, _ in curve.bins)
    assert list(curve.bins) == sorted(curve.bins, key=lambda b: b[0])


def test_the_error_is_the_distance_from_the_line() -> None:
    told = Reliability()
    told.add("NER", "entity", [0.9] * 10, [True] * 7 + [False] * 3, 7)
    assert told.curves()[0].error == approx(0.2)
    even = Reliability()
    even.add("NER", "entity", [n / 1000 for n in range(1000)], [n % 2 == 0 for n in range(1000)], 500)
    (curve,) = even.curves()
    assert len(curve.bins) == 10 and all(n == 100 for _, _, n in curve.bins)
    assert curve.error == approx(sum(abs(n / 10 + 0.0495 - 0.5) for n in range(10)) / 10)


def test_facts_without_confidence_are_counted_apart() -> None:
    told = Reliability()
    told.add("NER", "entity", [None, 0.5], [True, True], 2)
    told.add("RE", "relation", [None], [True], 1)
    assert [(c.task, c.facts, c.without) for c in told.curves()] == [("NER", 1, 1)]
