"""Draws: by seed, epoch and content, never by order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.training.mixture import (
    copies,
    draws,
    kept_negatives,
    negative_bounds,
    read_mixture,
    source_weights,
)

KEYS = np.random.default_rng(1).integers(0, 2**64, 20_000, np.uint64)


def test_settings_are_read() -> None:
    assert read_mixture("MSRA=2, a=b=0.5,*=1") == {"MSRA": 2.0, "a=b": 0.5, "*": 1.0}
    assert read_mixture({"MSRA": 2}) == {"MSRA": 2.0} and read_mixture("") == {}
    assert source_weights({"b": 2.0, "*": 0.0}, ["a", "b"]) == [0.0, 2.0]
    assert source_weights({"b": 2.0}, ["a", "b"]) == [1.0, 2.0]


@pytest.mark.parametrize("bad", ["MSRA", "=2", "a=x", "a=-1", "a=inf", "a=nan", "a=1,a=2", "a=0,*=0"])
def test_settings_that_make_no_sense(bad: str) -> None:
    with pytest.raises(InputError) as e:
        read_mixture(bad)
    assert (e.value.field or "").startswith("mixture")


def test_sources_that_there_are_not() -> None:
    with pytest.raises(InputError, match="no rows have the source 'c'") as e:
        source_weights({"c": 1.0}, ["b", "a"])
    assert e.value.expected == "a, b"
    with pytest.raises(InputError, match="leaves no row"):
        source_weights({"a": 0.0}, ["a"])


def test_draws_are_even_and_differ_by_reason() -> None:
    one, two = draws(KEYS, "a", 1), draws(KEYS, "a", 2)
    assert abs((one.astype(float) / 2.0**64).mean() - 0.5) < 0.01
    for bit in range(64):
        assert abs(((one >> np.uint64(bit)) & np.uint64(1)).mean() - 0.5) < 0.03
    assert abs(np.corrcoef(one.astype(float), two.astype(float))[0, 1]) < 0.03
    assert len(set(one.tolist())) == len(KEYS)


@given(st.sampled_from([0.0, 0.25, 1.0, 1.5, 3.0]), st.integers(0, 5), st.integers(0, 5))
def test_copies_come_to_the_weight(weight: float, seed: int, epoch: int) -> None:
    got = copies(np.full(len(KEYS), weight), KEYS, seed, epoch)
    assert set(got.tolist()) <= {int(weight), int(np.ceil(weight))}
    assert abs(got.mean() - weight) < 0.02
    order = np.random.default_rng(seed).permutation(len(KEYS))
    assert (copies(np.full(len(KEYS), weight), KEYS[order], seed, epoch) == got[order]).all()
    if weight % 1:
        assert (got != copies(np.full(len(KEYS), weight), KEYS, seed, epoch + 1)).any()


@given(st.sampled_from([0.0, 0.3, 1.0, 7.0]), st.integers(0, 40), st.integers(0, 60), st.integers(0, 9))
def test_negatives_are_at_most_so_many(ratio: float, positive: int, negative: int, seed: int) -> None:
    keys = KEYS[: positive + negative]
    source, empty = np.zeros(len(keys), int), np.arange(len(keys)) >= positive
    bounds = negative_bounds(ratio, seed, [(positive, keys[empty])])
    kept = kept_negatives(bounds, source, empty, keys, seed)
    assert kept[:positive].all()
    assert kept[positive:].sum() == min(negative, int(ratio * positive + 1e-9))
    order = np.random.default_rng(0).permutation(len(keys))
    assert (kept_negatives(bounds, source, empty[order], keys[order], seed) == kept[order]).all()


def test_equal_negatives_never_exceed_the_ratio() -> None:
    keys = np.array([5] * 10, np.uint64)
    bounds = negative_bounds(1.0, 1, [(4, keys)])
    assert kept_negatives(bounds, np.zeros(10, int), np.ones(10, bool), keys, 1).sum() <= 4
