"""Means and comparisons as papers make them, and the tables they are shown in."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench_examples import EXAMPLES, Run
from iepile.bench.bench import write_report
from iepile.bench.published import Figure
from iepile.bench.report import BenchReport, Reference, Result, comparisons, means
from iepile.bench.tables import tables
from iepile.evaluation.report import Score

FIGURES = """source:
  title: "Ours: a paper"
  authors: We
  year: 2026
  url: https://example.org/paper
  scored: micro F1
  texts: {AnatEM: 100}
tables:
  - table: Table 1
    setting: supervised
    task: NER
    note: without the dev set
    models:
      Ours: {notices_zh: 90.5, handwritten_en: 41}
      Half: {notices_zh: 50}
  - table: Table 2
    setting: supervised
    task: EE
    group: argument
    models:
      Ours: {events_zh: 33.3}
"""


def result(dataset: str, f1: float, published: dict[str, float] | None = None, **more: Any) -> Result:
    figures = [Figure(m, v, "A paper", 2026, "https://example.org", "Table 1") for m, v in (published or {}).items()]
    plain: dict[str, Any] = {
        "suite": "s", "dataset": dataset, "task": "NER", "group": "entity", "language": "en", "split": "test",
        "texts": 10, "of_texts": 10, "rows": 10, "invalid": 0, "score": Score(1, 1, 1, 0.0, 0.0, 99.0), "f1_low": 0.0,
        "f1_high": 0.0, "reference": Reference(0.0, 0.0, f1), "published": figures}
    return Result(**{**plain, **more})


def test_means_count_each_data_set_once_and_folds_as_one() -> None:
    results = [result("a", 10), result("b", 30), *(result(f"f{n}", 40 + n, part_of="F") for n in range(5)),
               result("z", 70, language="zh")]
    found = means(results, {("s", "F"): 5, ("s", "NER en"): 4, ("s", "NER zh"): 1})
    assert [(m.name, m.language, m.datasets, m.of, m.compared) for m in found] == [
        ("F", "en", ["f0", "f1", "f2", "f3", "f4"], 5, 42.0), ("", "en", ["a", "b", "F"], 4, (10 + 30 + 42) / 3),
        ("", "zh", ["z"], 1, 70.0)]
    assert all(m.f1 == 99.0 for m in found)
    some = means(results[:5], {("s", "F"): 5, ("s", "NER en"): 4})
    # Three folds of five say nothing about the mean of five.
    assert [(m.name, m.datasets) for m in some] == [("F", ["f0", "f1", "f2"]), ("", ["a", "b"])]


def test_a_model_is_compared_over_the_data_sets_that_both_have() -> None:
    results = [result("a", 10, {"X": 20, "Y": 5}), result("b", 30, {"X": 50}), result("c", 90)]
    found = {c.model: c for c in comparisons(results, [])}
    assert found["X"].datasets == ["a", "b"] and (found["X"].compared, found["X"].published) == (20, 35)
    assert found["X"].delta == -15 and found["Y"].datasets == ["a"] and found["Y"].delta == 5


def test_folds_are_compared_by_their_mean_and_only_if_all_are_there() -> None:
    results = [result(f"f{n}", 40 + n, part_of="F") for n in range(5)]
    every = means(results, {("s", "F"): 5, ("s", "NER en"): 1})
    every[0].published = [Figure("X", 50, "A paper", 2026, "https://example.org", "Table 1")]
    assert [(c.datasets, c.delta) for c in comparisons(results, every)] == [(["F"], -8.0)]
    some = means(results[:4], {("s", "F"): 5, ("s", "NER en"): 1})
    assert comparisons(results[:4], some) == []


def test_without_a_reference_our_own_f1_is_compared() -> None:
    assert result("a", 10, reference=None).compared == 99.0


@pytest.fixture
def report(run: Run, tmp_path: Path) -> BenchReport:
    (tmp_path / "ours.yaml").write_text(FIGURES, "utf-8")
    return run(published=[str(tmp_path / "ours.yaml")], limit=20)


def cells(report: BenchReport, title: str, *beside: str) -> list[dict[str, str]]:
    table = next(t for t in tables(report, beside) if t.title.startswith(title))
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def test_figures_stand_beside_ours_with_the_difference(report: BenchReport) -> None:
    shown = {(r["data set"], r["task"]): r for r in cells(report, "beside published figures", "Ours")}
    assert set(shown) == {("notices_zh", "NER"), ("handwritten_en", "NER"), ("events_zh", "EE argument")}
    notices = shown["notices_zh", "NER"]
    ours = next(r.compared for r in report.results if r.dataset == "notices_zh")
    assert notices["ours"] == f"{ours:.2f}" and notices["Ours"] == "90.50"
    assert float(notices["ours less Ours"]) == pytest.approx(ours - 90.5, abs=0.0051)
    everyone = cells(report, "beside published figures")
    assert {"Ours", "Half"} <= set(everyone[0]) and not any(name.startswith("ours less") for name in everyone[0])
    assert [r["Half"] for r in everyone] == ["50.00", "-", "-"]
    both = {(r["model"], r["in"]): r for r in cells(report, "means over the data sets that both have", "Ours", "Half")}
    assert both["Half", "zh"]["data sets"] == "1: notices_zh"


def test_scores_are_told_with_sample_interval_and_settings(report: BenchReport) -> None:
    shown = cells(report, "examples: ")
    by_name = {r["data set"]: r for r in shown}
    assert by_name["notices_zh"]["texts"].startswith("20 of ") and " to " in by_name["notices_zh"]["95 %"]
    title = tables(report)[0].title
    assert "micro-string-normal/" in title and "iepile-normal/" in title and "samples of at most 20 texts" in title
    notes = {(r["about"], r["note"]) for r in cells(report, "differences", "YAYI-UIE")}
    assert ("YAYI-UIE", "no published figures on these data sets in this setting") in notes
    assert ("handwritten_en", "no text of it was trained on") in notes
    assert any(name == "notices_zh" and note.startswith("a sample: 20 of ") for name, note in notes)
    told = [r["what it says"] for r in cells(report, "sources", "Ours")]
    assert told == ["Ours: a paper. We (2026)", "https://example.org/paper", "counts micro F1",
                    "Table 1: without the dev set (Ours)", "Table 2 (Ours)"]
    assert cells(report, "not there")[0]["data set"] == "CoNLL2003 *"


def test_the_files_hold_what_the_tables_show(report: BenchReport, run: Run, tmp_path: Path) -> None:
    read = msgspec.json.decode((tmp_path / "bench/bench.json").read_bytes(), type=BenchReport)
    assert read == report
    page = (tmp_path / "bench/bench.md").read_text("utf-8")
    assert "| notices\\_zh | NER | zh |" in page and "CoNLL2003" in page
    write_report(report, tmp_path / "b.csv", [])
    lines = list(csv.DictReader(io.StringIO((tmp_path / "b.csv").read_text("utf-8-sig"))))
    scored = [r for r in lines if r["table"].startswith("examples: ")]
    assert [r["data set"] for r in scored] == [r.dataset for r in report.results]
    assert [r["F1"] for r in scored] == [f"{r.score.f1:.2f}" for r in report.results]
    write_report(report, tmp_path / "b.tex", [])
    assert r"notices\_zh" in (tmp_path / "b.tex").read_text("utf-8")


def test_names_of_models_that_would_mean_something_are_escaped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(FIGURES.replace("Half:", '"=cmd|x":'), "utf-8")
    report = run(published=[str(tmp_path / "ours.yaml")], root=str(EXAMPLES), output=str(tmp_path / "b.csv"))
    assert report.results
    raw = (tmp_path / "b.csv").read_text("utf-8-sig")
    assert "'=cmd|x" in raw and ",=cmd" not in raw
    assert "\\=cmd\\|x" in (tmp_path / "bench/bench.md").read_text("utf-8")
