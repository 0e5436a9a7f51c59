"""Two processes train as one does, resume exactly, fail as one, and stop as one (DDP)."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import IepileError, InputError
from iepile.models.load import load_model
from iepile.training.config import TrainConfig
from iepile.training.parallel import world as world_file
from iepile.training.parallel.world import World, open_world
from iepile.training.tune import tune
from processes import Act, Ended, free_port, run_processes
from toy_tuning import losses, outcome, toy_config

LAUNCHED = {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    return toy_config(tmp_path_factory.mktemp("ddp"))


@pytest.fixture(scope="module")
def whole(config: TrainConfig) -> TrainConfig:
    """A run of two processes that nothing befell."""
    config = replace(config, output_dir=str(Path(config.output_dir).with_name("whole")))
    assert run_processes(config, 2) == [Ended(0, "", "")] * 2
    return config


def test_two_processes_train_as_one(whole: TrainConfig, tmp_path: Path) -> None:
    alone = replace(whole, output_dir=str(tmp_path / "alone"), gradient_accumulation_steps=4)
    tune(alone)
    assert losses(alone.output_dir) == pytest.approx(losses(whole.output_dir), rel=1e-6)
    assert load_model(Path(whole.output_dir) / "model").adapter


def test_kill_minus_nine_of_one_ends_both_and_the_run_goes_on_exactly(whole: TrainConfig, tmp_path: Path) -> None:
    config = replace(whole, output_dir=str(tmp_path / "run"))
    living, killed = run_processes(config, 2, [Act("kill", step=5, rank=1)])
    assert killed.code == -9 and living.code == 1
    assert living.err.startswith("error: another process of the run was lost") and "Traceback" not in living.err
    copy = Path(shutil.copytree(config.output_dir, tmp_path / "copy"))
    assert [e.code for e in run_processes(config, 2)] == [0, 0]
    assert outcome(config.output_dir) == outcome(whole.output_dir)
    # One process takes up what two left off: the same steps, up to rounding.
    assert tune(replace(config, output_dir=str(copy))).resumed_from == 3
    assert losses(copy) == pytest.approx(losses(whole.output_dir), rel=1e-5)
    assert json.loads((copy / "run.json").read_text())["processes"] == 2


def test_an_error_of_one_process_is_told_once(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, output_dir=str(tmp_path / "run"))
    ended = run_processes(config, 2, [Act("fail", step=2, rank=1)], seconds=60)
    assert [e.code for e in ended] == [1, 1]
    assert [e.err for e in ended] == ["", "error: process 1 failed in step 2\n"]


def test_an_error_of_all_processes_is_told_once(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, output_dir=str(tmp_path / "run"), train_file=str(tmp_path / "none.json"))
    ended = run_processes(config, 2, seconds=60)
    assert [e.code for e in ended] == [2, 2]
    said = [e.err for e in ended if e.err]
    assert len(said) == 1 and "none.json" in said[0] and said[0].count("error:") == 1


def test_all_processes_stop_after_the_same_step(whole: TrainConfig, tmp_path: Path) -> None:
    config = replace(whole, output_dir=str(tmp_path / "run"))
    ended = run_processes(config, 2, [Act("term", step=4, rank=1)], seconds=60)
    assert [e.code for e in ended] == [1, 1]
    said = [e.err for e in ended if e.err]
    assert len(said) == 1 and "stopped after step 4 of 8; a checkpoint was written" in said[0]
    assert [e.code for e in run_processes(config, 2)] == [0, 0]
    assert outcome(config.output_dir) == outcome(whole.output_dir)


@pytest.mark.slow
@pytest.mark.parametrize("more", [
    {"layout": "packed", "max_row_tokens": 256}, {"layout": "branched", "text_first": True, "max_row_tokens": 512},
    {"streaming": True, "max_steps": 8, "val_set_size": 0}, {"fp16": True}, {"neft_alpha": 5.0, "bf16": True},
], ids=lambda more: next(iter(more)))
def test_other_ways_through_the_data_go_on_exactly(config: TrainConfig, more: dict[str, Any], tmp_path: Path) -> None:
    config = replace(config, output_dir=str(tmp_path / "run"), num_train_epochs=8, **more)
    other = replace(config, output_dir=str(tmp_path / "whole"))
    assert [e.err for e in run_processes(other, 2) if e.code] == []
    assert -9 in [e.code for e in run_processes(config, 2, [Act("kill", step=5, rank=1)])]
    assert [e.err for e in run_processes(config, 2) if e.code] == []
    assert outcome(config.output_dir) == outcome(other.output_dir)


@pytest.mark.slow
def test_three_processes_resume_exactly(config: TrainConfig, tmp_path: Path) -> None:
    """Sums of three numbers depend on their order, and so on where DDP puts a gradient."""
    config = replace(config, output_dir=str(tmp_path / "run"), finetuning_type="full", num_train_epochs=6)
    other = replace(config, output_dir=str(tmp_path / "whole"))
    assert [e.code for e in run_processes(other, 3)] == [0] * 3
    assert -9 in [e.code for e in run_processes(config, 3, [Act("kill", step=8, rank=2)])]
    assert [e.code for e in run_processes(config, 3)] == [0] * 3
    assert outcome(config.output_dir) == outcome(other.output_dir)


def test_a_process_that_never_comes_is_not_waited_for_forever(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(world_file, "MEETING", timedelta(seconds=1))
    for name, value in {**LAUNCHED, "MASTER_PORT": str(free_port())}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(IepileError, match="the 2 processes of the run did not find each other"), open_world(config):
        pass


def test_one_process_alone_is_a_world() -> None:
    world = World()
    assert world.main and world.sum([1.5, 2.0]) == [1.5, 2.0] and world.share({"a": 1}) == {"a": 1}
    with world.main_first():
        world.barrier()


def test_a_gpu_of_ones_own_cannot_be_chosen(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LAUNCHED.items():
        monkeypatch.setenv(name, value)
    config = replace(config, device="cuda:1")
    with pytest.raises(InputError, match="each process takes its own GPU"), open_world(config):
        pass
