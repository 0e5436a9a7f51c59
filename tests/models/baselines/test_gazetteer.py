"""The gazetteer: longest match on token borders, digits alike, against a search of every span."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iepile.models.baselines.gazetteer import Gazetteer, plain
from iepile.models.baselines.tokens import tokens


def test_longest_whole_tokens_any_digits() -> None:
    g = Gazetteer(["北京", "北京大学", "Ada", "2019年3月"])
    assert g.find("Adam和Ada在北京大学和北京，2021年7月") == [
        (5, 8, "Ada"), (9, 13, "北京大学"), (14, 16, "北京"), (17, 24, "0000年0月")]
    assert g.find("北京大学", skip={"北京大学"}) == [(0, 2, "北京")]
    assert Gazetteer(["", "  "]).find("a  b") == []


@given(st.lists(st.text("ab 好5.", max_size=4), max_size=6), st.text("ab 好57.,", max_size=30))
def test_it_finds_what_a_search_of_every_span_finds(mentions: list[str], text: str) -> None:
    g = Gazetteer(mentions)
    places, folded = tokens(text), plain(text)
    wanted, past = [], 0
    for start, _ in places:
        if start < past:
            continue
        spans = [e for _, e in places if e > start and folded[start:e] in g.mentions]
        if spans:
            past = max(spans)
            wanted.append((start, past, folded[start:past]))
    assert g.find(text) == wanted
