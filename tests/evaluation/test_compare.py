"""Comparing runs: paired by text, told from luck, every changed text named."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.evaluation.compare import CompareConfig, CompareReport, compare, tables
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import write_rows


def row(n: int, gold: list[str], answered: list[str], **more: Any) -> dict[str, Any]:
    ask = json.dumps({"instruction": "", "schema": ["person"], "input": f"text {n}"})
    label = json.dumps([{"entity": g, "entity_type": "person"} for g in gold])
    return {"id": str(n), "task": "NER", "source": "s", "instruction": ask, "label": label,
            "output": json.dumps({"person": answered})} | more


def run(tmp_path: Path, name: str, chance: float, n: int = 300, seed: int = 0) -> str:
    rng, truth = random.Random(seed), random.Random(7)
    rows = []
    for k in range(n):
        gold = [f"p{k}-{i}" for i in range(truth.randint(0, 3))]
        rows.append(row(k, gold, [g if rng.random() < chance else "wrong" for g in gold]))
    path = tmp_path / name
    write_rows(path, rows)
    return str(path)


def do(*paths: str, **options: Any) -> CompareReport:
    return compare(CompareConfig(paths=list(paths), **{"draws": 500} | options))


def test_scores_are_those_of_evaluate_and_a_real_gain_is_told(tmp_path: Path) -> None:
    a, b = run(tmp_path, "a.json", 0.5), run(tmp_path, "b.json", 0.8, seed=1)
    (found,) = do(a, b).comparisons
    assert found.first == evaluate(EvaluateConfig(path1=a)).score("NER", "entity")
    assert found.second == evaluate(EvaluateConfig(path1=b)).score("NER", "entity")
    assert found.difference.value == pytest.approx(found.second.f1 - found.first.f1)
    assert found.difference.p < 0.01 < found.difference.low < found.difference.high
    assert found.better > found.worse and found.texts == 300


def test_a_file_against_itself(tmp_path: Path) -> None:
    a = run(tmp_path, "a.json", 0.5)
    (found,) = do(a, a, changed=str(tmp_path / "c.jsonl")).comparisons
    assert (found.difference.value, found.difference.p, found.better, found.worse) == (0, 1, 0, 0)
    assert (tmp_path / "c.jsonl").read_bytes() == b""


def test_changed_texts_say_what_was_found_and_lost(tmp_path: Path) -> None:
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    write_rows(a, [row(1, ["Ada", "Eve"], ["Ada", "Bob"]), row(2, ["Cy"], ["Cy"]), row(3, ["Di"], ["Di"])])
    write_rows(b, [row(3, ["Di"], ["Di"]), row(2, ["Cy"], []), row(1, ["Ada", "Eve"], ["Eve", "Ada", "Bob", "Bob"])])
    (found,) = do(str(a), str(b), changed=str(tmp_path / "c.jsonl")).comparisons
    assert (found.better, found.worse) == (0, 1)  # Eve found, but Bob twice
    lines = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text("utf-8").splitlines()]
    assert [(x["id"], x["text"]) for x in lines] == [("2", "text 2"), ("1", "text 1")]
    assert lines[0]["changes"] == {"entity": {"lost": [["person", "Cy"]], "better_by": -1}}
    assert lines[1]["changes"] == {"entity": {
        "found": [["person", "Eve"]], "new wrong": [["person", "Bob"]], "better_by": 0}}


def test_several_runs_are_corrected_after_holm(tmp_path: Path) -> None:
    paths = [run(tmp_path, f"{n}.json", chance, 60, n) for n, chance in enumerate((0.5, 0.6, 0.75, 0.5))]
    report = do(*paths)
    ps = sorted((c.difference.p, c.p_corrected) for c in report.comparisons)
    assert ps[0][1] == pytest.approx(min(1, 3 * ps[0][0])) and ps[1][1] == pytest.approx(
        min(1, max(ps[0][1], 2 * ps[1][0])))
    assert ps[0][1] <= ps[1][1] <= ps[2][1]
    shown = tables(report)[0]
    assert len(shown.rows) == 3 and "Holm" in shown.header[7]


def test_texts_of_one_run_only_are_counted(tmp_path: Path) -> None:
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    write_rows(a, [row(n, ["Ada"], ["Ada"]) for n in range(5)])
    write_rows(b, [row(n, ["Ada"], []) for n in range(3, 9)])
    report = do(str(a), str(b), output=str(tmp_path / "out.json"))
    assert report.comparisons[0].texts == 2
    assert report.left_out == {str(b): 3, str(a): 4}
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["left_out"] == report.left_out
    assert tables(report)[1].rows == (("a.json", "4"), ("b.json", "3"))


def test_other_gold_is_refused_with_its_line(tmp_path: Path) -> None:
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    write_rows(a, [row(1, ["Ada"], []), row(2, ["Ada"], [])])
    write_rows(b, [row(1, ["Ada"], []), row(2, ["Eve"], [])])
    with pytest.raises(InputError, match="gold of text '2' differs") as e:
        do(str(a), str(b), changed=str(tmp_path / "c.jsonl"))
    assert (e.value.file, e.value.line) == (str(b), 2)
    assert not (tmp_path / "c.jsonl").exists()


@pytest.mark.parametrize(("options", "message"), [
    ({"paths": ["x"]}, "1 given"), ({"match": "y"}, "string or"), ({"match_mode": "y"}, "normal or set"),
    ({"draws": 0}, "is 0"), ({"output": "a.json"}, "a.json"),
])
def test_bad_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows("a.json", [row(1, [], [])])
    with pytest.raises(InputError, match=message):
        compare(CompareConfig(**{"paths": ["a.json", "a.json"]} | options))


def test_nothing_in_common(tmp_path: Path) -> None:
    for n in (1, 2):
        write_rows(tmp_path / f"{n}.json", [row(n, [], [])])
    with pytest.raises(InputError, match="no text is both"):
        do(str(tmp_path / "1.json"), str(tmp_path / "2.json"))
