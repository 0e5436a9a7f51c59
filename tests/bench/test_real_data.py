"""The road on real data sets: whoever answers the annotation scores 100, and real baselines are set beside papers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iepile.bench import road
from iepile.bench.bench import BenchConfig, bench
from iepile.bench.report import BenchReport
from iepile.extraction.engines.engine import Completion, Request
from iepile.instruction import read_instruction
from iepile.jsonl import read_rows
from iepile.records import Facts
from iepile.tasks.task import get_task
from iepile.unified import document_from_row


class Oracle:
    """Answers what the documents of a benchmark's folder say."""

    name = "oracle"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts: dict[tuple[str, str], Facts] = {}

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for path in self.folder.glob("*/documents.jsonl"):
            for n, row in read_rows(path):
                doc = document_from_row(row, str(path), n)
                self.facts[path.parent.name.rpartition("-")[2], doc.text] = doc.facts
        for request in requests:
            ask, task = read_instruction(request.instruction), get_task(request.task)
            facts = self.facts[request.task, ask.input]
            yield Completion(request.key, task.answer_text(facts, task.read_items(ask.schema), ask.input))

    def close(self) -> None:
        pass


def run(shared: Path, folder: Path, **settings: Any) -> BenchReport:
    return bench(BenchConfig(root=str(shared / "data"), folder=str(folder), limit=20, **settings))


def test_the_annotation_itself_scores_100(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(road, "open_engine", lambda *_: Oracle(tmp_path))
    names = ["ncbi", "WEIBONER", "conll04", "FewRel", "PHEE", "FewFC"]
    report = run(shared, tmp_path, model="oracle", engine="oracle", dataset=names)
    assert not report.failed and [r.score.f1 for r in report.results] == [100] * 8
    assert all(r.f1_low == r.f1_high == 100 for r in report.results)
    assert [m.dataset for m in report.missing] == [f"fewrel_{n}" for n in range(1, 5)]
    fold = next(m for m in report.means if m.name)
    assert (fold.name, fold.datasets, fold.of, fold.published) == ("FewRel", ["fewrel_0"], 5, [])
    assert not any("FewRel" in c.datasets for c in report.comparisons)


@pytest.mark.slow
def test_the_annotation_itself_scores_100_on_every_data_set(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(road, "open_engine", lambda *_: Oracle(tmp_path))
    report = run(shared, tmp_path, model="oracle", engine="oracle")
    assert not report.failed and len({r.dataset for r in report.results}) >= 30
    # Texts of 20 in which nothing is to be found have no F1.
    assert {(r.dataset, r.group, r.score.f1) for r in report.results if r.score.gold and r.score.f1 != 100} == set()
    assert {r.dataset for r in report.results if not r.score.gold} <= {"COAE2016"}
    missing = {m.dataset: m for m in report.missing}
    assert {"DuIE2.0", "wiki_2", "boson", "CrossNER_music"} <= set(missing)
    assert "only train" in missing["DuIE2.0"].why and missing["boson"].home.startswith("https://")
    notes = {r.dataset: r.notes for r in report.results}
    assert any("3,830 in InstructUIE" in n for n in notes["AnatEM"]) and any("20 of" in n for n in notes["AnatEM"])
    means = {m.name: (m.datasets, m.of) for m in report.means if m.name}
    assert means["FewRel"] == (["fewrel_0"], 5) and means["Wiki-ZSL"] == (["wiki_0"], 5)
    beside = {(c.model, c.task, c.suite): c for c in report.comparisons}
    assert beside["InstructUIE", "RE", "supervised"].published == pytest.approx(
        (82.31 + 90.47 + 56.06 + 45.15 + 73.23 + 78.48) / 6)


def test_dictionaries_of_a_training_split_beside_papers(shared: Path, tmp_path: Path) -> None:
    from iepile.corpus.build_read import read_data_set
    from iepile.corpus.catalog import get_card
    from iepile.corpus.convert import ConvertConfig, convert
    from iepile.corpus.plan import Plan
    from iepile.training.baselines import DictionaryJob, train_baseline

    card = get_card("conll04")
    found = card.find(shared / "data")
    assert found is not None
    read_data_set(found, Plan(), tmp_path / "data")
    rows = tmp_path / "rows.jsonl"
    convert(ConvertConfig(src_path=str(tmp_path / "data/train.jsonl"), tgt_path=str(rows), task="RE", language="en",
                          schema_path=str(tmp_path / "data/schema.json"), split_num=-1))
    train_baseline(DictionaryJob(train_file=[str(rows)], output_dir=str(tmp_path / "run")))
    report = run(shared, tmp_path / "bench", model=str(tmp_path / "run/model"), dataset=["conll04"], beside=["USM"])
    assert not report.failed and not report.missing
    shown = {c.model: c for c in report.comparisons}
    assert (shown["InstructUIE"].published, shown["UIE"].published, shown["USM"].published) == (78.48, 75.0, 78.84)
    assert all(c.delta == c.compared - c.published for c in shown.values())
    assert 0 < shown["USM"].compared < 60  # dictionaries find something, and far less than the papers
    page = (tmp_path / "bench/bench.md").read_text("utf-8")
    assert "ours less USM" in page and "ours less UIE" not in page
