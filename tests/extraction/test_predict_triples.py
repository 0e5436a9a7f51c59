"""Rows that ask for triples in words, from documents to a graph: converted, answered, placed, scored, built."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iepile.cli.main import main
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.predict import PredictConfig, predict
from iepile.jsonl import read_rows, write_rows
from iepile.schema import Schema
from tiny_models import byte_level_tokenizer, make_model

TEXT = "弗雷泽(女)来自澳大利亚，人口2,424人。Ada \"said\" no."
RELATIONS = [("弗雷泽(女)", "国籍", "澳大利亚"), ("澳大利亚", "人口", "2,424人"), ('Ada "said"', "国籍", "冥王星")]


def rows(file: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(file)]


@pytest.fixture(params=["guide", "varied"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Training rows with all answers, and test rows that ask the same in the words of the training rows."""
    Schema.of_relations("国籍", "人口").write(tmp_path / "schema.json")
    write_rows(tmp_path / "docs.json", [
        {"text": f"{n} {TEXT}", "relation": [{"head": h, "relation": r, "tail": t} for h, r, t in RELATIONS[: n % 4]]}
        for n in range(8)])
    for split in ("train", "test"):
        assert main(["convert", "--src_path", str(tmp_path / "docs.json"), "--tgt_path",
                     str(tmp_path / f"{split}.json"), "--schema_path", str(tmp_path / "schema.json"),
                     "--task", "TRIPLES", "--split", split, "--split_num", "-1", "--words", request.param]) == 0
    return tmp_path


class Knowing:
    """Answers as the training rows do."""

    name = "knowing"

    def __init__(self, trained: list[dict[str, Any]]) -> None:
        self.answers = {row["input"]: row["output"] for row in trained}

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for r in requests:
            assert (r.task, r.input) == ("", r.input) and r.input in self.answers
            yield Completion(r.key, self.answers[r.input])

    def close(self) -> None:
        pass


@pytest.mark.parametrize("named", [True, False])
def test_right_answers_become_facts_a_score_and_a_graph(folder: Path, named: bool) -> None:
    given = rows(folder / "test.json")
    if not named:  # as the rows of the contest are
        write_rows(folder / "test.json", [{k: v for k, v in row.items() if k != "task"} for row in given])
    pred = folder / "pred.json"
    summary = predict(PredictConfig(str(folder / "test.json"), str(pred), task="" if named else "TRIPLES"),
                      Knowing(rows(folder / "train.json")))
    assert (summary.rows, summary.relations, summary.mentions, summary.ungrounded) == (8, 12, 24, 2)
    assert summary.invalid == summary.not_asked == summary.errors == 0
    for n, row in enumerate(rows(pred)):
        assert row["task"] == "TRIPLES"
        found = {(r["head"]["text"], r["type"], r["tail"]["text"]): r for r in row["facts"].get("relations", [])}
        assert set(found) == set(RELATIONS[: n % 4])
        for r in found.values():
            for span in (r["head"], r["tail"]):
                # What is nowhere in the text is completed: it stays, without a place.
                assert ("start" in span) == (span["text"] != "冥王星")
                if "start" in span:
                    assert row["input"][span["start"] : span["end"]] == span["text"]
        told = [p["detail"] for p in row.get("problems", []) if p["kind"] == "ungrounded"]
        assert told == (["冥王星"] if n % 4 == 3 else [])
    report = evaluate(EvaluateConfig(path1=str(pred)))
    [score] = report.scores
    assert (score.score.f1, score.score.gold) == (100.0, 12)
    assert main(["kg", "--input_file", str(pred), "--output_file", str(folder / "edges.jsonl")]) == 0
    edges = [row for row in rows(folder / "edges.jsonl") if row.get("relation")]
    assert {(e["head"], e["relation"], e["tail"]) for e in edges} == set(RELATIONS)


def test_a_model_of_random_weights_answers_as_asked(folder: Path) -> None:
    model = make_model(folder / "model", byte_level_tokenizer([TEXT]), seed=0)
    pred = folder / "pred.json"
    assert main(["predict", "--input_file", str(folder / "test.json"), "--output_file", str(pred),
                 "--model_name_or_path", str(model), "--max_new_tokens", "120", "--engine_options",
                 json.dumps({"threads": 1, "max_items": 2})]) == 0
    said = 0
    for row in rows(pred):
        assert not any(p["kind"] not in ("ungrounded", "normalised") for p in row.get("problems", [])), row
        for r in row["facts"].get("relations", []):
            said += 1
            assert r["type"] in ("国籍", "人口")
            assert r["head"]["text"] in row["input"] and r["tail"]["text"] in row["input"]
    assert said > 4
    report = evaluate(EvaluateConfig(path1=str(pred)))
    assert report.counts.invalid == report.counts.wrong_form == report.counts.not_asked == 0
    assert report.scores[0].score.pred == said
    assert main(["kg", "--input_file", str(pred), "--output_file", str(folder / "graph.db")]) == 0
