"""Thresholds by leave-one-out: against a count over every threshold, and what a text must not tell of itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.models.baselines.rates import NEVER, Own, Rates, Trial, choose

TRIALS = st.lists(st.builds(Trial, st.sampled_from([0.1, 0.25, 0.5, 0.75]), st.integers(0, 1)), max_size=20)


@given(TRIALS, st.integers(0, 10))
def test_no_other_threshold_gives_more(trials: list[Trial], more: int) -> None:
    gold = sum(t.right for t in trials) + more
    chosen = choose(trials, gold)
    for threshold in (0.1, 0.25, 0.5, 0.75, NEVER):
        kept = [t for t in trials if t.score >= threshold]
        right, answered = sum(t.right for t in kept), sum(t.answered for t in kept)
        assert chosen.f1 >= (200 * right / (answered + gold) if right else 0.0) - 1e-9
    kept = [t for t in trials if t.score >= chosen.threshold]
    assert (sum(t.right for t in kept), len(kept)) == (chosen.right, chosen.answered)


def test_a_text_is_judged_by_the_others_only() -> None:
    label = ("entity", "city")
    rates = Rates({"a": frozenset({label})})
    owns = []
    for stated, seen in ((1, 1), (1, 1), (0, 2)):
        own = Own()
        own.seen["Rome"] = seen
        if stated:
            own.stated["Rome", label] = stated
        owns.append(own)
        rates.state(own)
    for own in owns:
        rates.see("a", own)
    assert rates.scores(["Rome"], "a", owns[0]) == {label: pytest.approx(1 / (3 + 1))}
    assert rates.scores(["Rome"], "a", owns[2]) == {label: pytest.approx(2 / (2 + 1))}
    assert rates.scores(["Rome"], "a", Own()) == {label: pytest.approx(2 / (4 + 1))}
    assert rates.kept(0.4) == {"Rome": {label: 0.4}}
    assert rates.kept(0.41) == {}


def test_a_source_that_did_not_ask_says_nothing_against_a_label() -> None:
    city = ("entity", "city")
    rates = Rates({"a": frozenset({city}), "b": frozenset({("entity", "person")})})
    own = Own()
    own.seen["Paris"], own.stated["Paris", city] = 1, 1
    other = Own()
    other.seen["Paris"] = 50
    rates.state(own)
    rates.see("a", own)
    rates.see("b", other)
    assert rates.scores(["Paris"], "a", Own()) == {city: 0.5}
    assert rates.scores(["Paris"], "b", Own()) == {}
