"""The best measurement of a run, and its weights in the folder `best`.

`best` holds what a model folder holds and `best.json`, which says what was measured. It appears whole or not at all,
and stays whatever becomes of checkpoints.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from iepile.training import checkpoint as folders
from iepile.training.parallel.world import World


@dataclass
class Best:
    """The best measurement so far, as a checkpoint keeps it."""

    metric: Literal["f1", "loss"]
    value: float | None = None
    step: int = 0
    waits: int = 0
    """Measurements since then."""

    def note(self, step: int, value: float) -> bool:
        """Whether a measurement is better than all before; one that is no number never is."""
        better = not math.isnan(value) and (
            self.value is None or (value > self.value if self.metric == "f1" else value < self.value))
        if better:
            self.value, self.step, self.waits = value, step, 0
        else:
            self.waits += 1
        return better


def keep_best(run: Path, best: Best, save: Callable[[Path], None], world: World) -> None:
    """Write the weights of the best measurement in place of those before.

    Args:
        run: folder of the run.
        save: writes a model into a folder; every process takes part.
    """

    def write(folder: Path) -> None:
        save(folder)
        if world.main:
            said = {"step": best.step, "metric": best.metric, "value": best.value}
            folders.write_json(folder / folders.BEST_FILE, said)

    folders.write_folder(run / folders.BEST, write, world)


def read_best(run: Path) -> Best | None:
    """What `best` holds; None where there is nothing of use.

    A run that died can have kept weights that its last checkpoint does not know of yet. Going on, it measures the same
    again and writes the same; only where it computes otherwise (other hardware, other threads) they stay as they are:
    they measured better than what the checkpoint knew, and `best.json` says what.
    """
    _mend(run)
    try:
        said = json.loads((run / folders.BEST / folders.BEST_FILE).read_text("utf-8"))
        return Best(said["metric"], float(said["value"]), int(said["step"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def copy_best(run: Path) -> Callable[[Path], None]:
    """Writes the weights of `best` into a folder, as the `save` of a model would."""

    def write(folder: Path) -> None:
        without = shutil.ignore_patterns(folders.BEST_FILE)
        shutil.copytree(run / folders.BEST, folder, dirs_exist_ok=True, ignore=without)

    return write


def _mend(run: Path) -> None:
    # Killed between two renames of `write_folder`: what was there before is still there under its other name.
    old = run / f".{folders.BEST}.old"
    if old.is_dir() and not (run / folders.BEST).exists():
        old.rename(run / folders.BEST)
