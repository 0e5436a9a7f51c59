"""Trackers outside: TensorBoard and Weights & Biases, only those that were asked for. None is imported otherwise.

TensorBoard reads the folder `tensorboard` of the run. Weights & Biases is set up by its own environment
(`WANDB_PROJECT`, `WANDB_MODE=offline`, ...); a resumed run goes on in the same record.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from iepile.errors import MissingDependency
from iepile.training import checkpoint as folders

PROJECT = "iepile"


class _Tracker(Protocol):
    def log(self, step: int, figures: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class Trackers:
    """Sends figures to trackers.

    Raises:
        MissingDependency: a tracker is not installed.
    """

    def __init__(self, names: Sequence[str]) -> None:
        for name in names:
            found = find_spec(name)
            # Runs of wandb leave a folder of its name, which looks like a package to whoever stands beside it.
            if found is None or found.origin is None:
                raise MissingDependency(name, "trackers", f"report_to {name}")
        self.names = tuple(names)
        self._open: list[_Tracker] = []

    @contextmanager
    def open(self, folder: Path, settings: Mapping[str, Any], step: int) -> Iterator[None]:
        """Open them.

        Args:
            folder: of the run.
            settings: told to trackers that keep settings.
            step: figures of later steps, from a run that was killed, are void.
        """
        with ExitStack() as stack:
            for name in self.names:
                made = _TensorBoard(folder, step) if name == "tensorboard" else _Wandb(folder, settings)
                stack.callback(made.close)
                self._open.append(made)
            stack.callback(self._open.clear)
            yield

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Send figures of a step."""
        for tracker in self._open:
            tracker.log(step, figures)


class _TensorBoard:
    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # Its readers then drop what a killed run wrote of steps from here on.
        self._writer: Any = SummaryWriter(str(folder / folders.TENSORBOARD), purge_step=step + 1)

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _Wandb:
    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        import wandb

        known = folder / folders.WANDB
        run_id = known.read_text("utf-8").strip() if known.is_file() else None
        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT), name=os.environ.get("WANDB_NAME", folder.name),
            dir=str(folder), config=dict(settings), id=run_id, resume="allow",
        )
        known.write_text(f"{self._run.id}\n", encoding="utf-8")

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        self._run.log(dict(figures), step=step)

    def close(self) -> None:
        self._run.finish()
