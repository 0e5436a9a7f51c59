"""Checkpoints: whole or not there, and a full disk harms nothing that was written before."""

from __future__ import annotations

import errno
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from iepile.errors import IepileError
from iepile.training.checkpoint import newest_checkpoint, read_state, write_checkpoint, write_folder
from iepile.training.tune import tune
from tiny_models import byte_level_tokenizer, make_model
from toy_tuning import outcome, toy_config


def save(text: str) -> Callable[[Path], None]:
    return lambda folder: Path(folder, "weights").write_text(text) and None


def test_the_newest_whole_one_is_found_and_old_ones_go(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        write_checkpoint(tmp_path, step, {"a": step}, save("x" * step), keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-2"]
    found = newest_checkpoint(tmp_path)
    assert found is not None and found[0].name == "checkpoint-10" and found[1]["a"] == 10
    (tmp_path / "checkpoint-10" / "weights").write_text("x" * 9)
    found = newest_checkpoint(tmp_path)
    assert found is not None and found[0].name == "checkpoint-2"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"),
                                   RuntimeError("I/O error: No space left on device (os error 28)")])
def test_a_disk_that_fills_up_while_writing(tmp_path: Path, error: Exception) -> None:
    write_checkpoint(tmp_path, 1, {}, save("x"), keep=1)

    def full(folder: Path) -> None:
        Path(folder, "half").write_text("x")
        raise error

    with pytest.raises(IepileError, match=r"checkpoint-2: the disk is full; what was written before is whole\n.*room"):
        write_checkpoint(tmp_path, 2, {}, full, keep=1)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-1"] and read_state(tmp_path / "checkpoint-1")


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        write_folder(tmp_path / "model", fail)


class Usage(NamedTuple):
    free: int


def test_room_is_looked_for_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(tmp_path, 1, {}, save("x" * 5000), keep=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(4000))
    with pytest.raises(IepileError, match=r"disk is full: a checkpoint takes 0.0 MB.*\n.*resume_from_checkpoint true"):
        write_checkpoint(tmp_path, 2, {}, save("never"), keep=1)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-1"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a disk of some size, or give the mounted one another size, where that is permitted."""
    mounted = tmp_path / "disk"
    mounted.mkdir()

    def mount(size: str) -> Path:
        again = ["remount,"] if mounted.is_mount() else [""]
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"{again[0]}size={size}", "tmpfs", str(mounted)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        return mounted

    yield mount
    subprocess.run(["umount", str(mounted)], capture_output=True, check=False)


def test_a_run_on_a_disk_that_is_too_small(tmp_path: Path, small_disk: Callable[[str], Path]) -> None:
    config = toy_config(tmp_path, finetuning_type="full", save_steps=1, save_total_limit=9, max_steps=4)
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole)
    size = sum(f.stat().st_size for f in (tmp_path / "whole/checkpoint-1").iterdir())
    config = replace(config, output_dir=str(small_disk(f"{int(2.6 * size)}") / "run"))
    with pytest.raises(IepileError, match="the disk is full"):
        tune(config)
    kept = sorted(Path(config.output_dir).glob("checkpoint-*"))
    assert [p.name for p in kept] == ["checkpoint-1", "checkpoint-2"] and all(map(read_state, kept))
    assert not list(Path(config.output_dir).glob(".checkpoint*"))
    small_disk(f"{20 * size}")
    assert tune(config).resumed_from == 2
    assert outcome(config.output_dir) == outcome(whole.output_dir)


def test_too_little_room_is_noticed_before_the_first_step(tmp_path: Path, small_disk: Callable[[str], Path]) -> None:
    make_model(tmp_path / "base", byte_level_tokenizer(), width=96)
    config = toy_config(tmp_path, finetuning_type="full", output_dir=str(small_disk("1500k") / "run"))
    with pytest.raises(IepileError, match=r"the disk is full: a checkpoint takes.*\n.*choose another output_dir"):
        tune(config)
    assert not list(Path(config.output_dir).glob("*.safetensors"))


@pytest.mark.slow
def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """Like a full disk, where none can be mounted: the system refuses to let a file grow."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] != 0
    config = toy_config(tmp_path, finetuning_type="full", save_steps=1)
    weights = (Path(config.model_name_or_path) / "model.safetensors").stat().st_size
    code = ("import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({weights // 2}, {weights // 2}))\n"
            "from iepile.cli.command import guarded; from iepile.training.config import TrainConfig\n"
            "from iepile.training.tune import tune\n"
            f"sys.exit(guarded(lambda: tune({config!r})))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "the disk is full" in done.stderr and "Traceback" not in done.stderr
    assert newest_checkpoint(Path(config.output_dir)) is None
    assert json.loads(Path(config.output_dir, "run.json").read_text())


def test_a_part_of_a_split_state_is_missed(tmp_path: Path) -> None:
    """A checkpoint that several processes wrote is whole only with all their parts."""
    def write(folder: Path) -> None:
        for n in (1, 2):
            Path(folder, f"optimizer-{n:05d}-of-00002.safetensors").write_text("x")

    path = write_checkpoint(tmp_path, 4, {}, write, keep=2)
    assert read_state(path) is not None
    (path / "optimizer-00002-of-00002.safetensors").unlink()
    assert read_state(path) is None and newest_checkpoint(tmp_path) is None


