"""Tuning: what is learned, exact resume after any death, and the folder it leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.errors import IepileError, InputError
from iepile.models.card import read_card
from iepile.models.chat import Chat
from iepile.models.load import LoadOptions, load_model
from iepile.training.config import TrainConfig
from iepile.training.data import read_examples
from iepile.training.layouts.padded import collate
from iepile.training.start import start_trainee
from iepile.training.trainee import Trainee
from iepile.training.tune import schedule, tune
from tiny_models import byte_level_tokenizer, make_model, sentencepiece_tokenizer


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows whose answer is a name in the text."""
    path = tmp_path_factory.mktemp("data") / "train.json"
    lines = []
    for i in range(40):
        name = "康梁孙黄"[i % 4] + "有启中"[i % 3] * (1 + i % 5)
        question = json.dumps({"instruction": "找", "schema": ["人物"], "input": f"{name}在此"}, ensure_ascii=False)
        answer = json.dumps({"人物": [name]}, ensure_ascii=False)
        lines.append(json.dumps({"task": "NER", "instruction": question, "output": answer}, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def config(base: Path, data: Path, tmp_path: Path) -> TrainConfig:
    return TrainConfig(str(base), str(data), str(tmp_path / "run"), template="qwen", num_train_epochs=2, save_steps=3,
                       per_device_train_batch_size=5, gradient_accumulation_steps=2, logging_steps=1, val_set_size=5,
                       learning_rate=5e-3, lora_dropout=0.1, threads=1)


def log(config: TrainConfig) -> str:
    return (Path(config.output_dir) / "train_log.jsonl").read_text("utf-8")


class Killed(Exception):
    """Stands for a death of the process in this very place."""


def die_at(step: int) -> Any:
    def progress(done: int, total: int, note: float | str) -> None:
        if isinstance(note, float) and done == step:
            raise Killed

    return progress


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_a_model_learns_and_is_saved_with_its_template(config: TrainConfig, kind: str) -> None:
    config = replace(config, finetuning_type=kind, num_train_epochs=6)
    result = tune(config)
    lines = [json.loads(x) for x in log(config).splitlines()]
    losses = [x["loss"] for x in lines if "loss" in x]
    assert losses[-1] == result.loss < losses[0] - 0.3
    assert [x["step"] for x in lines if "loss" in x] == list(range(1, result.steps + 1))
    assert result.valid_loss == lines[-1]["valid_loss"] < losses[0]
    assert (result.rows, result.dropped, result.resumed_from) == (35, 0, 0)
    card = read_card(result.model)
    assert card is not None and (card.template, card.tasks, card.finetuning_type) == ("qwen", ("NER",), kind)
    assert Path(card.base_model) == Path(config.model_name_or_path).resolve()
    loaded = load_model(result.model)
    assert bool(loaded.adapter) == (kind == "lora")
    assert not list(Path(config.output_dir).rglob("*.bin")) and not list(Path(config.output_dir).rglob("*.pt"))


def test_an_adapter_can_be_loaded_by_peft_itself(config: TrainConfig) -> None:
    from peft import PeftConfig, PeftModel
    from transformers import AutoModelForCausalLM

    from iepile.models.vendor import quiet

    result = tune(config)
    ids = torch.tensor([[3, 50, 60, 70]])
    with quiet(), torch.no_grad():
        named = PeftConfig.from_pretrained(result.model).base_model_name_or_path
        theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(named), result.model).eval()
        assert torch.equal(theirs(ids).logits, load_model(result.model).model(ids).logits)


@pytest.mark.parametrize("kind", ["full", "lora"])
@pytest.mark.parametrize("death", [2, 5, 7])
def test_a_run_that_died_goes_on_exactly(config: TrainConfig, kind: str, death: int, tmp_path: Path) -> None:
    config = replace(config, finetuning_type=kind, logging_steps=2)
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole)
    with pytest.raises(Killed):
        tune(config, die_at(death))
    result = tune(config)
    assert result.resumed_from == death // 3 * 3
    assert log(config) == log(whole)
    name = "model.safetensors" if kind == "full" else "adapter_model.safetensors"
    assert (Path(result.model) / name).read_bytes() == (tmp_path / "whole/model" / name).read_bytes()


def test_a_death_while_a_checkpoint_is_written(config: TrainConfig, tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole)
    save, saved = Trainee.save_optimizer, []

    def dying(self: Trainee, folder: Path) -> None:
        saved.append(folder)
        if len(saved) == 2:
            raise Killed
        save(self, folder)

    with monkeypatch.context() as m:
        m.setattr(Trainee, "save_optimizer", dying)
        with pytest.raises(Killed):
            tune(config)
    assert tune(config).resumed_from == 3
    assert log(config) == log(whole)


