"""What `evaluate` writes besides scores, through the settings and through the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from iepile.cli.main import main
from iepile.corpus.synthetic import generate
from iepile.errors import InputError
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import write_rows
from iepile.unified import document_to_row


def row(n: int, gold: list[str], answered: dict[str, list[str]], **more: Any) -> dict[str, Any]:
    ask = json.dumps({"instruction": "", "schema": ["person", "place"], "input": "Ada met Bob in Ur."})
    label = json.dumps([{"entity": g, "entity_type": "person"} for g in gold])
    return {"id": str(n), "task": "NER", "source": f"s{n % 2}", "instruction": ask, "label": label,
            "output": json.dumps(answered)} | more


@pytest.fixture
def predictions(tmp_path: Path) -> str:
    path = tmp_path / "p.json"
    write_rows(path, [row(n, ["Ada", "Bob"], {"person": ["Ada"], "place": ["Bob"] if n % 3 else []},
                          orders=['{"person": ["Ada"]}', '{"person": []}']) for n in range(12)])
    return str(path)


def test_intervals_hold_the_score_and_are_the_same_again(predictions: str) -> None:
    config = EvaluateConfig(path1=predictions, sort_by="source", draws=300)
    report = evaluate(config)
    for r in (*report.scores, *report.by_source):
        assert r.interval is not None and r.interval.f1[0] <= r.score.f1 <= r.interval.f1[1]
    assert report.to_json() == evaluate(config).to_json()
    assert evaluate(EvaluateConfig(path1=predictions)).scores[0].interval is None


def test_errors_page_tables_and_json_in_one_run(predictions: str, tmp_path: Path) -> None:
    files = {name: str(tmp_path / f"out.{end}")
             for name, end in (("errors", "jsonl"), ("report", "html"), ("tables", "csv"), ("output", "json"))}
    report = evaluate(EvaluateConfig(path1=predictions, **files))
    rows = [json.loads(line) for line in Path(files["errors"]).read_text("utf-8").splitlines()]
    errors = [r for r in rows if "kind" in r and "group" in r]
    assert sum(e.count for e in report.errors) == len(errors) == 12
    assert {e.kind: e.count for e in report.errors} == {"missing": 4, "wrong label": 8}
    written = json.loads(Path(files["output"]).read_text("utf-8"))
    assert [e["kind"] for e in written["errors"]] == [e.kind for e in report.errors]
    assert written["orders"][0]["f1"] == [pytest.approx(200 * 12 / 36), 0.0]
    assert "wrong label" in Path(files["tables"]).read_text("utf-8-sig")
    page = Path(files["report"]).read_text("utf-8")
    assert "Ada met Bob in Ur." in page and "wrong label" in page


def test_from_the_command_line(predictions: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--path1", predictions, "--draws", "50", "--sort-by", "order",
                 "--errors", str(tmp_path / "e.jsonl")]) == 0
    shown = capsys.readouterr().out
    assert "F1, 95 %" in shown and "each label order alone" in shown and "wrong label" in shown
    assert main(["compare", predictions, predictions, "--draws", "20"]) == 0
    assert "1.0000" in capsys.readouterr().out
    assert main(["compare", predictions, "--draws", "20"]) == 2
    assert "two files" in capsys.readouterr().err
    assert main(["compare", predictions, predictions, "--draws", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["comparisons"][0]["texts"] == 12


def test_documents_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = [replace(d, id=str(n)) for n, d in enumerate(generate(20, "zh", 1, "test"))]
    write_rows(tmp_path / "gold.jsonl", map(document_to_row, gold))
    write_rows(tmp_path / "found.jsonl", (document_to_row(replace(d, entities=d.entities[1:])) for d in gold))
    done = main(["evaluate", "--path1", str(tmp_path / "found.jsonl"), "--gold_path", str(tmp_path / "gold.jsonl"),
                 "--task", "NER", "--match", "offset", "--report", str(tmp_path / "r.html"), "--output",
                 str(tmp_path / "s.json")])
    assert done == 0
    report = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert report["file"] == str(tmp_path / "found.jsonl") and report["scores"][0]["score"]["precision"] == 100
    assert report["scores"][0]["score"]["recall"] < 100
    assert main(["compare", str(tmp_path / "gold.jsonl"), str(tmp_path / "found.jsonl"), "--gold_path",
                 str(tmp_path / "gold.jsonl"), "--task", "NER", "--draws", "99"]) == 0
    assert "found.jsonl" in capsys.readouterr().out


@pytest.mark.parametrize(("options", "message"), [
    ({"tables": "x.xls"}, "csv"), ({"report_language": "fr"}, "zh or en"), ({"draws": -1}, "-1"),
    ({"protocol": "iepile", "task": "NER", "report": "r.html"}, "has none"),
    ({"protocol": "iepile", "task": "NER", "draws": 5}, "has none"),
    ({"path1": "", "submit_path": "p.json"}, "not given"), ({"output": "p.json"}, "p.json"),
    ({"errors": "e", "report": "e"}, "e"),
])
def test_bad_settings_are_told_before_anything_is_written(
    predictions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=message):
        evaluate(EvaluateConfig(**{"path1": "p.json"} | options))
    assert sorted(tmp_path.iterdir()) == before
