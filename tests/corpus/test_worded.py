"""Rows that ask for triples in plain words: converted, answered perfectly, scored 100, and imported back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.importing import ImportConfig, import_documents
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import read_rows, write_rows
from iepile.schema import Schema
from iepile.tasks import get_task

TASK = get_task("TRIPLES")
TEXT = "弗雷泽(女)来自澳大利亚，人口2,424人。Ada \"said\" no."
RELATIONS = [("弗雷泽(女)", "国籍", "澳大利亚"), ("澳大利亚", "人口", "2,424人"), ('Ada "said"', "国籍", "北京")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Schema.of_relations("国籍", "人口", "获奖").write(tmp_path / "schema.json")
    write_rows(tmp_path / "docs.json", [
        {"text": f"{n} {TEXT}", "relation": [{"head": h, "relation": r, "tail": t} for h, r, t in RELATIONS[:n % 4]]}
        for n in range(40)])
    return tmp_path


def rows(folder: Path, **options: object) -> list[dict[str, object]]:
    target = folder / "out.json"
    convert(ConvertConfig(src_path=str(folder / "docs.json"), tgt_path=str(target), task="TRIPLES",
                          schema_path=str(folder / "schema.json"), split_num=-1, **options))  # type: ignore[arg-type]
    return [r for _, r in read_rows(target)]


def test_the_form_of_the_guide(folder: Path) -> None:
    row = rows(folder)[3]
    assert list(row) == ["id", "task", "source", "instruction", "input", "output", "kg"]
    assert str(row["instruction"]).endswith("关系类型为{'人口','国籍','获奖'},你可以先识别出实体再判断实体之间的关系,"
                                            "以(头实体,关系,尾实体)的形式回答")
    assert row["output"] == '(澳大利亚,人口,"2,424人")("弗雷泽(女)",国籍,澳大利亚)(Ada "said",国籍,北京)'
    assert sorted(map(tuple, row["kg"])) == sorted(RELATIONS)  # type: ignore[call-overload]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("words", ["guide", "varied"])
def test_a_perfect_answer_scores_100_and_comes_back(folder: Path, language: str, words: str) -> None:
    trained = rows(folder, language=language, words=words)
    assert trained == rows(folder, language=language, words=words)
    assert {r["output"] for r in trained if not r["kg"]} == {"NAN"}
    assert len({r["instruction"] for r in trained}) == 1 or words == "varied"
    tests = rows(folder, language=language, words=words, split="test")
    assert "output" not in tests[0] and json.loads(str(tests[3]["label"]))
    write_rows(folder / "pred.json", [t | {k: r[k] for k in ("instruction", "output")}
                                      for t, r in zip(tests, trained, strict=True)])
    report = evaluate(EvaluateConfig(path1=str(folder / "pred.json")))
    [score] = report.scores
    assert (score.score.f1, score.score.gold) == (100.0, 60)
    assert report.counts.invalid == report.counts.wrong_form == report.counts.not_asked == 0
    write_rows(folder / "train.json", trained)
    import_documents(ImportConfig(src_path=str(folder / "train.json"), tgt_path=str(folder / "back.json")))
    back = [r for _, r in read_rows(folder / "back.json")]
    for n, doc in enumerate(back):
        assert doc["text"] == f"{n} {TEXT}"
        assert {(r["head"], r["relation"], r["tail"]) for r in doc["relation"]} == set(RELATIONS[:n % 4])


def test_another_seed_asks_otherwise(folder: Path) -> None:
    asked = [[r["instruction"] for r in rows(folder, words="varied", seed=s)] for s in (1, 2)]
    assert asked[0] != asked[1] and len(set(asked[0])) > 15