@pytest.mark.parametrize("damage", ["cut", "flip", "no state", "gone"])
def test_a_damaged_newest_checkpoint_is_skipped(config: TrainConfig, damage: str, tmp_path: Path) -> None:
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole)
    with pytest.raises(Killed):
        tune(config, die_at(7))
    newest = Path(config.output_dir) / "checkpoint-6"
    weights = newest / "adapter_model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "flip":
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
    elif damage == "no state":
        (newest / "state.json").write_text('{"step": 6')
    else:
        (newest / "optimizer.safetensors").unlink()
    assert tune(config).resumed_from == 3
    assert log(config) == log(whole)


def test_a_torn_log_is_mended(config: TrainConfig, tmp_path: Path) -> None:
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole)
    with pytest.raises(Killed):
        tune(config, die_at(5))
    with (Path(config.output_dir) / "train_log.jsonl").open("a") as f:
        f.write('{"step": 5, "lo')
    tune(config)
    assert log(config) == log(whole)


def test_ctrl_c_writes_a_checkpoint_and_says_how_to_go_on(config: TrainConfig, tmp_path: Path) -> None:
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole)

    def press(done: int, total: int, note: float | str) -> None:
        if isinstance(note, float) and done == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(IepileError, match=r"stopped after step 4 of 8.*\n.*resume_from_checkpoint true"):
        tune(config, press)
    assert tune(replace(config, resume_from_checkpoint="true")).resumed_from == 4
    assert log(config) == log(whole)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["full", "lora"])
def test_kill_minus_nine(config: TrainConfig, kind: str, tmp_path: Path) -> None:
    config = replace(config, finetuning_type=kind, num_train_epochs=15, save_steps=5)
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole)
    code = f"from iepile.training.config import TrainConfig; from iepile.training.tune import tune; tune({config!r})"
    kills = 0
    for seconds in (0.15, 0.4):
        process = subprocess.Popen([sys.executable, "-c", code])
        path = Path(config.output_dir) / "train_log.jsonl"
        before = path.stat().st_mtime if path.exists() else 0.0
        while process.poll() is None and (not path.exists() or path.stat().st_mtime == before):
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert kills
    tune(config)
    assert log(config) == log(whole)


def test_a_folder_that_is_not_ours_is_left_alone(config: TrainConfig) -> None:
    folder = Path(config.output_dir)
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        tune(config)
    tune(replace(config, overwrite_output_dir=True, max_steps=1))
    assert (folder / "thesis.tex").read_text() == "mine"
    assert (folder / "model/adapter_model.safetensors").is_file()


def test_a_finished_run_is_not_run_again_unasked(config: TrainConfig) -> None:
    config = replace(config, max_steps=2)
    tune(config)
    before = log(config)
    with pytest.raises(InputError, match="finished"):
        tune(config)
    with pytest.raises(InputError, match="other settings or data: learning_rate"):
        tune(replace(config, learning_rate=1e-3))
    assert tune(replace(config, overwrite_output_dir=True)).resumed_from == 0
    assert log(config) == before


def test_other_data_under_the_same_name_is_noticed(config: TrainConfig, data: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copy(data, tmp_path / "mine.json"))
    config = replace(config, train_file=str(mine))
    with pytest.raises(Killed):
        tune(config, die_at(4))
    mine.write_text(mine.read_text("utf-8").replace("在此", "在彼"), encoding="utf-8")
    with pytest.raises(InputError, match="contents of train_file"):
        tune(config)


