"""Prediction files with anything wrong in them: no traceback, and every bad row is counted with its line."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.evaluation.config import EvaluateConfig
from iepile.evaluation.score import evaluate
from iepile.jsonl import dumps, read_lines, write_rows
from mutated_predictions import good_rows, mutated

OPTIONS: tuple[dict[str, Any], ...] = (
    {}, {"task": "NER"}, {"match": "offset"}, {"match": "head", "match_mode": "set"}, {"sort_by": "language,label"},
)


def survived(folder: Path, seed: int) -> None:
    """Score a mutated file; check that no row is lost, and that each one that cannot be used is named."""
    rng = random.Random(seed)
    data = mutated(rng)
    path, bad = folder / rng.choice(("pred.json", "pred.json", "pred.json.gz")), folder / "bad.jsonl"
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
        data = data[: rng.randint(1, len(data))] if rng.random() < 0.3 else data
    path.write_bytes(data)
    try:
        report = evaluate(EvaluateConfig(path1=str(path), bad_rows=str(bad), **rng.choice(OPTIONS)))
    except InputError as e:
        assert str(e), seed
        return
    lines = [n for n, _ in read_lines(path)]
    counts = report.counts
    assert counts.rows == len(lines), seed
    told = [json.loads(line) for line in bad.read_text("utf-8").splitlines()]
    assert {t["line"] for t in told} <= set(lines), seed
    assert len(told) == counts.unreadable_rows + counts.invalid + counts.unreadable_labels + counts.without_facts, seed
    first = sorted(told, key=lambda t: t["line"])[:20]
    assert [(n.line, n.problem) for n in report.notes] == [(t["line"], t["problem"]) for t in first], seed


@pytest.mark.parametrize("part", range(4))
def test_mutated_files(tmp_path: Path, part: int) -> None:
    for seed in range(part * 100, part * 100 + 100):
        survived(tmp_path, seed)


@pytest.mark.slow
def test_ten_thousand_mutated_files(tmp_path: Path) -> None:
    for seed in range(10_000, 20_000):
        survived(tmp_path, seed)


@pytest.mark.parametrize("apart", [False, True])
def test_every_bad_row_is_written(tmp_path: Path, apart: bool) -> None:
    rows = [r | {"id": str(n)} for n, r in enumerate(good_rows(200, random.Random(1)))]
    for n, row in enumerate(rows):
        if n % 2:
            row["output"] = "oh"
    if apart:
        rows.append(rows[0])
    lines = [dumps(r).encode() for r in rows]
    lines[10:10] = [b"{", b"\xff"]
    (tmp_path / "pred.json").write_bytes(b"\n".join(lines))
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"), bad_rows=str(tmp_path / "bad.jsonl")))
    told = [json.loads(line)["line"] for line in (tmp_path / "bad.jsonl").read_text("utf-8").splitlines()]
    assert sorted(told) == [n + 1 for n, line in enumerate(lines) if b'"oh"' in line or len(line) < 2]
    assert len(report.notes) == 20 and [n.line for n in report.notes] == sorted(told)[:20]
    assert report.counts.invalid + report.counts.unreadable_rows == len(told)


def test_nested_ids_and_labels_are_survived(tmp_path: Path) -> None:
    good = next(iter(good_rows(1, random.Random(1))))
    write_rows(tmp_path / "pred.json", [good])
    text = (tmp_path / "pred.json").read_text("utf-8")
    nested = "[" * 950 + "]" * 950
    for name in ("id", "source", "label", "output", "task", "finish"):
        lines = [text.splitlines()[0], dumps(good | {name: "HERE"}).replace('"HERE"', nested)]
        (tmp_path / "pred.json").write_text("\n".join(lines), "utf-8")
        assert evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"))).counts.rows == 2
