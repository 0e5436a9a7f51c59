"""Tuning in every layout: the same losses as separate rows, a card that says how to ask, and exact resume."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.extraction.predict import PredictConfig, predict
from iepile.instruction import Instruction
from iepile.instructions.wording import prompt
from iepile.jsonl import read_rows, write_rows
from iepile.models.card import read_card
from iepile.training.config import TrainConfig
from iepile.training.tune import tune
from tiny_models import byte_level_tokenizer, make_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


@pytest.fixture
def config(base: Path, tmp_path: Path) -> TrainConfig:
    """Three questions about each of eight texts."""
    rows = []
    for n in range(8):
        name = "康梁孙黄"[n % 4] + "有启" * (1 + n % 3)
        for label in ("人物", "地点", "机构"):
            ask = Instruction(prompt("NER", "zh"), [label], f"{name}在此{n}。").render()
            answer = json.dumps({label: [name] if label == "人物" else []})
            rows.append({"task": "NER", "instruction": ask, "output": answer})
    write_rows(tmp_path / "rows.json", rows)
    return TrainConfig(str(base), str(tmp_path / "rows.json"), str(tmp_path / "run"), template="qwen", max_steps=4,
                       logging_steps=1, learning_rate=5e-3, lora_dropout=0.0, threads=1, text_first=True)


def losses(config: TrainConfig) -> list[float]:
    log = (Path(config.output_dir) / "train_log.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["loss"] for line in log]


@pytest.mark.parametrize("layout", ["packed", "branched"])
def test_batches_of_everything_have_the_losses_of_separate_rows(config: TrainConfig, layout: str,
                                                                tmp_path: Path) -> None:
    """All rows in each step: then no layout may make a difference."""
    plain = replace(config, output_dir=str(tmp_path / "plain"), per_device_train_batch_size=24)
    tune(plain)
    other = replace(config, layout=layout, max_tokens_per_batch=100_000)
    tune(other)
    assert losses(other) == pytest.approx(losses(plain), rel=1e-4)
    assert losses(other)[-1] < losses(other)[0]


@pytest.mark.parametrize("layout", ["packed", "branched"])
def test_a_run_that_died_goes_on_exactly(config: TrainConfig, layout: str, tmp_path: Path) -> None:
    config = replace(config, layout=layout, per_device_train_batch_size=2, save_steps=2)
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole)

    def die(done: int, total: int, note: float | str) -> None:
        if isinstance(note, float) and done == 3:
            raise RuntimeError("dead")

    with pytest.raises(RuntimeError, match="dead"):
        tune(config, die)
    assert tune(config).resumed_from == 2
    assert losses(config) == losses(whole)


def test_what_is_trained_with_the_text_first_is_asked_so(config: TrainConfig, tmp_path: Path) -> None:
    result = tune(replace(config, layout="branched", per_device_train_batch_size=2))
    card = read_card(result.model)
    assert card is not None and card.text_first
    questions = [row for _, row in read_rows(config.train_file)][:3]
    write_rows(tmp_path / "test.json", [{k: v for k, v in r.items() if k != "output"} for r in questions])
    predict(PredictConfig(str(tmp_path / "test.json"), str(tmp_path / "out.json"), result.model,
                          engine_options={"max_new_tokens": 24}))
    answers = [row for _, row in read_rows(tmp_path / "out.json")]
    assert [list(json.loads(a["output"])) for a in answers] == [["人物"], ["地点"], ["机构"]]


def test_the_other_order_is_told(config: TrainConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = tune(replace(config, max_steps=1))
    tune(replace(config, checkpoint_dir=first.model, output_dir=str(tmp_path / "more"), max_steps=1, text_first=False))
    assert "was trained with the text first" in caplog.text


@pytest.mark.parametrize("bad", [
    {"layout": "branched", "text_first": False}, {"layout": "branched", "train_on_prompt": True},
    {"layout": "packed", "finetuning_type": "prompt_tuning"},
])
def test_what_cannot_be_combined(config: TrainConfig, bad: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        replace(config, **bad)


def test_an_encoder_decoder_is_tuned_and_answers(config: TrainConfig, tmp_path: Path) -> None:
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = byte_level_tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        T5ForConditionalGeneration(T5Config(
            vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_decoder_layers=2, num_heads=4,
            decoder_start_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id)).save_pretrained(tmp_path / "t5")
    tokenizer.save_pretrained(tmp_path / "t5")
    config = replace(config, model_name_or_path=str(tmp_path / "t5"), template="alpaca", text_first=False, max_steps=6,
                     per_device_train_batch_size=24)
    result = tune(config)
    assert losses(config)[-1] < losses(config)[0]
    questions = [row for _, row in read_rows(config.train_file)][:2]
    write_rows(tmp_path / "test.json", [{k: v for k, v in r.items() if k != "output"} for r in questions])
    predict(PredictConfig(str(tmp_path / "test.json"), str(tmp_path / "out.json"), result.model,
                          engine_options={"max_new_tokens": 24}))
    assert all(isinstance(json.loads(r["output"]), dict) for _, r in read_rows(tmp_path / "out.json"))
    with pytest.raises(InputError, match="encoder-decoder"):
        tune(replace(config, layout="packed", output_dir=str(tmp_path / "packed")))
