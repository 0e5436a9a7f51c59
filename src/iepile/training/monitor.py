"""What a run measures on its way: the log, the validation loss, and what of it a checkpoint must remember."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from iepile.jsonl import dumps
from iepile.training import checkpoint as folders
from iepile.training.config import TrainConfig


@dataclass
class _Counts:
    """What a resumed run must know."""

    loss: float = math.nan
    pending: float = 0.0
    """Sum of the losses of answer tokens since the last line of the log."""
    pending_tokens: int = 0
    valid_loss: float | None = None


class Monitor:
    """Writes `train_log.jsonl`, a line every `logging_steps` and one for each measurement."""

    def __init__(self, config: TrainConfig, folder: Path, total: int) -> None:
        self.config, self.folder, self.total = config, folder, total
        self._counts = _Counts()
        self._log: Any = None

    @property
    def loss(self) -> float:
        """Mean loss per answer token of the last line of the log."""
        return self._counts.loss

    @property
    def valid_loss(self) -> float | None:
        """The last validation loss."""
        return self._counts.valid_loss

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, as JSON."""
        return asdict(self._counts)

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        self._counts = _Counts(**state)

    @contextmanager
    def writing(self, step: int) -> Iterator[None]:
        """Open the log, cut back to `step`."""
        folders.cut_log(self.folder, step)
        with (self.folder / folders.LOG).open("a", encoding="utf-8") as self._log:
            yield

    def after_step(self, step: int, epoch: float, loss: float, tokens: int, rate: float, grad_norm: float) -> None:
        """Note a step, counted from 1: sum of the losses of its answer tokens, and their number."""
        c = self._counts
        c.pending += loss
        c.pending_tokens += tokens
        if step == self.total or step % self.config.logging_steps == 0:
            c.loss = c.pending / c.pending_tokens
            c.pending, c.pending_tokens = 0.0, 0
            self._write({"step": step, "epoch": round(epoch, 4), "loss": c.loss, "learning_rate": rate,
                         "grad_norm": grad_norm})

    def measure_due(self, step: int, share: float) -> bool:
        """Whether to measure after this step; `share` is the part of the epoch that is done."""
        c = self.config
        if step == self.total:
            return True
        if c.eval_steps:
            return step % c.eval_steps == 0
        return c.evaluation_strategy == "epoch" and share == 1.0

    def measured(self, step: int, *, valid_loss: float) -> None:
        """Note a measurement."""
        self._counts.valid_loss = valid_loss
        self._write({"step": step, "valid_loss": valid_loss})

    def _write(self, line: dict[str, Any]) -> None:
        self._log.write(dumps(line) + "\n")
        self._log.flush()
