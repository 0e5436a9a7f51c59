"""The folder of a run: whether it may be used, whose run it holds, and where that run is to go on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from iepile.errors import InputError
from iepile.jsonl import check_folder, open_bytes
from iepile.models.adapters import MERGED
from iepile.training import checkpoint as folders
from iepile.training.config import TrainConfig, differences
from iepile.training.rows import data_files


def place_run(config: TrainConfig, about: dict[str, Any]) -> tuple[Path, dict[str, Any]] | None:
    """Make sure that `output_dir` may be written; the checkpoint to go on from, if any.

    Args:
        about: `settings` and `data` of this run, to compare with the run that the folder holds.

    Raises:
        InputError: the folder holds something else, or cannot be written.
    """
    folder = Path(config.output_dir)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file", file=folder, field="output_dir", expected="a folder")
    # A run that failed before its first step leaves no more than the base model it merged, which is then made again.
    used = folder.is_dir() and any(f.name != MERGED for f in folder.iterdir())
    asked = config.resume_from_checkpoint
    wants_resume = asked.lower() not in ("", "false")
    run = folder / folders.RUN
    if used and not run.is_file() and not config.overwrite_output_dir:
        raise InputError("the folder is not empty, and no training run of ours", file=folder, field="output_dir",
                         fix="choose another folder, or set overwrite_output_dir: other files in it stay")
    check_folder(folder)
    if config.overwrite_output_dir and not wants_resume:
        folders.clear_run(folder)
        return None
    if not run.is_file():
        if wants_resume:
            raise InputError("there is no run to resume", file=folder, field="resume_from_checkpoint")
        return None
    before = read_run(folder)
    changed = [name for part in ("settings", "data") for name in differences(before[part], about[part])]
    if changed:
        raise InputError(f"the folder holds a run with other settings or data: {', '.join(changed)}", file=folder,
                         field="output_dir", fix="choose another folder, or set overwrite_output_dir to begin anew")
    if (folder / folders.MODEL).is_dir():
        raise InputError("the folder holds this very run, finished", file=folder, field="output_dir",
                         fix="use the model in it, choose another folder, or set overwrite_output_dir")
    if wants_resume and asked.lower() != "true":
        state = folders.read_state(Path(asked))
        if state is None:
            raise InputError("is no whole checkpoint", file=asked, field="resume_from_checkpoint",
                             fix="name another one, or `true` for the newest whole one")
        return Path(asked), state
    return folders.newest_checkpoint(folder)


def read_run(folder: Path) -> dict[str, Any]:
    """What `run.json` says of the run that a folder holds.

    Raises:
        InputError: it cannot be read.
    """
    path = folder / folders.RUN
    try:
        run: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if all(isinstance(run[part], dict) for part in ("settings", "data")):
            return run
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise InputError("is damaged", file=path, fix="set overwrite_output_dir to begin anew")


def data_marks(config: TrainConfig) -> tuple[dict[str, str], int]:
    """SHA-256 of the data files, so that a run is not resumed on other data; and the lines of those trained on."""
    marks: dict[str, str] = {}
    lines = 0
    for field in ("train_file", "valid_file", "dev_file"):
        names = getattr(config, field)
        digests = []
        for path in data_files(names, field) if names else ():
            digest = hashlib.sha256()
            with open_bytes(path) as f:
                while block := f.read(1 << 20):
                    digest.update(block)
                    lines += block.count(b"\n") if field == "train_file" else 0
            digests.append(digest.hexdigest())
        if digests:
            marks[f"contents of {field}"] = " ".join(digests)
    return marks, lines
