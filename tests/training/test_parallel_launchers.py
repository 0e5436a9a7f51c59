"""The launchers themselves start the command line, and one process prints."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from iepile.cli.main import main
from iepile.training.config import TrainConfig
from processes import free_port
from toy_tuning import losses, toy_config

TORCHRUN = ("-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "{port}", "-m")
DEEPSPEED = ("-m", "deepspeed.launcher.runner", "--num_gpus", "2", "--master_port", "{port}", "--module")


def launch(launcher: tuple[str, ...], config: TrainConfig, *more: str) -> subprocess.CompletedProcess[str]:
    flags = ("--model_name_or_path", config.model_name_or_path, "--train_file", config.train_file, "--template", "qwen",
             "--output_dir", config.output_dir, "--max_steps", "3", "--logging_steps", "1", *more)
    command = [sys.executable, *(a.format(port=free_port()) for a in launcher), "iepile", "train", *flags]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200,
                          env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"})


@pytest.mark.slow
def test_torchrun(tmp_path: Path) -> None:
    config = toy_config(tmp_path)
    done = launch(TORCHRUN, config)
    assert done.returncode == 0, done.stderr
    assert len(losses(config.output_dir)) == 3
    assert done.stdout.count("  steps ") == 1
    wrong = launch(TORCHRUN, config)
    assert wrong.returncode == 1
    assert [x for x in wrong.stderr.splitlines() if x.startswith("error: ")] == [
        f"error: {config.output_dir}: the folder holds this very run, finished"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("deepspeed") is None, reason="needs deepspeed")
def test_the_launcher_of_deepspeed_with_the_file_of_the_guide(tmp_path: Path) -> None:
    config = toy_config(tmp_path)
    done = launch(DEEPSPEED, config, "--deepspeed", "configs/ds_config_bf16.json", "--bf16")
    assert done.returncode == 0, done.stderr
    assert len(losses(config.output_dir)) == 3
    assert done.stdout.count("  steps ") == 1
    assert done.stderr.count("the shipped settings zero2 take its place") == 1


def test_what_the_launcher_of_deepspeed_puts_first_is_no_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--local_rank=0", "templates"]) == 0
    assert "qwen" in capsys.readouterr().out
