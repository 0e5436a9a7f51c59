"""Macro averages and figures by language."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from iepile.evaluation.config import EvaluateConfig
from iepile.evaluation.macro import macro_row
from iepile.evaluation.report import MacroRow, Score
from iepile.evaluation.score import evaluate
from iepile.evaluation.tables import tables
from iepile.instruction import Instruction
from iepile.jsonl import dumps, write_rows


def test_the_mean_over_labels() -> None:
    assert macro_row("NER", "entity", []) == MacroRow("NER", "entity", 0, 0.0, 0.0, 0.0)
    assert macro_row("NER", "entity", [(2, 2, 4), (0, 0, 3), (0, 5, 0)]) == MacroRow(
        "NER", "entity", 3, pytest.approx(100 / 3), pytest.approx(50 / 3), pytest.approx(200 / 9))


def test_the_same_as_scikit_learn(tmp_path: Path) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = random.Random(5)
    rows, gold, answered = [], [], []
    for n in range(200):  # one mention a text: precision and recall of labels are those of a classifier
        a, b = rng.choice("pqrs"), rng.choice("pqrst")
        gold.append(a)
        answered.append(b)
        rows.append({"id": str(n), "task": "NER", "source": "s", "label": dumps([{"entity": "x", "entity_type": a}]),
                     "instruction": Instruction("?", list("pqrst"), f"x {n}").render(),
                     "output": dumps({t: ["x"] if t == b else [] for t in "pqrst"})})
    write_rows(tmp_path / "pred.json", rows)
    macro = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"))).macro
    p, r, f1, _ = metrics.precision_recall_fscore_support(gold, answered, average="macro", zero_division=0)
    assert [macro[0].precision, macro[0].recall, macro[0].f1] == pytest.approx([100 * p, 100 * r, 100 * f1], abs=1e-9)
    assert macro[0].labels == 5


def row(n: int, text: str, answer: list[str]) -> dict[str, str]:
    return {"id": str(n), "task": "NER", "source": "s", "label": dumps([{"entity": "x", "entity_type": "p"}]),
            "instruction": Instruction("?", ["p"], text).render(), "output": dumps({"p": answer})}


def test_by_language(tmp_path: Path) -> None:
    path = tmp_path / "pred.json"
    write_rows(path, [row(1, "一段中文", ["x"]), row(2, "some English", ["y"]), row(3, "more English", ["x"]),
                      row(4, "没有", []) | {"label": "[]"}])
    report = evaluate(EvaluateConfig(path1=str(path), sort_by="language,source,label", draws=20))
    assert [(r.language, r.score) for r in report.by_language] == [("en", Score.of(1, 2, 2)), ("zh", Score.of(1, 1, 1))]
    assert all(r.interval is not None for r in report.by_language)
    assert [t.title for t in tables(report, "source,label,language")][1:5] == [
        "by source", "by label", "macro: the mean over labels", "by language"]
    assert evaluate(EvaluateConfig(path1=str(path))).by_language == []
    whole = evaluate(EvaluateConfig(path1=str(path)))
    assert (whole.scores, whole.by_label) == (
        [type(r)(r.task, r.group, r.score) for r in report.scores], report.by_label)


def test_a_language_without_facts(tmp_path: Path) -> None:
    write_rows(tmp_path / "pred.json", [row(1, "一段", []) | {"label": "[]"}])
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"), sort_by="language"))
    assert [(r.language, r.score) for r in report.by_language] == [("zh", Score.of(0, 0, 0))]
    assert report.macro == [MacroRow("NER", "entity", 0, 0.0, 0.0, 0.0)]
