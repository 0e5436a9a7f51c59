"""Every leak is found, and no more."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.leak_index import LeakIndex, LeakSettings, set_name
from iepile.corpus.shingles import jaccard, shingles
from iepile.errors import InputError
from iepile.records import Document

LONG = "Ada Lund founded Pinewise in Oberwald and later sold the company to a group of investors"
ZH = "林晚舟在临溪镇创立了青麦食品，该公司后来在上海上市，投资人都很满意。"


def index(*texts: str, settings: LeakSettings | None = None) -> LeakIndex:
    out = LeakIndex(settings)
    out.add([Document(text, id=str(n), source="s") for n, text in enumerate(texts)], "test")
    return out


def kind(train: str, *evaluation: str) -> str | None:
    match = index(*evaluation).find(Document(train))
    return match.kind if match else None


@pytest.mark.parametrize(
    ("train", "evaluation", "expected"),
    [
        (LONG, LONG, "exact"),
        (LONG.upper() + " .", LONG, "exact"),
        ("Oberwald, 3 May", "OBERWALD 3 MAY", "exact"),
        ("I do n't know what Ada 's got", "I don't know what Ada's got", "exact"),
        (ZH, ZH.replace("，", ","), "exact"),
        (LONG, LONG.replace("investors", "people"), "near"),
        (ZH, ZH.replace("满意", "高兴"), "near"),
        (
            LONG,
            "First of all, she said that " + LONG + ", which surprised everybody who had known her before.",
            "contained",
        ),
        (
            "First of all, she said that " + LONG + ", which surprised everybody who had known her before.",
            LONG,
            "contained",
        ),
        (ZH, "据报道，" + ZH + "记者昨天在当地采访了很多人，他们说这件事情非常重要，值得继续关注。", "contained"),
        (
            LONG,
            "Ada Lund founded Pinewise in Oberwald and nobody else has ever heard of the company since then, it seems",
            None,
        ),
        ("Ada met Bob", "Ada met Rob", None),
        ("Ada met Bob", "Then Ada met Bob and they talked about it for a long while", None),
        ("...", "!!!", None),
        ("", "", None),
        ("0 0 0 0 0 0 0 0 0 0 0 0", "( 0 - 0 ) 0 - 0 and so on, a table of many scores", None),
    ],
)
def test_kinds(train: str, evaluation: str, expected: str | None) -> None:
    assert kind(train, evaluation) == kind(train, "something else", evaluation, "") == expected


def test_matches_come_in_order() -> None:
    found = index(LONG.replace("Ada", "Eva"), LONG + " who lived far away from all of it, as she told me", LONG, LONG)
    matches = found.matches(Document(LONG))
    assert [(m.kind, m.key) for m in matches] == [("exact", "2"), ("exact", "3"), ("near", "0"), ("contained", "1")]
    assert matches[0].set == "s/test" and matches[3].similarity == 1.0 and 0.8 <= matches[2].similarity < 1
    assert found.find(Document(LONG)) == matches[0] and found.sets == {"s/test": 4} and len(found) == 4


def test_short_equal_texts_are_marked() -> None:
    found = index("Oberwald", LONG)
    match = found.find(Document("OBERWALD"))
    assert match is not None and match.short
    match = found.find(Document(LONG))
    assert match is not None and not match.short


def test_common_shingles_propose_nothing_but_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iepile.corpus.leak_index.COMMON", 3)
    found = index(*(f"{LONG} x{n}" for n in range(9)))
    match = found.find(Document(f"{LONG}, x7!"))
    assert match is not None and (match.kind, match.key) == ("exact", "7")
    match = found.find(Document(f"So {LONG} x7"))
    assert match is not None and (match.kind, match.key) == ("near", "7")
    assert match.similarity == jaccard(frozenset(shingles(f"So {LONG} x7")), frozenset(shingles(f"{LONG} x7")))


words = st.lists(st.sampled_from("abcdefgh"), min_size=10, max_size=30).map(" ".join)


@given(
    st.lists(words, min_size=1, max_size=6), words, st.sampled_from([0.3, 0.6, 0.9]), st.sampled_from([0.5, 0.9, 1.1])
)
def test_like_comparing_every_pair(evaluation: list[str], train: str, threshold: float, containment: float) -> None:
    found = index(*evaluation, settings=LeakSettings(threshold=threshold, containment=containment, min_words=1))
    expected = {}
    own = frozenset(shingles(train))
    for n, text in enumerate(evaluation):
        other = frozenset(shingles(text))
        share = len(own & other) / min(len(own), len(other))
        if text == train:
            expected[n] = ("exact", 1.0)
        elif jaccard(own, other) >= threshold:
            expected[n] = ("near", jaccard(own, other))
        elif share >= containment:
            expected[n] = ("contained", share)
    assert {m.number: (m.kind, m.similarity) for m in found.matches(Document(train))} == expected


def test_sets_are_named_by_source_and_split() -> None:
    doc = Document("x", source="s", meta={"split": "dev"})
    assert (set_name(doc), set_name(doc, "test"), set_name(Document("x")), set_name(doc, "s")) == (
        "s/dev",
        "s/test",
        "",
        "s",
    )


@pytest.mark.parametrize(
    "settings", [LeakSettings(threshold=0), LeakSettings(threshold=80), LeakSettings(containment=0)]
)
def test_thresholds_out_of_range(settings: LeakSettings) -> None:
    with pytest.raises(InputError, match="a share above 0"):
        LeakIndex(settings)


def test_many_texts() -> None:
    rng = random.Random(1)
    made = [" ".join(f"w{rng.randrange(500)}" for _ in range(30)) for _ in range(400)]
    found = index(*made[:200])
    assert all(found.find(Document(text + " end")) is not None for text in made[:200])
    assert not any(found.find(Document(text)) for text in made[200:])
