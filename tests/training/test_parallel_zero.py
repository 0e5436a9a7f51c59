"""DeepSpeed ZeRO: shipped settings, files of one's own, exact resume without pickles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.models.load import load_model
from iepile.training.config import TrainConfig
from iepile.training.parallel.zero_settings import GUIDE, SHIPPED, fill_zero_settings, read_zero_settings, zero_stage
from iepile.training.tune import tune
from processes import Act, run_processes
from toy_tuning import losses, outcome, toy_config

needs_deepspeed = pytest.mark.skipif(find_spec("deepspeed") is None, reason="needs deepspeed")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    return toy_config(tmp_path_factory.mktemp("zero"), deepspeed="zero2")


@needs_deepspeed
def test_zero_3_trains_as_one_process_and_goes_on_exactly(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, output_dir=str(tmp_path / "run"), deepspeed="zero3")
    whole, alone = (replace(config, output_dir=str(tmp_path / name)) for name in ("whole", "alone"))
    assert [e.err for e in run_processes(whole, 2) if e.code] == []
    tune(replace(alone, deepspeed="", gradient_accumulation_steps=4))
    assert losses(whole.output_dir) == pytest.approx(losses(alone.output_dir), rel=1e-5)
    assert -9 in [e.code for e in run_processes(config, 2, [Act("kill", step=5, rank=1)])]
    files = {p.name for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert {"zero-00001-of-00002.safetensors", "zero-00002-of-00002.safetensors"} <= files
    assert not [f for f in files if f.endswith((".pt", ".bin", ".pkl"))]
    other = run_processes(config, 1)
    assert other[0].code == 2 and "2 processes wrote this checkpoint, and there are 1 now" in other[0].err
    assert [e.err for e in run_processes(config, 2) if e.code] == []
    assert outcome(config.output_dir) == outcome(whole.output_dir)
    assert load_model(tmp_path / "run/model").adapter


@needs_deepspeed
@pytest.mark.slow
def test_what_deepspeed_refuses_is_told(config: TrainConfig, tmp_path: Path) -> None:
    """It does not take wrong keys of a file, and has no float16 on a processor."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"zero_optimization": {"stage": 2, "overlap": 1, "reduce_bucket_size": "much"}}))
    for more in ({"deepspeed": str(path)}, {"fp16": True}):
        refused = replace(config, output_dir=str(tmp_path / "run"), overwrite_output_dir=True, **more)
        ended, = run_processes(refused, 1)
        assert ended.code == 2 and "DeepSpeed does not take it" in ended.err and "Traceback" not in ended.err


@needs_deepspeed
@pytest.mark.slow
@pytest.mark.parametrize("more", [
    {"deepspeed": "zero2"}, {"deepspeed": "zero2", "finetuning_type": "full", "bf16": True},
    {"deepspeed": "zero2_offload", "finetuning_type": "full"}, {"deepspeed": "zero2", "finetuning_type": "p_tuning"},
    {"deepspeed": "zero3", "finetuning_type": "full", "bf16": True, "gradient_checkpointing": True},
    {"deepspeed": "zero3", "finetuning_type": "freeze", "num_layer_trainable": -1},
    {"deepspeed": "zero2", "finetuning_type": "p_tuning_v1", "optim": "adamw_bnb_8bit"},
    {"deepspeed": "zero3", "use_dora": True, "bf16": True},
    {"deepspeed": "zero3_offload", "finetuning_type": "full", "optim": "sgd", "learning_rate": 0.5},
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


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_settings_are_filled_in(config: TrainConfig, name: str) -> None:
    filled = fill_zero_settings(replace(config, deepspeed=name, bf16=True, max_grad_norm=0.5), 64)
    assert '"auto"' not in json.dumps(filled)
    assert filled["bf16"] == {"enabled": True} and filled["fp16"] == {"enabled": False}
    assert (filled["gradient_clipping"], filled["train_micro_batch_size_per_gpu"]) == (0.5, 5)
    assert filled["zero_optimization"]["stage"] == int(name[4])
    assert ("offload_optimizer" in filled["zero_optimization"]) == name.endswith("offload")


@pytest.mark.parametrize("name", ["configs/ds_config_bf16.json", *GUIDE])
def test_files_of_the_guides_have_stand_ins(
    config: TrainConfig, name: str, caplog: pytest.LogCaptureFixture,
) -> None:
    assert read_zero_settings(name)["zero_optimization"]["stage"] in (2, 3) and not caplog.text
    fill_zero_settings(replace(config, deepspeed=name), 64)
    assert f"there is no file {name}; the shipped settings zero" in caplog.text


def test_a_file_of_ones_own(config: TrainConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "ds_config_bf16.json"
    path.write_text(json.dumps({
        "zero_optimization": {"stage": 3, "reduce_bucket_size": "auto"}, "gradient_accumulation_steps": 2,
        "optimizer": {"type": "AdamW", "params": {"lr": "auto"}}, "bf16": {"enabled": "auto"},
    }))
    config = replace(config, deepspeed=str(path))
    filled = fill_zero_settings(config, 64)
    assert zero_stage(config) == 3 and filled["zero_optimization"]["reduce_bucket_size"] == 4096
    assert "optimizer" not in filled and not caplog.text


@pytest.mark.parametrize(("text", "said"), [
    ("{", "is not JSON"), ("[]", "stage is None"), ('{"zero_optimization": {"stage": 1}}', "stage is 1"),
    ('{"zero_optimization": {"stage": 3, "offload_param": {"device": "nvme"}}}', "cannot be put into a checkpoint"),
    ('{"zero_optimization": {"stage": 2}, "gradient_accumulation_steps": 8}', "gradient_accumulation_steps is 8"),
    ('{"zero_optimization": {"stage": 2}, "bf16": {"enabled": true}}', "bf16.enabled is True"),
    ('{"zero_optimization": {"stage": 2}, "dump_state": "auto"}', "fill in for dump_state"),
])
def test_files_that_cannot_be_used(config: TrainConfig, text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        fill_zero_settings(replace(config, deepspeed=str(path)), 64)


def test_a_file_that_is_not_there(config: TrainConfig) -> None:
    with pytest.raises(InputError, match="no such file") as e:
        zero_stage(replace(config, deepspeed="mine.json"))
    assert all(name in str(e.value) for name in SHIPPED)


@needs_deepspeed
def test_a_run_leaves_no_launchers_variable_behind(config: TrainConfig, tmp_path: Path) -> None:
    """Other libraries join processes where a launcher's variable is set."""
    code = ("import os, sys, json; from iepile import TrainConfig, tune\n"
            "tune(TrainConfig(**json.loads(sys.argv[1])))\n"
            "assert not [k for k in os.environ if 'RANK' in k], sorted(os.environ)")
    told = asdict(replace(config, output_dir=str(tmp_path / "run"), deepspeed="zero2", max_steps=1))
    free = {k: v for k, v in os.environ.items() if "RANK" not in k}
    done = subprocess.run([sys.executable, "-c", code, json.dumps(told)], capture_output=True, text=True, env=free)
    assert done.returncode == 0, done.stderr[-2000:]
