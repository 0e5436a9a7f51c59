"""Sizes of rows: the usual figures, and words for what does not fit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.training.lengths import Lengths, Tally, histogram, read_report
from iepile.training.rows import Row
from iepile.training.windows import Part, Reason, Split


def test_figures() -> None:
    assert Lengths.of(list(range(1, 101))) == Lengths(100, 50.5, 50, 95, 99, 100)
    assert Lengths.of([7]) == Lengths(1, 7.0, 7, 7, 7, 7)
    assert Lengths.of([]) == Lengths()


@given(st.lists(st.integers(1, 5000), min_size=1))
def test_every_row_stands_in_one_bar(lengths: list[int]) -> None:
    bars = histogram(lengths)
    assert sum(n for _, n in bars) == len(lengths) and len(bars) <= 10
    below = 0
    for top, n in bars:
        assert n == sum(below < length <= top for length in lengths)
        below = top


def row(source: str, task: str) -> Row:
    return Row("q", "a", task, source, "f.json", 3)


@pytest.fixture
def tally() -> Tally:
    tally = Tally(100)
    for n in (10, 20, 30):
        tally.row(row("a", "NER"), n, odd=False)
        tally.example(n, 5)
    tally.row(row("b", ""), 500, odd=True)
    tally.fate(Reason.NO_TASK)
    tally.row(row("b", "RE"), 150, odd=False)
    tally.fate(Split((Part("q", "a", 0, 5), Part("q", "a", 4, 9)), 3, 1))
    tally.example(90, 10)
    tally.example(80, 10)
    return tally


def test_the_report_counts_all(tally: Tally) -> None:
    report = tally.report()
    assert (report.rows, report.examples, report.too_long, report.windowed, report.parts) == (5, 5, 2, 1, 2)
    assert (report.facts, report.lost_facts, report.dropped) == (3, 1, {Reason.NO_TASK.value: 1})
    assert (report.supervised_tokens, report.supervised_share) == (35, round(35 / 230, 4))
    assert report.by_source["a"] == Lengths.of([10, 20, 30]) and report.by_source["b"].max == 500
    assert list(report.by_task) == ["(none)", "NER", "RE"]
    assert (report.odd_answers, report.odd_at) == (1, "f.json:3")
    assert (report.fits_most, report.fits_all) == (512, 512)
    assert read_report(json.loads(json.dumps(report.to_json()))) == report


def test_words(tally: Tally) -> None:
    report = tally.report()
    text = report.text()
    assert "5 rows, 5 examples" in text and "p95 500" in text and "15.2% of the tokens" in text
    assert "source b: 2 rows, mean 325.0" in text and "task NER: 3 rows" in text
    warnings = report.warnings()
    assert warnings[0].startswith("2 of 5 rows are longer than cutoff_len 100 (the longest has 500 tokens): "
                                  "1 are split into 2 parts; 1 are left out (")
    assert warnings[0].endswith("cutoff_len 512 fits all")
    assert warnings[1].startswith("1 of 3 facts of split rows")
    assert Tally(100).report().warnings() == []
