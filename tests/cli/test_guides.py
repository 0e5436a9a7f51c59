"""Flags of older scripts: renamed, given a value, or ignored with a word."""

from __future__ import annotations

import pytest

from iepile.cli.guides import PREDICT_NAMES, TRAIN_NAMES, TRAIN_RETIRED, rename


def test_other_names() -> None:
    assert rename(["--train-path", "a.json", "--max_len=768", "--lora_r", "8"], TRAIN_NAMES) == [
        "--train_file", "a.json", "--cutoff_len=768", "--lora_r", "8"]
    # A value that looks like an old name is a value.
    assert rename(["--output_dir", "model_dir"], TRAIN_NAMES) == ["--output_dir", "model_dir"]
    assert rename(["--model_dir", "x"], PREDICT_NAMES) == ["--checkpoint_dir", "x"]


def test_templates_of_2023() -> None:
    assert rename(["--prompt_template_name", "moss"], TRAIN_NAMES) == ["--template", "moss_2023"]
    assert rename(["--prompt_template_name=alpaca"], PREDICT_NAMES) == ["--template=alpaca_2023"]
    assert rename(["--prompt_template_name", "llama2", "--template", "alpaca"], TRAIN_NAMES) == [
        "--template", "llama2", "--template", "alpaca"]


def test_flags_that_mean_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--do_train", "--stage", "sft", "--do_eval", "true", "--max-source-length=400", "--bf16",
            "--group_by_length", "--lora_r", "8"]
    assert TRAIN_RETIRED.strip(argv) == ["--bf16", "--lora_r", "8"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == ["--do_train", "--stage", "--do_eval", "--max_source_length",
                                                   "--group_by_length"]
