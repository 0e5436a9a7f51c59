"""What a run needs is told before anything is loaded or written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iepile.errors import InputError
from iepile.models import memory
from iepile.training.config import TrainConfig
from iepile.training.enough import check_machine
from iepile.training.tune import tune
from tiny_models import byte_level_tokenizer, make_model


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    folder = tmp_path_factory.mktemp("base")
    make_model(folder / "tiny", byte_level_tokenizer())
    return TrainConfig(str(folder / "tiny"), str(folder / "rows.json"), str(folder / "run"), device="cpu")


def test_a_run_that_cannot_fit_is_refused(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    size = memory.model_size(config.model_name_or_path)
    # Room for the weights alone: LoRA may fit, all weights with both moments of Adam and gradients do not.
    monkeypatch.setattr(memory, "free_memory", lambda device: 2 * 4 * size.parameters)
    check_machine(replace(config, finetuning_type="lora"))
    with pytest.raises(InputError, match="full tuning of this model needs about") as e:
        check_machine(replace(config, finetuning_type="full"))
    assert "gradient_checkpointing" in str(e.value)
    # Split over processes, each needs a part.
    check_machine(replace(config, finetuning_type="full", deepspeed="zero3"))


def test_it_is_told_before_anything_is_written(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(config.train_file).write_text('{"instruction": "q", "output": "a"}\n', "utf-8")
    monkeypatch.setattr(memory, "free_memory", lambda device: 1000)
    with pytest.raises(InputError, match="needs about"):
        tune(config)
    assert not any(Path(config.output_dir).iterdir())


def test_a_batch_that_does_not_fit_says_what_to_lower() -> None:
    torch = pytest.importorskip("torch")
    from iepile.errors import IepileError
    from iepile.training.enough import enough_memory

    with pytest.raises(IepileError, match="lower per_device_train_batch_size"), enough_memory():
        raise torch.OutOfMemoryError("CUDA out of memory")
