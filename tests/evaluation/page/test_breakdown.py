"""Scores by part: their sums are the whole, and a draw of texts draws those without the label too."""

from __future__ import annotations

from iepile.evaluation.bootstrap import interval
from iepile.evaluation.judged import Judged
from iepile.evaluation.page.breakdown import Breakdown, PartRow
from iepile.evaluation.pairing import Key, pairs
from iepile.evaluation.report import Score
from iepile.records import Facts
from iepile.tasks.task import get_task


def text(words: str, source: str = "s") -> Judged:
    return Judged(get_task("NER"), source, "1", words, 1, Facts(), Facts(), frozenset(), ())


def rows(*texts: tuple[Judged, list[Key], list[Key]]) -> dict[str, list[PartRow]]:
    parts = Breakdown()
    for t, answered, gold in texts:
        parts.add(t, "entity", answered, gold, pairs(answered, gold, "string"))
    return parts.rows(draws=200, seed=0)


def test_every_text_is_in_one_part_of_each_kind() -> None:
    found = rows((text("a" * 50), [("p", 1)], [("p", 1)]), (text("b" * 51, "t"), [("q", 1)], [("p", 2)]),
                 (text("理想汽车" * 300, "t"), [], []))
    assert [(r.value, r.texts) for r in found["length"]] == [("50", 1), ("100", 1), ("", 1)]
    assert [(r.value, r.score) for r in found["source"]] == [("s", Score.of(1, 1, 1)), ("t", Score.of(0, 1, 1))]
    assert [(r.value, r.texts) for r in found["language"]] == [("en", 2), ("zh", 1)]
    assert [(r.value, r.score) for r in found["label"]] == [("p", Score.of(1, 1, 2)), ("q", Score.of(0, 1, 0))]
    assert found["all"][0].score == Score.of(1, 2, 2) and found["all"][0].texts == 3


def test_intervals_are_those_of_the_draws() -> None:
    texts = [(text("x"), [("p", 1)], [("p", n)]) for n in (1, 2)] * 10
    found = rows(*texts)
    assert found["all"][0].intervals == interval({(1, 1, 1): 10, (0, 1, 1): 10}, 200, 0)
    with_others = rows(*texts, *[(text("x"), [], [])] * 20)
    label = with_others["label"][0]
    assert label.texts == 20 and label.score == Score.of(10, 20, 20)
    assert label.intervals == interval({(1, 1, 1): 10, (0, 1, 1): 10, (0, 0, 0): 20}, 200, 0)


def test_labels_of_the_fields_groups_are_left_out() -> None:
    parts = Breakdown()
    t = Judged(get_task("EE"), "s", "1", "x", 1, Facts(), Facts(), frozenset(), ())
    parts.add(t, "trigger-id", [("", 1)], [("", 1)], [0])
    found = parts.rows(10, 0)
    assert found["all"][0].score.tp == 1 and not found["label"]
