"""Optimizers: what the settings name is what is used, and its state comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from iepile.training.config import TrainConfig
from iepile.training.optimizer import make_optimizer, restore_state, state_by_name
from iepile.training.settings.optimisation import OPTIMIZERS

CPU = torch.device("cpu")


@pytest.fixture
def config() -> TrainConfig:
    return TrainConfig("m", "t", "o", weight_decay=0.1)


def weights() -> dict[str, Any]:
    torch.manual_seed(0)
    return {"a.weight": torch.nn.Parameter(torch.randn(80, 80)), "a.bias": torch.nn.Parameter(torch.randn(80))}


def steps(optimizer: torch.optim.Optimizer, trained: dict[str, Any], seeds: range) -> None:
    for seed in seeds:
        torch.manual_seed(seed)
        for p in trained.values():
            p.grad = torch.randn_like(p)
        optimizer.step()


@pytest.mark.parametrize("optim", OPTIMIZERS)
def test_a_state_comes_back_exactly(config: TrainConfig, optim: str, tmp_path: Path) -> None:
    if "bnb" in optim or "8bit" in optim:
        pytest.importorskip("bitsandbytes")
    config = replace(config, optim=optim)
    whole, torn = weights(), weights()
    steps(make_optimizer(whole, config, CPU), whole, range(6))
    first = make_optimizer(torn, config, CPU)
    steps(first, torn, range(3))
    save_file(state_by_name(first, torn), tmp_path / "state.safetensors")
    second = make_optimizer(torn, config, CPU)
    restore_state(second, torn, load_file(tmp_path / "state.safetensors"))
    steps(second, torn, range(3, 6))
    for name in whole:
        assert torch.equal(whole[name], torn[name]), name


def test_eight_bit_states_are_eight_bits(config: TrainConfig) -> None:
    pytest.importorskip("bitsandbytes")
    trained = weights()
    optimizer = make_optimizer(trained, replace(config, optim="adamw_bnb_8bit"), CPU)
    steps(optimizer, trained, range(1))
    assert state_by_name(optimizer, trained)["a.weight|state1"].dtype == torch.uint8


def test_vectors_do_not_decay(config: TrainConfig) -> None:
    groups = make_optimizer(weights(), config, CPU).param_groups
    assert [(g["weight_decay"], [p.ndim for p in g["params"]]) for g in groups] == [(0.1, [2]), (0.0, [1])]
    assert all(g["lr"] == config.rate for g in groups)


def test_paging_without_a_gpu_is_told(config: TrainConfig, caplog: pytest.LogCaptureFixture) -> None:
    made = make_optimizer(weights(), replace(config, optim="paged_adamw_32bit"), CPU)
    assert type(made) is torch.optim.AdamW
    assert "paged_adamw_32bit pages from a GPU, and there is none; adamw_torch takes its place" in caplog.text