def test_a_checkpoint_can_be_named_and_used_as_a_model(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        tune(config, die_at(7))
    first = Path(config.output_dir) / "checkpoint-3"
    card = read_card(first)
    assert card is not None and card.template == "qwen" and load_model(first).adapter
    assert tune(replace(config, resume_from_checkpoint=str(first))).resumed_from == 3
    with pytest.raises(InputError, match="no run to resume"):
        tune(replace(config, resume_from_checkpoint="true", output_dir=str(tmp_path / "new")))


def test_an_adapter_is_trained_on(config: TrainConfig, tmp_path: Path) -> None:
    first = tune(config)
    second = tune(replace(config, checkpoint_dir=first.model, output_dir=str(tmp_path / "more"), template=""))
    card = read_card(second.model)
    assert card is not None and card.template == "qwen" and second.loss < first.loss
    with pytest.raises(InputError, match="weights are to be tuned"):
        tune(replace(config, model_name_or_path=first.model, finetuning_type="full",
                     output_dir=str(tmp_path / "full")))


def test_unfit_lora_layers_are_named(config: TrainConfig) -> None:
    with pytest.raises(InputError, match="LoRA cannot be put on") as e:
        tune(replace(config, lora_target_modules="W_pack"))
    assert "q_proj" in str(e.value)
    assert tune(replace(config, lora_target_modules="all-linear", max_steps=1, overwrite_output_dir=True)).steps == 1


@pytest.mark.parametrize("bad", [
    {"cutoff_len": 0}, {"learning_rate": float("nan")}, {"lora_dropout": 1.0}, {"num_train_epochs": 0},
    {"bf16": True, "fp16": True}, {"finetuning_type": "lorra"}, {"train_file": ""}, {"warmup_ratio": -1},
    {"finetuning_type": "full", "bits": 4}, {"layout": "packed", "finetuning_type": "p_tuning"},
    {"lr_scheduler_type": "exp"}, {"lora_alpha": 0},
])
def test_settings_that_make_no_sense(config: TrainConfig, bad: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        replace(config, **bad)


def test_every_setting_is_documented() -> None:
    import ast
    import inspect

    body = ast.parse(inspect.getsource(TrainConfig)).body[0].body  # type: ignore[attr-defined]
    for field, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant), ast.unparse(field.target)


@pytest.mark.parametrize("tokenizer", [byte_level_tokenizer(), sentencepiece_tokenizer()], ids=["bytes", "pieces"])
def test_the_loss_is_that_of_the_answer_alone_however_batched(tokenizer: Any, data: Path, tmp_path: Path) -> None:
    base = make_model(tmp_path / "m", tokenizer)
    trainee = start_trainee(TrainConfig(str(base), "x", "y", template="alpaca", finetuning_type="full"), None)
    rows = read_examples(data, trainee.chat, 1000).rows[:6]
    pad = tokenizer.eos_token_id
    together = trainee.measure(collate(rows, pad))
    alone = sum(trainee.measure(collate([r], pad)) for r in rows)
    by_hand = 0.0
    for r in rows:
        with torch.no_grad():
            ids, labels = torch.tensor([r.ids.tolist()]), torch.tensor([r.labels])
            mean = trainee.model(input_ids=ids, labels=labels, use_cache=False).loss
        by_hand += float(mean) * (len(r.ids) - r.prompt)
    assert together == pytest.approx(alone, rel=1e-5) == pytest.approx(by_hand, rel=1e-5)


def test_accumulated_batches_are_one_batch(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, val_set_size=0, max_steps=1, finetuning_type="full", max_grad_norm=0)
    weights = []
    for n, (rows, group) in enumerate([(40, 1), (10, 4)]):
        result = tune(replace(config, output_dir=str(tmp_path / str(n)), per_device_train_batch_size=rows,
                              gradient_accumulation_steps=group))
        lines = (tmp_path / str(n) / "train_log.jsonl").read_text().splitlines()
        weights.append((result.loss, json.loads(lines[0])["grad_norm"]))
    assert weights[0] == pytest.approx(weights[1], rel=1e-5)


@pytest.mark.parametrize("more", [
    {"bf16": True}, {"bf16": True, "finetuning_type": "full"}, {"gradient_checkpointing": True},
    {"gradient_checkpointing": True, "finetuning_type": "full"}, {"max_tokens_per_batch": 400},
    {"lr_scheduler_type": "constant", "weight_decay": 0.1, "eval_steps": 2},
])
def test_other_settings_train_too(config: TrainConfig, more: dict[str, Any], tmp_path: Path) -> None:
    config = replace(config, max_steps=4, **more)
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    losses = [json.loads(x)["loss"] for x in (tune(whole), log(whole))[1].splitlines() if '"loss"' in x]
    assert losses[-1] < losses[0]
    with pytest.raises(Killed):
        tune(config, die_at(4))
    assert tune(config).resumed_from == 3
    assert log(config) == log(whole)


def test_training_and_serving_ask_with_the_same_ids(config: TrainConfig, data: Path) -> None:
    result = tune(replace(config, max_steps=1))
    loaded = load_model(result.model, LoadOptions())
    assert loaded.card is not None
    serving = Chat(loaded.tokenizer, loaded.card.template, loaded.card.system)
    training = Chat(load_model(config.model_name_or_path).tokenizer, config.template)
    for row in map(json.loads, data.read_text("utf-8").splitlines()):
        example = training.prompt_ids(row["instruction"])
        assert serving.prompt_ids(row["instruction"]) == example
        assert serving.answer_ids(row["output"]) == training.answer_ids(row["output"])


def test_tuning_leaves_the_callers_randomness_alone(config: TrainConfig) -> None:
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    tune(replace(config, max_steps=1))
    assert torch.equal(torch.rand(3), want)


def test_schedules() -> None:
    assert [schedule(s, 10, 0.2, "linear") for s in (0, 1, 2, 6)] == [0.5, 1.0, 1.0, 0.5]
    assert schedule(9, 10, 0.0, "constant") == 1.0
    assert 0 < schedule(9, 10, 0.0, "cosine") < schedule(5, 10, 0.0, "cosine") < schedule(0, 10, 0.0, "cosine") == 1.0
