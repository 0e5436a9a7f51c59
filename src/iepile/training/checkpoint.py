"""Folders that appear whole or not at all, and the checkpoints and log of a tuning run. No pickle.

A checkpoint is a model folder (or adapter) that can be loaded like any other, with the state of the optimizer
(`optimizer.safetensors`) and of the run (`state.json`, which also knows size and checksum of every file).
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from iepile.errors import IepileError
from iepile.jsonl import dumps
from iepile.models.adapters import MERGED
from iepile.models.card import FILE as CARD

PREFIX = "checkpoint-"
LOG = "train_log.jsonl"
SPEED = "speed.jsonl"
RUN = "run.json"
MODEL = "model"
BEST = "best"
BEST_FILE = "best.json"
"""What the weights in `best` measured."""
DRAWN = ("loss.html", "loss.png")
TENSORBOARD = "tensorboard"
WANDB = "wandb.id"
"""Under which name Weights & Biases knows the run."""
GO_ON = "make room, then run the same command again with resume_from_checkpoint true"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_SIGNS = ("no space left", "os error 28", "os error 122", "os error 27", "disk quota exceeded", "file too large")
"""How libraries that do not raise OSError say it."""

logger = logging.getLogger(__name__)


class Together(Protocol):
    """The processes that write a folder together; see `iepile.training.parallel.world`."""

    @property
    def main(self) -> bool: ...  # noqa: D102

    def barrier(self) -> None: ...  # noqa: D102


class _Alone:
    main = True

    def barrier(self) -> None:
        """Nobody to wait for."""


def write_folder(path: Path, write: Callable[[Path], None], world: Together | None = None) -> None:
    """Make the folder `path` with what `write` puts into it: under another name first, then all at once.

    Args:
        world: where several processes take part, each calls this and `write` does its part.

    Raises:
        IepileError: the disk is full; what was at `path` before is still there.
    """
    world = world or _Alone()
    partial, old = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.old")
    with full_disk(path, partial):
        if world.main:
            for left in (partial, old):
                shutil.rmtree(left, ignore_errors=True)
            partial.mkdir(parents=True)
        world.barrier()
        write(partial)
        for file in sorted(partial.rglob("*")):
            # Another process may rename its own just now.
            with suppress(FileNotFoundError, IsADirectoryError), file.open("rb") as f:
                os.fsync(f.fileno())
        world.barrier()
        if world.main:
            if path.exists():
                path.rename(old)
            partial.rename(path)
            shutil.rmtree(old, ignore_errors=True)
        world.barrier()


def write_checkpoint(folder: Path, step: int, state: Mapping[str, Any], write: Callable[[Path], None], keep: int,
                     world: Together | None = None) -> Path:
    """Write `checkpoint-STEP` and drop all but the newest `keep`.

    Raises:
        IepileError: the disk is full, or would be; earlier checkpoints are still there.
    """
    together = world or _Alone()
    path = folder / f"{PREFIX}{step}"

    def fill(partial: Path) -> None:
        write(partial)
        together.barrier()
        if together.main:
            files = {str(f.relative_to(partial)): _fingerprint(f) for f in sorted(partial.rglob("*")) if f.is_file()}
            (partial / "state.json").write_text(dumps({"step": step, **state, "files": files}), encoding="utf-8")

    if together.main and (before := _steps(folder)):
        last = folder / f"{PREFIX}{before[-1]}"
        check_room(folder, sum(f.stat().st_size for f in last.rglob("*") if f.is_file()))
    write_folder(path, fill, world)
    if together.main:
        for old in _steps(folder)[:-keep]:
            shutil.rmtree(folder / f"{PREFIX}{old}", ignore_errors=True)
    return path


def check_room(folder: Path, size: int) -> None:
    """Refuse to begin what will not fit.

    Args:
        size: bytes to be written.

    Raises:
        IepileError: there is less room on the disk.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        begun = newest_checkpoint(folder) is not None
        raise IepileError(
            f"{folder}: the disk is full: a checkpoint takes {size / 1e6:,.1f} MB, and {free / 1e6:,.1f} MB are free\n"
            f"  do:       {GO_ON if begun else 'make room, or choose another output_dir'}"
        )


@contextmanager
def full_disk(path: Path, partial: Path) -> Iterator[None]:
    """Tell a full disk as such, whichever library met it, and leave nothing half written."""
    try:
        yield
    except Exception as e:
        if getattr(e, "errno", None) in FULL or any(sign in str(e).lower() for sign in FULL_SIGNS):
            shutil.rmtree(partial, ignore_errors=True)
            raise IepileError(f"{path}: the disk is full; what was written before is whole\n"
                              f"  do:       {GO_ON}") from e
        raise


def read_state(checkpoint: Path) -> dict[str, Any] | None:
    """The state of a checkpoint; None when the checkpoint is not whole."""
    try:
        state: dict[str, Any] = json.loads((checkpoint / "state.json").read_text("utf-8"))
        whole = all(_fingerprint(checkpoint / name) == mark for name, mark in state["files"].items())
        return state if whole and state["step"] >= 0 else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def newest_checkpoint(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """The newest whole checkpoint of a run; damaged ones are skipped with a warning."""
    for step in reversed(_steps(folder)):
        path = folder / f"{PREFIX}{step}"
        if (state := read_state(path)) is not None:
            return path, state
        logger.warning("%s is damaged and is skipped", path)
    return None


def clear_run(folder: Path) -> None:
    """Remove what a run of ours left in `folder`, and nothing else."""
    patterns = (f"{PREFIX}*", f".{PREFIX}*", MODEL, f".{MODEL}.*", f".{BEST}.*", f".{MERGED}.*")
    for path in sorted(p for pattern in patterns for p in folder.glob(pattern)):
        if path.is_dir():
            shutil.rmtree(path)
    # These are names that others use as well: what does not hold a file of ours is not ours.
    if (folder / BEST / BEST_FILE).is_file():
        shutil.rmtree(folder / BEST)
    if (folder / MERGED / CARD).is_file():
        shutil.rmtree(folder / MERGED)
    for events in (folder / TENSORBOARD).glob("events.out.tfevents.*"):
        events.unlink()
    for name in (LOG, SPEED, RUN, WANDB, *DRAWN):
        (folder / name).unlink(missing_ok=True)


def cut_log(folder: Path, step: int, name: str = LOG) -> None:
    """Cut a log back to the lines of steps up to `step`; a torn last line goes too."""
    path = folder / name
    if not path.exists():
        return
    kept: list[str] = []
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            break
    partial = path.with_name(f".{name}.partial")
    partial.write_text("".join(kept), encoding="utf-8")
    partial.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write a small JSON file at once."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(dumps(value) + "\n", encoding="utf-8")
    partial.replace(path)


def _steps(folder: Path) -> list[int]:
    names = [p.name.removeprefix(PREFIX) for p in folder.glob(f"{PREFIX}*") if p.is_dir()]
    return sorted(int(n) for n in names if n.isdigit())


def _fingerprint(file: Path) -> list[int]:
    """Size in bytes and CRC-32."""
    crc = size = 0
    with file.open("rb") as f:
        while block := f.read(1 << 20):
            crc, size = zlib.crc32(block, crc), size + len(block)
    return [size, crc]
