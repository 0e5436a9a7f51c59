"""Train several compact networks at once, one process each, and join them into one model.

Each member is an ordinary run of its own seed in `member-K` of the output folder, with its own checkpoints, so what
is said of resuming a run holds for each of them. A member that is finished is not trained again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from iepile.errors import IepileError
from iepile.models.compact.example import Example
from iepile.models.compact.model import CompactModel, build
from iepile.training.compact import CompactFit, Progress, fit
from iepile.training.compact_calibration import fit_calibration
from iepile.training.compact_config import CompactTrainConfig
from iepile.training.compact_tuning import evaluate, tune_thresholds

FINISHED = "finished.json"
_LOOK = 0.5
"""Seconds between looks at the members."""


def fit_members(
    examples: Sequence[Example],
    dev_examples: Sequence[Example],
    config: CompactTrainConfig,
    output: Path,
    on_step: Progress | None = None,
) -> CompactFit:
    """`fit` for `config.model.members` networks; `losses.jsonl` has the mean loss of each step.

    Raises:
        IepileError: a member failed; its own message stands above on standard error.
    """
    began = time.monotonic()
    folders = [output / f"member-{k}" for k in range(config.model.members)]
    runs = [
        replace(config, seed=config.seed * 1000 + k, model=replace(config.model, members=1))
        for k in range(config.model.members)
    ]
    context = get_context("spawn")
    processes = [
        context.Process(target=_train, args=(list(examples), run, folder, os.getpid()), daemon=True)
        for run, folder in zip(runs, folders, strict=True)
    ]
    try:
        for p in processes:
            p.start()
        while any(p.is_alive() for p in processes):
            time.sleep(_LOOK)
            if on_step is not None:
                _tell(folders, on_step)
            if any(p.exitcode for p in processes):
                break
    finally:
        for p in processes:
            p.terminate()
            p.join()
    if any(not (folder / FINISHED).exists() for folder in folders):
        raise IepileError("a member of the model failed to train; the same command goes on from its checkpoints")
    return _join(dev_examples, config, output, folders, began)


def _train(examples: list[Example], config: CompactTrainConfig, folder: Path, parent: int) -> None:
    """In a process of its own: one member, unless it is finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its members
    folder.mkdir(parents=True, exist_ok=True)

    def stop_with_parent(step: int, total: int, loss: float) -> None:
        if os.getppid() != parent:
            os._exit(1)
        if step == 1 or step % 100 == 0 or step == total:
            (folder / "total").write_text(str(total), "utf-8")

    with (folder / "lock").open("w") as lock:
        # A parent that was killed leaves members which stop at their next step: wait for them.
        fcntl.flock(lock, fcntl.LOCK_EX)
        key = sha256(repr((config, examples)).encode("utf-8", "surrogatepass")).hexdigest()
        if _finished(folder).get("key") == key:
            return
        (folder / FINISHED).unlink(missing_ok=True)
        done = fit(examples, [], config, folder, stop_with_parent)
        about = {"key": key, "steps": done.steps, "left_out": done.left_out, "resumed_from": done.resumed_from}
        partial = folder / "finished.tmp"
        partial.write_text(json.dumps(about), "utf-8")
        partial.replace(folder / FINISHED)


def _finished(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / FINISHED).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _tell(folders: Sequence[Path], on_step: Progress) -> None:
    """Report the member that is behind."""
    with contextlib.suppress(OSError, ValueError, IndexError, KeyError):
        logs = [(f / "losses.jsonl").read_text("utf-8").splitlines() for f in folders]
        behind = min(logs, key=len)
        on_step(len(behind), int((folders[0] / "total").read_text("utf-8")), json.loads(behind[-1])["loss"])


def _join(
    dev_examples: Sequence[Example], config: CompactTrainConfig, output: Path, folders: Sequence[Path], began: float
) -> CompactFit:
    members = [CompactModel.load(f / "model") for f in folders]
    network = build(config.model)
    weights = [m.network.state_dict() for m in members]
    network.load_state_dict({f"members.{k}.{name}": w for k, part in enumerate(weights) for name, w in part.items()})
    network.eval()
    network.config = tune_thresholds(network, dev_examples)
    model = CompactModel(network, members[0].labels, fit_calibration(network, dev_examples))
    scores = evaluate(model, dev_examples)
    curves = [
        [json.loads(line)["loss"] for line in (f / "losses.jsonl").read_text("utf-8").splitlines()] for f in folders
    ]
    # Batches are cut by seed, so that one member may have a step or two more than another.
    steps = ([x for x in step if x is not None] for step in zip_longest(*curves))
    losses = tuple(sum(step) / len(step) for step in steps)
    lines = (json.dumps({"step": n, "loss": loss}) + "\n" for n, loss in enumerate(losses, 1))
    (output / "losses.jsonl").write_text("".join(lines), "utf-8")
    model.save(output / "model")
    about = _finished(folders[0])
    return CompactFit(
        output / "model", len(losses), time.monotonic() - began, losses, scores, about["left_out"],
        about["resumed_from"],
    )
