"""The sample: seeded, bounded, and with everything in it that occurs."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from iepile.evaluation.page.text_sample import HANDFUL, TextSample


def drawn(kinds: list[str], most: int, seed: int = 0, few: list[list[str]] | None = None) -> list[int]:
    sample: TextSample[int] = TextSample(most, seed)
    for n, kind in enumerate(kinds):
        sample.offer(n, [kind], few[n] if few else ())
    assert sample.offered == len(kinds)
    return sample.drawn()


def test_all_texts_when_there_are_few() -> None:
    assert drawn(["a"] * 7, 10) == list(range(7)) and drawn(["a"] * 7, 0) == [] and drawn([], 5) == []


def test_what_is_rare_is_there() -> None:
    kinds = ["common"] * 5000
    for n in (17, 4000):
        kinds[n] = "rare"
    few = [[f"label {n}"] if n % 500 == 3 else [] for n in range(5000)]
    found = drawn(kinds, 30, few=few)
    assert {17, 4000} <= set(found) and {n for n in range(5000) if n % 500 == 3} <= set(found)
    assert len(found) == 30 and found == sorted(found)
    assert len({n // 1000 for n in found}) == 5  # from everywhere in the file


def test_seeds_decide() -> None:
    kinds = ["a", "b", "c"] * 300
    assert drawn(kinds, 20, 1) == drawn(kinds, 20, 1) != drawn(kinds, 20, 2)


def test_equal_strata_have_equal_parts() -> None:
    kinds = ["a"] * 900 + ["b"] * 90
    found = Counter("ab"[n >= 900] for n in drawn(kinds, 60))
    assert min(found.values()) >= 20 and found.total() == 60


def test_each_text_has_the_same_chance() -> None:
    times = Counter(n for seed in range(400) for n in drawn(["a"] * 20, 5, seed))
    assert all(60 <= times[n] <= 145 for n in range(20))  # 100 on average


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from("xyz"), max_size=2)), max_size=60),
       st.integers(0, 40), st.integers(0, 3))
def test_never_too_many_nor_one_twice(texts: list[tuple[str, list[str]]], most: int, seed: int) -> None:
    found = drawn([k for k, _ in texts], most, seed, [f for _, f in texts])
    assert len(found) == len(set(found)) == min(most, len(texts))
    if most >= 6 * HANDFUL:
        assert {k for k, _ in texts} == {texts[n][0] for n in found}
        assert {f for _, fs in texts for f in fs} == {f for n in found for f in texts[n][1]}
