"""Folders that appear whole or not at all, and the checkpoints and log of a tuning run. No pickle.

A checkpoint is a model folder (or adapter) that can be loaded like any other, with the state of the optimizer
(`optimizer.safetensors`) and of the run (`state.json`, which also knows size and checksum of every file).
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from iepile.jsonl import dumps

PREFIX = "checkpoint-"
LOG = "train_log.jsonl"
RUN = "run.json"
MODEL = "model"

logger = logging.getLogger(__name__)


def write_folder(path: Path, write: Callable[[Path], None]) -> None:
    """Make the folder `path` with what `write` puts into it: under another name first, then all at once."""
    partial, old = path.with_name(f".{path.name}.partial"), path.with_name(f".{path.name}.old")
    for left in (partial, old):
        shutil.rmtree(left, ignore_errors=True)
    partial.mkdir(parents=True)
    write(partial)
    for file in sorted(partial.rglob("*")):
        if file.is_file():
            with file.open("rb") as f:
                os.fsync(f.fileno())
    if path.exists():
        path.rename(old)
    partial.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def write_checkpoint(
    folder: Path, step: int, state: Mapping[str, Any], write: Callable[[Path], None], keep: int
) -> Path:
    """Write `checkpoint-STEP` and drop all but the newest `keep`."""

    def fill(partial: Path) -> None:
        write(partial)
        files = {str(f.relative_to(partial)): _fingerprint(f) for f in sorted(partial.rglob("*")) if f.is_file()}
        (partial / "state.json").write_text(dumps({"step": step, **state, "files": files}), encoding="utf-8")

    path = folder / f"{PREFIX}{step}"
    write_folder(path, fill)
    for old in _steps(folder)[:-keep]:
        shutil.rmtree(folder / f"{PREFIX}{old}", ignore_errors=True)
    return path


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
    patterns = (f"{PREFIX}*", f".{PREFIX}*", MODEL, f".{MODEL}.*")
    for path in sorted(p for pattern in patterns for p in folder.glob(pattern)):
        if path.is_dir():
            shutil.rmtree(path)
    for name in (LOG, RUN):
        (folder / name).unlink(missing_ok=True)


def cut_log(folder: Path, step: int) -> None:
    """Cut the log back to the lines of steps up to `step`; a torn last line goes too."""
    path = folder / LOG
    if not path.exists():
        return
    kept: list[str] = []
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            break
    partial = path.with_name(f".{LOG}.partial")
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
