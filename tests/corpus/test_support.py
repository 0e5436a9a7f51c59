"""What a triple stands on, and how it stands when a piece of its text is gone."""

from __future__ import annotations

import pytest

from iepile.corpus.clauses import Cut
from iepile.corpus.support import Support
from iepile.records import Relation, Span


def standing(text: str, gone: str, relation: Relation) -> tuple[str, object]:
    at = text.index(gone)
    [found] = Support(text, [relation]).standings(Cut(at, at + len(gone), "clause"))
    return found


def triple(head: str, tail: str) -> Relation:
    return Relation("r", Span(head), Span(tail))


@pytest.mark.parametrize(("text", "gone", "expected"), [
    ("甲爱乙，丙走了。", "，丙走了", "supported"),
    ("甲来了，爱乙。", "，爱乙", "lost"),
    # Both are named still, but never together: who knows whether the rest says it.
    ("甲爱乙。甲来了。乙走了。", "甲爱乙。", "in doubt"),
    # Together in another sentence.
    ("甲爱乙。甲和乙走了。", "甲爱乙。", "supported"),
    ("甲来了。", "甲", "none"),
    ("乙爱乙甲。", "乙爱", "supported"),
])
def test_standings(text: str, gone: str, expected: str) -> None:
    assert standing(text, gone, triple("甲", "乙"))[0] == expected


def test_the_places_of_the_annotation_go_before_the_closest() -> None:
    text = "甲爱乙，乙来了。乙走了。"
    near, far = triple("甲", "乙"), Relation("r", Span("甲", 0, 1), Span("乙", 8, 9))
    assert Support(text, [near, far]).evidence[0].first == ((0, 1), (2, 3))  # type: ignore[union-attr]
    assert Support(text, [near, far]).evidence[1].first == ((0, 1), (8, 9))  # type: ignore[union-attr]
    # One end annotated: the closest pair with that place.
    half = Relation("r", Span("甲"), Span("乙", 4, 5))
    assert Support(text, [half]).evidence[0].first == ((0, 1), (4, 5))  # type: ignore[union-attr]
    # The annotated sentence goes; the pair of the first one takes its place.
    assert standing(text, "乙走了。", far) == ("supported", ((0, 1), (2, 3)))


def test_latin_words_are_whole() -> None:
    assert standing("Adam saw Bob. Ada met Bob.", " Ada met Bob.", triple("Ada", "Bob"))[0] == "lost"
    assert Support("Iraqis left Rome", [triple("Iraqi", "Rome")]).evidence == [None]
    # The annotation knows better.
    known = Relation("r", Span("Iraqi", 0, 5), Span("Rome", 12, 16))
    assert Support("Iraqis left Rome", [known]).evidence[0] is not None
