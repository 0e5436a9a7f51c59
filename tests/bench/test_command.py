"""`iepile bench` as it is typed: its tables, its exit codes, its JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bench_examples import EXAMPLES, SUITE
from iepile.cli.main import main


def test_tables_and_progress(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", str(EXAMPLES), "--suite", str(SUITE), "--model", str(model), "--folder", str(tmp_path / "b"),
               "--limit", "10"]
    assert main(command) == 0
    out, err = capsys.readouterr()
    for text in ("events_zh", "EE argument", "10 of 35", "not there", "CoNLL2003 *", "means over data sets"):
        assert text in out
    assert "notices_zh NER: 10 texts, F1 entity" in err
    assert main([*command, "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert [r["texts"] for r in report["results"]] == [10] * 5 and report["limit"] == 10
    assert "notices_zh NER: kept: 10 texts" in err


def test_a_failure_is_told_at_the_end(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(EXAMPLES / "raw", tmp_path / "raw")
    (tmp_path / "raw/events_zh/test.json").write_text("{}\n[1]\n", "utf-8")
    assert main(["bench", str(tmp_path / "raw"), "--suite", str(SUITE), "--model", str(model), "--folder",
                 str(tmp_path / "b"), "--limit", "5"]) == 1
    out, err = capsys.readouterr()
    assert "1 of 3 data sets failed: events_zh" in err and "test.json:2" in err and "notices_zh" in out


@pytest.mark.parametrize(("flags", "said"), [
    (["--suite", "zeroshot"], "did you mean zero-shot"), (["--beside", "YAYI"], "did you mean YAYI-UIE"),
    (["--datset", "x"], "--datset"), (["--published", "gone.yaml"], "gone.yaml"),
    (["--dataset", "ncbi"], "no folder ncbi"), (["--suite", str(SUITE)], "no model"),
])
def test_bad_usage(flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(EXAMPLES), "--folder", str(tmp_path), *flags]) == 2
    assert said in capsys.readouterr().err


def test_a_data_set_that_the_engine_cannot_do_is_told_and_the_others_are_scored(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pycrfsuite")
    rows = model.parents[1] / "notices_zh.rows.jsonl"
    assert main(["train", "--finetuning_type", "crf", "--train_file", str(rows), "--output_dir",
                 str(tmp_path / "crf")]) == 0
    capsys.readouterr()
    assert main(["bench", str(EXAMPLES), "--suite", str(SUITE), "--model", str(tmp_path / "crf/model"), "--folder",
                 str(tmp_path / "b"), "--dataset", "notices_zh", "--dataset", "staff_en"]) == 1
    out, err = capsys.readouterr()
    assert "does not do RE" in out and "1 of 2 data sets failed: staff_en" in err and "notices_zh" in out
