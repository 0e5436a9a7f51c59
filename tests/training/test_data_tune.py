"""A run on streamed, mixed and split data: it dies at any step and goes on exactly, and bad data ends it at once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.training import streaming
from iepile.training.config import TrainConfig
from iepile.training.tune import tune
from tiny_models import byte_level_tokenizer, make_model
from training_rows import ask, ner_row, row, write, write_parquet

ROWS = [*(ner_row(n, "ab"[n % 2]) for n in range(60)), *(ner_row(n, "long", words=150) for n in range(60, 64))]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


@pytest.fixture
def config(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    monkeypatch.setattr(streaming, "CHUNK", 20)
    monkeypatch.setattr(streaming, "BLOCK", 4)
    train = f"{write(tmp_path / 'a.json', *ROWS[:32])},{write_parquet(tmp_path / 'b.parquet', ROWS[32:], 8)}"
    return TrainConfig(
        str(base), train, str(tmp_path / "run"), template="alpaca", finetuning_type="full", learning_rate=1e-3,
        max_steps=9, save_steps=2, logging_steps=1, per_device_train_batch_size=5, gradient_accumulation_steps=2,
        cutoff_len=420, mixture="a=2,b=0.5", negative_ratio=0.3, text_first=True, threads=1,
    )


class Killed(Exception):
    """Stands for a death of the process in this very place."""


def die_at(step: int) -> Any:
    def progress(done: int, total: int, note: float | str) -> None:
        if isinstance(note, float) and done == step:
            raise Killed

    return progress


def losses(config: TrainConfig) -> list[Any]:
    lines = (Path(config.output_dir) / "train_log.jsonl").read_text("utf-8").splitlines()
    return [(x["step"], x["epoch"], x["loss"]) for x in map(json.loads, lines) if "loss" in x]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_run_that_died_goes_on_with_the_very_rows(config: TrainConfig, streamed: bool, tmp_path: Path) -> None:
    config = replace(config, streaming=streamed, cache_path="" if streamed else str(tmp_path / "cache"))
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole)
    assert losses(whole)[-1][1] > 1  # the second epoch has begun
    for death in (3, 8):
        with pytest.raises(Killed):
            tune(config, die_at(death))
    assert tune(config).resumed_from == 6
    assert losses(config) == losses(whole)
    weights = [Path(c.output_dir, "model", "model.safetensors").read_bytes() for c in (config, whole)]
    assert weights[0] == weights[1]
    report = json.loads((Path(config.output_dir) / "data_report.json").read_text("utf-8"))
    assert report["windowed"] == 4 and report["rows"] == 64 and report["sampled"] is False


@pytest.mark.parametrize("bad, problem", [
    ({"id": "1", "task": "NER", "instruction": ask("t", ["a"]), "label": "[]"}, "this is a test row"),
    (row("Q", ""), "the answer is empty"),
    ({"output": "A"}, "has no instruction"),
    ({"text": "Ada came.", "entity": []}, "a record, not yet a question"),
])
@pytest.mark.parametrize("streamed", [False, True])
def test_bad_rows_end_a_run_before_it_starts(config: TrainConfig, bad: Any, problem: str, streamed: bool,
                                             tmp_path: Path) -> None:
    path = write(tmp_path / "bad.json", ROWS[0], bad)
    with pytest.raises(InputError, match=problem) as e:
        tune(replace(config, train_file=str(path), mixture="", streaming=streamed))
    assert e.value.line == 2 and str(path) in str(e.value)
    assert not list(Path(config.output_dir).glob("checkpoint-*"))


def test_sources_that_there_are_not_are_named_with_those_that_are(config: TrainConfig) -> None:
    with pytest.raises(InputError, match="no rows have the source 'MSRA'") as e:
        tune(replace(config, mixture="MSRA=2"))
    assert e.value.expected == "a, b, long"
