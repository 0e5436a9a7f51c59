"""A whole benchmark: scores of a real model, what is kept, what is missing, and what goes wrong beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench_examples import EXAMPLES, SUITE, Run
from iepile.errors import InputError
from iepile.evaluation.config import EvaluateConfig
from iepile.evaluation.score import evaluate
from iepile.jsonl import read_rows

SLOW = """
import sys, time
from iepile.cli.bench import bench
from iepile.extraction.engines.baseline import BaselineEngine

quick = BaselineEngine.generate

def slow(self, requests):
    for answer in quick(self, requests):
        time.sleep(0.02)
        yield answer

BaselineEngine.generate = slow
sys.exit(bench(sys.argv[1:]))
"""
THERE = ["notices_zh", "staff_en", "events_zh", "handwritten_en"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*"))
            if p.is_file() and ".stages" not in p.parts}


def test_every_data_set_that_is_there_is_scored_as_evaluate_scores_it(run: Run, tmp_path: Path) -> None:
    report = run()
    assert [(r.dataset, r.task, r.group) for r in report.results] == [
        ("notices_zh", "NER", "entity"), ("staff_en", "RE", "relation"), ("events_zh", "EE", "event"),
        ("events_zh", "EE", "argument"), ("handwritten_en", "NER", "entity")]
    for r in report.results:
        path = str(tmp_path / "bench" / f"{r.dataset}-{r.task}/predictions.jsonl")
        assert r.score == evaluate(EvaluateConfig(path1=path, task=r.task)).score(r.task, r.group)
        theirs = evaluate(EvaluateConfig(path1=path, task=r.task, protocol="iepile"))
        assert r.reference is not None and r.reference.f1 == theirs.score(r.task, r.group).f1
        assert r.f1_low <= r.score.f1 <= r.f1_high
        assert r.compared == r.reference.f1
    f1 = {(r.dataset, r.group): r.score.f1 for r in report.results}
    # Floors below what dictionaries do; chance would be next to nothing.
    assert f1["notices_zh", "entity"] > 35 and f1["events_zh", "event"] > 50
    assert report.setting.startswith("micro-string-normal/") and report.reference_setting.startswith("iepile-normal/")
    assert report.engine == "baseline" and not report.failed


def test_the_questions_are_those_of_the_polling_conversion(run: Run, tmp_path: Path) -> None:
    report = run()
    schemas = {}
    for name in ("notices_zh-NER", "staff_en-RE", "events_zh-EE"):
        rows = [row for _, row in read_rows(tmp_path / "bench" / name / "rows.jsonl")]
        schemas[name] = [json.loads(r["instruction"])["schema"] for r in rows]
        assert {r["source"] for r in rows} == {name.partition("-")[0]}
        assert all("label" in r for r in rows)
    assert max(map(len, schemas["notices_zh-NER"])) == 6
    assert max(map(len, schemas["staff_en-RE"])) <= 5  # 4, and one more where one would be left over
    by_name = {r.dataset: r for r in report.results}
    assert by_name["events_zh"].texts == 35 == by_name["events_zh"].of_texts
    # Comes as one file, of which the card keeps a fifth for the test.
    assert by_name["staff_en"].split == "all" and 20 <= by_name["staff_en"].texts <= 55
    assert any("without splits" in note for note in by_name["staff_en"].notes)


def test_what_is_not_there_is_told_with_where_to_get_it(run: Run) -> None:
    missing = run().missing
    assert [(m.dataset, m.task, m.released) for m in missing] == [("CoNLL2003", "NER", True)]
    assert missing[0].home.startswith("https://") and "no folder CoNLL2003" in missing[0].why
    missing = run(root=str(EXAMPLES / "raw")).missing
    assert (missing[0].dataset, missing[0].home, missing[0].released) == ("handwritten_en", "unknown", False)


def test_what_is_finished_is_kept_until_model_or_settings_change(run: Run, model: Path, tmp_path: Path) -> None:
    first = run(limit=10)
    before = contents(tmp_path / "bench")
    events: list[tuple[str, str]] = []
    again = run(events, limit=10)
    assert [e for e in events if e[1] != "start"] == [(name, "kept") for name in THERE]
    assert again.results == first.results and contents(tmp_path / "bench") == before
    events.clear()
    run(events, limit=11)
    assert {what for _, what in events} == {"start", "done"}
    other = tmp_path / "other"
    shutil.copytree(model, other)  # the same weights, at another time
    events.clear()
    run(events, limit=11, model=str(other))
    assert {what for _, what in events} == {"start", "done"}
    events.clear()
    (tmp_path / "bench/staff_en-RE/predictions.jsonl").unlink()
    run(events, limit=11, model=str(other))
    assert [name for name, what in events if what == "done"] == ["staff_en"]


def test_a_sample_is_drawn_by_its_seed_and_said_so(run: Run, tmp_path: Path) -> None:
    def texts() -> list[str]:
        return [row["text"] for _, row in read_rows(tmp_path / "bench/events_zh-EE/documents.jsonl")]

    report = run(limit=7, dataset=["events_zh"])
    assert {r.texts for r in report.results} == {7} and {r.of_texts for r in report.results} == {35}
    assert all("a sample: 7 of 35 texts" in r.notes for r in report.results)
    first = texts()
    raw = (EXAMPLES / "raw/events_zh/test.json").read_text("utf-8")
    whole = [json.loads(line)["text"] for line in raw.splitlines()]
    assert first == [t for t in whole if t in first]  # in their order
    run(limit=7, dataset=["events_zh"], sample_seed=43)
    assert texts() != first and len(texts()) == 7
    run(limit=7, dataset=["events_zh"])
    assert texts() == first
    run(limit=8, dataset=["events_zh"])
    assert set(first) < set(texts())  # more texts, and the same ones among them


def test_a_data_set_that_fails_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "raw"
    shutil.copytree(EXAMPLES / "raw", root)
    shutil.copytree(EXAMPLES / "data", root / "data")
    (root / "staff_en/all.jsonl").write_text('{"text": "a"}\n{"text": \n', "utf-8")
    events: list[tuple[str, str]] = []
    report = run(events, root=str(root))
    assert [f.dataset for f in report.failed] == ["staff_en"] and "all.jsonl:2" in report.failed[0].problem
    assert {r.dataset for r in report.results} == {"notices_zh", "events_zh", "handwritten_en"}
    assert ("staff_en", "failed") in events
    shutil.copy(EXAMPLES / "raw/staff_en/all.jsonl", root / "staff_en")
    events.clear()
    report = run(events, root=str(root))
    assert not report.failed and [n for n, what in events if what == "done"] == ["staff_en"]


def test_splits_without_annotation_are_passed_over(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "raw"
    shutil.copytree(EXAMPLES / "raw/events_zh", root / "events_zh")
    rows = [json.loads(line) for line in (root / "events_zh/test.json").read_text("utf-8").splitlines()]
    bare = [{"id": r["id"], "text": r["text"]} for r in rows]
    (root / "events_zh/test.json").write_text("".join(json.dumps(r) + "\n" for r in bare), "utf-8")
    report = run(root=str(root), dataset=["events_zh"])
    assert {r.split for r in report.results} == {"dev"} and {r.texts for r in report.results} == {25}
    assert all("no annotated test split: dev is scored" in r.notes for r in report.results)
    (root / "events_zh/dev.json").unlink()
    (root / "events_zh/test.json").unlink()
    report = run(root=str(root), dataset=["events_zh"], folder=str(tmp_path / "b"))
    assert [m.dataset for m in report.missing] == ["events_zh"] and not report.results and not report.failed
    assert "only train, and no test or dev with annotation" in report.missing[0].why


def test_a_killed_run_goes_on_where_it_stopped(run: Run, model: Path, tmp_path: Path) -> None:
    run(folder=str(tmp_path / "whole"))
    command = [sys.executable, "-c", SLOW, str(EXAMPLES), "--suite", str(SUITE), "--model", str(model), "--folder",
               str(tmp_path / "bench")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "OMP_NUM_THREADS": "1"})
    journal = tmp_path / "bench/staff_en-RE/predictions.jsonl.journal"
    until = time.monotonic() + 60
    while not (journal.is_file() and journal.read_bytes().count(b"\n") > 5):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    answered = journal.read_bytes().count(b"\n") - 1  # the first line tells what was asked of which model
    events: list[tuple[str, str]] = []
    run(events)
    assert ("notices_zh", "kept") in events and ("staff_en", "done") in events
    done = json.loads((tmp_path / "bench/.stages/staff_en-RE-predictions.json").read_bytes())
    assert answered >= 5 and done["result"]["resumed"] >= answered
    whole, resumed = contents(tmp_path / "whole"), contents(tmp_path / "bench")
    del whole["bench.json"], resumed["bench.json"]  # seconds spent are not the same twice
    assert {k: v.replace(b"/whole/", b"/bench/") for k, v in whole.items()} == resumed


def test_a_journal_of_other_settings_is_started_afresh(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "bench/events_zh-EE"
    folder.mkdir(parents=True)
    (folder / "predictions.jsonl.journal").write_text('{"iepile_journal":2,"fingerprint":"another"}\n', "utf-8")
    assert len(run(dataset=["events_zh"]).results) == 2


def test_settings_that_mean_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for settings, said in (
        ({"limit": -1}, "limit"), ({"dataset": ["events"]}, "did you mean events_zh"),
        ({"suite": "zeroshot"}, "did you mean zero-shot"),
        ({"beside": ["InstructUI"]}, "did you mean InstructUIE"), ({"beside": ["LLaMA2-IEPile"]}, "--published"),
        ({"model": ""}, "no model"), ({"root": str(tmp_path / "empty")}, "none of the 5 data sets"),
        ({"root": str(tmp_path / "gone")}, "no such folder"), ({"output": "x.docx"}, ".csv"),
        ({"model": str(tmp_path)}, "config.json"), ({"window": -1}, "window"),
    ):
        with pytest.raises(InputError) as e:
            run(**settings)
        assert said in str(e.value), settings
