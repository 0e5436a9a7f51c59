"""The model in training: precision, loss scaling, checkpointing, and what is synchronised when."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed

from iepile.errors import IepileError
from iepile.training.config import TrainConfig
from iepile.training.data import read_examples
from iepile.training.layouts.padded import collate
from iepile.training.parallel.ddp import DataParallel
from iepile.training.parallel.loss_scale import PATIENCE, LossScale
from iepile.training.parallel.world import World
from iepile.training.start import start_trainee
from iepile.training.trainee import Trainee, Turn
from toy_tuning import toy_config


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    return toy_config(tmp_path_factory.mktemp("trainee"), device="cpu")


def turns(trainee: Trainee, config: TrainConfig, n: int = 2) -> list[Turn]:
    rows = read_examples(config.train_file, trainee.chat, 1000).rows
    pad = trainee.tokenizer.pad_token_id
    return [Turn(collate(list(rows[4 * i : 4 * i + 4]), pad), i) for i in range(n)]


def taken(config: TrainConfig, n: int = 3) -> tuple[Trainee, list[float]]:
    trainee = start_trainee(config, None)
    made = turns(trainee, config)
    tokens = sum(t.batch.targets for t in made)
    return trainee, [trainee.step(made, tokens, 1e-2) / tokens for _ in range(n)]


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_checkpointing_changes_nothing_that_is_learned(config: TrainConfig, kind: str) -> None:
    config = replace(config, finetuning_type=kind)
    plain, sparing = (taken(replace(config, gradient_checkpointing=on)) for on in (False, True))
    assert sparing[1] == pytest.approx(plain[1], rel=1e-5) and sparing[1][-1] < sparing[1][0]
    assert sparing[0].grad_norm == pytest.approx(plain[0].grad_norm, rel=1e-4) and plain[0].grad_norm > 0


@pytest.mark.parametrize("half", ["bf16", "fp16"])
def test_what_is_trained_is_kept_in_fp32(config: TrainConfig, half: str) -> None:
    trainee, losses = taken(replace(config, **{half: True}))
    dtypes = {p.requires_grad: p.dtype for p in trainee.model.parameters()}
    assert dtypes == {True: torch.float32, False: torch.bfloat16 if half == "bf16" else torch.float16}
    exact = taken(config)[1]
    assert losses == pytest.approx(exact, rel=0.02) and losses[-1] < losses[0]


def test_an_overflow_is_left_out_and_the_scale_halved(config: TrainConfig) -> None:
    trainee = start_trainee(replace(config, fp16=True, finetuning_type="full"), None)
    made = turns(trainee, config)
    before = [p.detach().clone() for p in trainee.model.parameters()]
    trainee.strategy.scale.value = 1e38
    trainee.step(made, 1, 1e-2)
    assert math.isinf(trainee.grad_norm) or math.isnan(trainee.grad_norm)
    assert all(torch.equal(a, b) for a, b in zip(before, trainee.model.parameters(), strict=True))
    assert trainee.scaler_state() == {"value": 5e37, "good": 0}


def test_the_scale_grows_while_all_goes_well() -> None:
    scale = LossScale(True)
    scale.restore({"value": 8.0, "good": PATIENCE - 1})
    assert scale.accept(1.0) and scale.state() == {"value": 16.0, "good": 0}
    assert not scale.accept(math.nan) and scale.value == 8.0
    assert LossScale(False).accept(math.inf) and LossScale(False).state() == {}


def test_gradients_that_are_no_numbers_end_the_run(config: TrainConfig) -> None:
    trainee = start_trainee(config, None)
    made = turns(trainee, config)
    with torch.no_grad():
        next(iter(trainee.strategy.trained.values())).fill_(math.nan)
    with pytest.raises(IepileError, match=r"the gradients became nan\n.*lower learning_rate"):
        trainee.step(made, 1, 1e-2)


def test_gradients_are_bounded(config: TrainConfig) -> None:
    config = replace(config, optim="sgd", max_grad_norm=0.01, finetuning_type="full")
    trainee = start_trainee(config, None)
    before = [p.detach().clone() for p in trainee.model.parameters()]
    made = turns(trainee, config)
    trainee.step(made, sum(t.batch.targets for t in made), 1.0)
    after = trainee.model.parameters()
    moved = torch.cat([(a - b.detach()).flatten() for a, b in zip(before, after, strict=True)]).norm()
    assert trainee.grad_norm > 0.1 and float(moved) == pytest.approx(0.01, rel=1e-3)


def test_a_batch_that_only_keeps_up_counts_nothing(config: TrainConfig) -> None:
    weights = []
    for extra in (False, True):
        trainee = start_trainee(replace(config, finetuning_type="full", lora_dropout=0.0), None)
        made = turns(trainee, config, 3)
        given = [*made[:2], replace(made[2], counts=False)] if extra else made[:2]
        loss = trainee.step(given, sum(t.batch.targets for t in made[:2]), 1e-2)
        weights.append((loss, torch.cat([p.detach().flatten() for p in trainee.model.parameters()])))
    assert weights[0][0] == weights[1][0] and torch.equal(weights[0][1], weights[1][1])


@pytest.fixture
def group() -> Any:
    joined = distributed.is_initialized()  # DeepSpeed, once used in a process, keeps its group to the end
    if not joined:
        distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    if not joined:
        distributed.destroy_process_group()


def test_gradients_travel_once_a_step(config: TrainConfig, group: None) -> None:
    trainee = start_trainee(config, None)
    trainee.strategy = DataParallel(trainee.model, config, World())
    sent: list[int] = []

    def count(state, bucket):  # type: ignore[no-untyped-def]  # torch compares annotations as objects
        sent.append(bucket.index())
        done = torch.futures.Future()
        done.set_result(bucket.buffer())
        return done

    trainee.strategy.called.register_comm_hook(None, count)
    made = turns(trainee, config, 3)
    trainee.step(made, 1, 1e-2)  # the first step lays out the buckets before
    sent.clear()
    trainee.step(made, 1, 1e-2)
    assert sent and len(sent) == len(set(sent))


def test_a_checkpoint_says_nothing_of_where_it_was_written(config: TrainConfig, tmp_path: Path) -> None:
    trainee, _ = taken(config, 1)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        trainee.save_optimizer(tmp_path / name)
    files = [(tmp_path / name / "optimizer.safetensors").read_bytes() for name in ("a", "b")]
    assert files[0] == files[1]
