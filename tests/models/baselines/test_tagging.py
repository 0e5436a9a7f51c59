"""BIES tags: there and back, overlaps and borders counted, any run of tags read."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from iepile.models.baselines.tagging import BORDERS, NESTED, mentions_of, tags
from iepile.models.baselines.tokens import tokens


def test_what_the_tags_say() -> None:
    text = "Ada met Bob Lee Roe in Rome"
    found = tags([(0, 3, 0), (8, 19, 0), (23, 27, 1)], tokens(text), Counter())
    assert found == ["S0", "O", "B0", "I0", "E0", "O", "S1"]


def test_the_longest_wins_and_the_others_are_counted() -> None:
    text, lost = "北京大学在京", Counter[str]()
    found = tags([(0, 2, 1), (0, 4, 0), (5, 6, 1), (0, 4, 1), (3, 5, 1)], tokens(text), lost)
    assert found == ["B0", "I0", "I0", "E0", "O", "S1"]
    assert lost == {NESTED: 3}
    tags([(0, 2, 0)], tokens("Adam"), lost)
    assert lost == {NESTED: 3, BORDERS: 1}


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 2)), max_size=8))
def test_there_and_back(parts: list[tuple[int, int, int]]) -> None:
    mentions, at = [], 0
    for gap, length, label in parts:
        mentions.append((at + gap, at + gap + length, label))
        at += gap + length
    text = "好" * (at + 1)
    tagged = tags(mentions, tokens(text), Counter())
    assert [(a, b + 1, label) for a, b, label in mentions_of(tagged)] == mentions


@given(st.lists(st.sampled_from(["O", "B0", "I0", "E0", "S0", "B1", "I1", "E1"])))
def test_any_run_of_tags_gives_mentions_that_do_not_overlap(tagged: list[str]) -> None:
    found = list(mentions_of(tagged))
    assert all(a <= b for a, b, _ in found)
    assert all(x[1] < y[0] for x, y in itertools.pairwise(found))
    covered = {n for a, b, _ in found for n in range(a, b + 1)}
    assert covered == {n for n, tag in enumerate(tagged) if tag != "O"}
    assert all(tagged[n][1:] == str(label) for a, b, label in found for n in range(a, b + 1))
