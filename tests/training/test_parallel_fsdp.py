"""FSDP2: split weights train as whole ones do, are saved whole, and are resumed exactly or by fewer processes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from iepile.errors import InputError
from iepile.models.load import load_model
from iepile.training.config import TrainConfig
from iepile.training.parallel.fsdp import blocks_of, rows_of
from iepile.training.parallel.strategy import load_settings
from iepile.training.tune import tune
from processes import Act, run_processes
from tiny_models import byte_level_tokenizer, tiny_llama
from toy_tuning import losses, outcome, toy_config


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    return toy_config(tmp_path_factory.mktemp("fsdp"), fsdp=True)


def test_split_weights_train_as_whole_ones_and_any_number_of_processes_goes_on(
    config: TrainConfig, tmp_path: Path,
) -> None:
    config = replace(config, output_dir=str(tmp_path / "run"), finetuning_type="full")
    alone = replace(config, output_dir=str(tmp_path / "alone"), gradient_accumulation_steps=4, fsdp=False)
    tune(alone)
    assert -9 in [e.code for e in run_processes(config, 2, [Act("kill", step=5, rank=1)])]
    parts = sorted(p.name for p in (tmp_path / "run/checkpoint-3").glob("optimizer*"))
    assert parts == ["optimizer-00001-of-00002.safetensors", "optimizer-00002-of-00002.safetensors"]
    assert tune(config).resumed_from == 3  # by one process
    assert losses(config.output_dir) == pytest.approx(losses(alone.output_dir), rel=1e-4)
    mine, theirs = (load_model(tmp_path / name / "model").model.state_dict() for name in ("run", "alone"))
    assert all(torch.allclose(mine[k], theirs[k], atol=1e-3) for k in theirs)


@pytest.mark.slow
@pytest.mark.parametrize("more", [
    {"finetuning_type": "full", "bf16": True}, {"bf16": True, "gradient_checkpointing": True}, {"use_dora": True},
    {"init_lora_weights": "pissa"}, {"additional_target": "lm_head"},
    {"finetuning_type": "freeze", "num_layer_trainable": 1},
    {"finetuning_type": "full", "optim": "sgd", "learning_rate": 0.5},
    {"finetuning_type": "full", "optim": "adamw_torch_fused"},
], ids=lambda more: " ".join(map(str, more.values())))
def test_a_killed_run_goes_on_exactly(config: TrainConfig, more: dict[str, Any], tmp_path: Path) -> None:
    config = replace(config, output_dir=str(tmp_path / "run"), num_train_epochs=3, **more)
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    assert [e.err for e in run_processes(whole, 2) if e.code] == []
    assert -9 in [e.code for e in run_processes(config, 2, [Act("kill", step=5, rank=0)])]
    assert [e.err for e in run_processes(config, 2) if e.code] == []
    assert outcome(config.output_dir) == outcome(whole.output_dir)
    assert losses(config.output_dir)[-1] < losses(config.output_dir)[0]
    assert load_model(tmp_path / "run/model").model is not None


def test_rows_are_split_as_torch_splits_them() -> None:
    for rows in (1, 2, 5, 8, 9):
        for size in (1, 2, 3, 4):
            chunks = [c.tolist() for c in torch.arange(rows).chunk(size)]
            mine = [list(rows_of(rows, rank, size)) for rank in range(size)]
            assert mine == chunks + [[]] * (size - len(chunks))


def test_blocks_are_found() -> None:
    model = tiny_llama(byte_level_tokenizer())
    assert blocks_of(model) == list(model.model.layers)[::-1]
    model._no_split_modules = None
    assert set(blocks_of(model)) >= set(model.model.layers)


def test_vectors_before_the_prompt_are_not_split(config: TrainConfig) -> None:
    with pytest.raises(InputError, match="outside of the blocks"):
        load_settings(replace(config, finetuning_type="p_tuning"))
