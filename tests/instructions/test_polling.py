"""Which labels are asked, in which batches: the reference's sizes, every label once, one draw a record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.instructions.polling import Polling, PollingOptions, chunk, read_hard_negatives
from iepile.tasks import Item

LETTERS = [Item(c) for c in "hgfedcba"]
EVENTS = [Item("b", ("r1", "r2", "r3", "r4", "r5")), Item("a", ("s",)), Item("c", ())]


def names(batches: list[tuple[Item, ...]]) -> list[str]:
    return ["".join(i.name for i in b) for b in batches]


def test_batch_sizes_are_those_of_the_reference(shared: Path) -> None:
    sizes = json.loads((shared / "golden" / "convert" / "expected" / "chunk_sizes.json").read_text())
    tried = 0
    for split in sizes.values():
        for split_num, by_size in split.items():
            for size, want in by_size.items():
                got = [len(c) for c in chunk(range(int(size[4:])), int(split_num[5:]))]
                assert got == want, (split_num, size)
                tried += 1
    assert tried == 2 * 6 * 14


@given(st.integers(0, 60), st.integers(1, 12), st.booleans())
def test_every_label_is_asked_once_in_order(n: int, split_num: int, strict: bool) -> None:
    batches = chunk(range(n), split_num, strict)
    assert [x for b in batches for x in b] == list(range(n))
    assert all(batches)
    most = split_num if strict else split_num + max(split_num // 2 - 1, 0)
    assert all(len(b) <= most for b in batches)


def test_all_at_once_and_impossible_sizes() -> None:
    assert chunk("abc", -1) == chunk("abc", -1, strict=True) == [["a", "b", "c"]]
    assert chunk("", 4) == chunk("", -1) == []
    for bad in (0, -2):
        with pytest.raises(InputError, match=f"split_num is {bad}"):
            chunk("abc", bad)
    for bad_share in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="neg_schema"):
            Polling(LETTERS, PollingOptions(neg_schema=bad_share))


def test_training_sorts_and_a_test_keeps_the_order_of_the_schema() -> None:
    polling = Polling(LETTERS, PollingOptions(4))
    assert names(polling.every()) == ["hgfe", "dcba"]
    assert names(polling.training({"b": ()}, "key")) == ["abcd", "efgh"] == names(polling.fixed or [])


@given(st.sets(st.sampled_from("abcdefgh")), st.floats(0, 1), st.booleans(), st.text(max_size=3))
def test_positives_are_always_asked_and_nothing_twice(
    present: set[str], neg: float, random_sort: bool, key: str
) -> None:
    polling = Polling(LETTERS, PollingOptions(3, neg, random_sort))
    positives: dict[str, tuple[str, ...]] = dict.fromkeys(sorted(present), ())
    batches = polling.training(positives, key)
    asked = [i.name for b in batches for i in b]
    assert len(asked) == len(set(asked))
    assert present <= set(asked)
    if neg == 0:
        assert set(asked) == present
    elif not present:
        assert asked
    if neg == 1:
        assert len(asked) == len(LETTERS)
    if not random_sort:
        assert asked == sorted(asked)
    assert batches == polling.training(positives, key)


def test_draws_hang_on_seed_and_key_alone() -> None:
    def draw(seed: int, key: str) -> list[str]:
        polling = Polling(LETTERS, PollingOptions(3, 0.5, True, seed=seed))
        polling.training({}, "another record first")
        return names(polling.training({"a": ()}, key))

    assert draw(1, "k") == draw(1, "k")
    assert len({tuple(draw(s, "k")) for s in range(30)}) > 20
    assert len({tuple(draw(1, str(k))) for k in range(30)}) > 20


def test_share_of_negatives() -> None:
    polling = Polling(LETTERS, PollingOptions(-1, 0.5))
    sizes = [len(polling.training({"a": ()}, str(k))[0]) - 1 for k in range(400)]
    assert 3.6 < sum(sizes) / len(sizes) < 4.3  # Binomial(8, 0.5), at most 7 negatives


@given(st.sampled_from([0, 0.3, 1]), st.booleans(), st.lists(st.sampled_from(["r1", "r3", "r5"]), unique=True))
def test_roles(neg: float, random_sort: bool, seen: list[str]) -> None:
    polling = Polling(EVENTS, PollingOptions(4, neg, random_sort))
    items = {i.name: i for b in polling.training({"b": tuple(seen)}, "k") for i in b}
    roles = items["b"].roles
    assert set(seen) <= set(roles) <= set(EVENTS[0].roles)
    assert len(set(roles)) == len(roles)
    assert roles  # a type is never asked without any of its roles
    if neg != 0.3:
        assert set(roles) == set(EVENTS[0].roles)
    if not random_sort:
        assert list(roles) == sorted(roles)
    if neg == 1:
        assert items["c"].roles == ()


def test_strict_splits_the_roles_of_a_big_type_and_never_asks_a_type_twice_in_a_batch() -> None:
    polling = Polling(EVENTS, PollingOptions(2, strict=True))
    assert polling.every() == [
        (Item("b", ("r1", "r2")),), (Item("b", ("r3", "r4")),), (Item("b", ("r5",)), Item("a", ("s",))),
        (Item("c"),),
    ]
    for batches in (polling.every(), polling.fixed or []):
        assert all(len(b) <= 2 and len({i.name for i in b}) == len(b) for b in batches)
        assert all(len(i.roles) <= 2 for b in batches for i in b)
    assert Polling(EVENTS, PollingOptions(-1, strict=True)).every() == [tuple(EVENTS)]


HARD = {"a": ("b", "c"), "d": ("e",)}


def test_hard_negatives_join_the_positives() -> None:
    polling = Polling(LETTERS, PollingOptions(2, hard=HARD))
    asked = "".join(names(polling.training({"a": ()}, "k")))
    assert {"a", "b", "c"} < set(asked)
    assert len(asked) == 3 + 2  # and split_num others
    assert asked == "".join(sorted(asked))
    assert polling.training({"a": ()}, "k") == polling.training({"a": ()}, "k")
    everything = Polling(LETTERS, PollingOptions(-1, hard=HARD)).training({"a": ()}, "k")
    assert names(everything) == ["abcdefgh"]


def test_hard_negatives_of_a_label_that_the_dictionary_lacks_are_random() -> None:
    polling = Polling(LETTERS, PollingOptions(3, hard=HARD))
    draws = {"".join(names(polling.training({"h": ()}, str(k)))) for k in range(40)}
    assert all(len(d) == 4 and "h" in d for d in draws)
    assert len(draws) > 10


@given(st.floats(0, 1), st.booleans(), st.booleans(), st.integers(1, 4), st.text(max_size=2))
def test_hard_negatives_with_every_option(
    neg: float, random_sort: bool, strict: bool, size: int, key: str
) -> None:
    options = PollingOptions(size, neg, random_sort, strict, {"b": ("a", "gone")})
    polling = Polling(EVENTS, options)
    for positives in ({}, {"b": ("r2",)}, {"c": ()}):
        batches = polling.training(positives, key)
        asked = {i.name for b in batches for i in b}
        assert set(positives) <= asked <= {"a", "b", "c"}
        assert batches
        if strict:
            assert all(len(b) <= size and len({i.name for i in b}) == len(b) for b in batches)
    single = Polling([Item("x")], options)
    assert names(single.training({}, key)) == ["x"]


FLAT = {"a": ["b", "gone", "b"], "gone": ["a"], "d": ["e"]}


def test_both_forms_of_the_dictionary(tmp_path: Path) -> None:
    flat, deep = tmp_path / "flat.json", tmp_path / "deep.json"
    flat.write_text("\ufeff" + json.dumps(FLAT), encoding="utf-8")
    deep.write_text(json.dumps({"NER": {"one": FLAT, "two": {}}, "RE": {"three": {"r": ["s"]}}}, indent=1))
    want = {"a": ("b",), "d": ("e",)}
    known = set("abcdef").__contains__
    for path, dataset in ((flat, None), (flat, "any"), (deep, "one")):
        table, dropped = read_hard_negatives(str(path), dataset, "NER", known)
        assert table == want
        assert list(table) == ["a", "d"]
        assert dropped == 1  # `gone`, wherever it stands
    assert read_hard_negatives(str(deep), "two", "NER", known) == ({}, 0)
    for dataset, words in ((None, "which data set"), ("three", "no data set 'three'")):
        with pytest.raises(InputError, match=words) as e:
            read_hard_negatives(str(deep), dataset, "NER", known)
        assert e.value.expected == "one of: one, two"
    with pytest.raises(InputError, match="nothing for task EE"):
        read_hard_negatives(str(deep), "one", "EE", known)


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 5}', '{"a": [5]}', '{"a": "b"}', "{"])
def test_what_is_no_dictionary(tmp_path: Path, text: str) -> None:
    path = tmp_path / "h.json"
    path.write_text(text)
    with pytest.raises(InputError, match="not a hard-negative dictionary"):
        read_hard_negatives(str(path), None, "NER", lambda _: True)
    with pytest.raises(InputError, match="no such file"):
        read_hard_negatives(str(tmp_path / "none"), None, "NER", lambda _: True)


def of_key(item: Item) -> str:
    return item.about[0]


@given(st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from("abcdefgh")), min_size=1, unique=True),
       st.sampled_from([1, 2, 3, -1]), st.booleans(), st.booleans())
def test_items_of_one_key_are_never_asked_together(
    pairs: list[tuple[str, str]], size: int, strict: bool, random_sort: bool
) -> None:
    items = [Item(f"{name}_{key}", about=(key,)) for key, name in pairs]
    polling = Polling(items, PollingOptions(size, 1, random_sort, strict), of_key)
    for batches in (polling.every(), polling.training({}, "k")):
        assert sorted(i for b in batches for i in b) == sorted(items)
        assert all(b and len({of_key(i) for i in b}) == len(b) for b in batches)
        if size > 0:
            assert all(len(b) <= size + (0 if strict else max(size // 2 - 1, 0)) for b in batches)


def test_without_equal_keys_nothing_changes() -> None:
    items = [Item(c, about=(c,)) for c in "hgfedcba"]
    assert names(Polling(items, PollingOptions(3), of_key).every()) == names(Polling(items, PollingOptions(3)).every())


def test_what_a_text_poses_is_asked_and_nothing_else() -> None:
    posed = [Item("b", EVENTS[0].roles, ("t",)), Item("a", ("s",), ("", "u"))]
    for options in (PollingOptions(4), PollingOptions(4, 0.2), PollingOptions(4, hard={"b": ("c",)}),
                    PollingOptions(4, random_sort=True)):
        (batch,) = Polling(EVENTS, options).training({"b": ("r2",), "a": ()}, "k", posed)
        assert {i.name: i.about for i in batch} == {"b": ("t",), "a": ("", "u")}
        assert all("r2" in i.roles for i in batch if i.name == "b")
    assert Polling(EVENTS, PollingOptions(4)).training({}, "k", []) == []
    parts = Polling(EVENTS, PollingOptions(2, strict=True)).training({}, "k", posed[:1])
    assert [i.about for b in parts for i in b] == [("t",)] * 3


TYPES = [Item("t", ("z", "y", "x", "w", "v", "u")), Item("s", ("z",))]


def test_attributes_are_sorted_in_training_and_kept_in_a_test() -> None:
    polling = Polling(TYPES, PollingOptions(1), attributes=True)
    assert polling.every() == [(i,) for i in TYPES]
    assert polling.training({}, "k") == [(TYPES[1],), (Item("t", ("u", "v", "w", "x", "y", "z")),)]


@given(st.sampled_from([1, 2, -1]), st.booleans(), st.text(max_size=2))
def test_hard_negatives_choose_attributes(size: int, random_sort: bool, key: str) -> None:
    options = PollingOptions(size, 1, random_sort, hard={"z": ("w",)})
    polling = Polling(TYPES, options, attributes=True)
    (item,) = [i for b in polling.training({"t": ("z",)}, key) for i in b if i.name == "t"]
    assert {"z", "w"} < set(item.roles)
    assert len(item.roles) == (6 if size < 0 else 2 + size)
    assert random_sort or list(item.roles) == sorted(item.roles)
    # A dictionary of types alone leaves the attributes as they are.
    whole = Polling(TYPES, PollingOptions(size, 1, hard={"t": ("s",)}), attributes=True)
    assert max(len(i.roles) for b in whole.training({"t": ("z",)}, key) for i in b) == 6
