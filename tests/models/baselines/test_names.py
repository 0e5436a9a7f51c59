"""Names told by their looks: capitals and marks, whole tokens, never on top of what is known."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from iepile.models.baselines.names import names, with_names
from iepile.models.baselines.tokens import tokens


def found(text: str) -> list[str]:
    return [text[s:e] for s, e in names(text, tokens(text))]


def test_capitals_and_marks() -> None:
    assert found("the Bank of Utter sued McRae & Sons in May") == ["Bank of Utter", "McRae", "Sons", "May"]
    assert found("余华写了《活着》，也写“文城”。") == ["活着", "文城"]
    assert found("iPhone, eBay") == []
    assert max(map(len, found("Mr. " * 3000))) < 40


WORDS = st.lists(st.sampled_from(["Ada", "Low", "of", "met", "《长夜》", "好", ",", "U.S.", "x"]), max_size=12)


@given(WORDS, st.sets(st.integers(0, 11), max_size=3))
def test_what_is_known_stays_and_nothing_overlaps(words: list[str], known: set[int]) -> None:
    text = " ".join(words)
    places = tokens(text)
    seen = [(s, e, text[s:e]) for n, (s, e) in enumerate(places) if n in known]
    out = with_names(text, seen, places)
    assert set(seen) <= set(out)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(out))
    missed = {p for p in names(text, places) if p not in {o[:2] for o in out}}
    assert all(any(s < b and a < e for s, e, _ in seen) for a, b in missed)
