"""What a run measures on its way: the log, the speed, the validation loss, the dev F1, and which weights are best.

`train_log.jsonl` follows from data, settings and seed alone: a resumed run writes the same bytes. What the clock says
goes to `speed.jsonl`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

from iepile.jsonl import dumps
from iepile.training import best as best_weights
from iepile.training import checkpoint as folders
from iepile.training.best import Best
from iepile.training.config import TrainConfig
from iepile.training.measurement import DevScore, Verdict
from iepile.training.parallel.world import World
from iepile.training.speed import Loss, Speed
from iepile.training.trackers import Trackers
from iepile.training.validation import ValidationLoss


@dataclass
class _Counts:
    """What a resumed run must know."""

    loss: float = math.nan
    pending: float = 0.0
    """Sum of the losses of answer tokens since the last line of the log."""
    pending_tokens: int = 0
    valid_loss: float | None = None
    dev_f1: float | None = None
    stopped: bool = False


class Monitor:
    """Writes `train_log.jsonl`, a line every `logging_steps` and one for each measurement, and all that hangs on it.

    In a run of several processes each has a monitor, and all come to the same verdicts; `main` alone writes.
    """

    def __init__(self, config: TrainConfig, folder: Path, total: int, main: bool = True) -> None:
        """
        Args:
            total: steps of the whole run.
            main: whether this process writes.

        Raises:
            MissingDependency: what is to be drawn or reported needs a library that is not installed.
        """
        self.config, self.folder, self.total, self.main = config, folder, total, main
        self._counts = _Counts()
        self._best = Best(_metric(config))
        self._speed = Speed(total)
        self._trackers = Trackers(config.trackers if main else ())
        self._plots = config.plot_loss and main
        if self._plots:
            from iepile.training.plot import check_plotting

            check_plotting()
        self._log: IO[str] | None = None
        self._speed_log: IO[str] | None = None

    @property
    def loss(self) -> float:
        """Mean loss per answer token of the last line of the log."""
        return self._counts.loss

    @property
    def valid_loss(self) -> float | None:
        """The last validation loss."""
        return self._counts.valid_loss

    @property
    def dev_f1(self) -> float | None:
        """The last dev F1, in percent."""
        return self._counts.dev_f1

    @property
    def stopped(self) -> bool:
        """Whether the run was ended early: no further step is to be taken, even after a resume."""
        return self._counts.stopped

    @property
    def best(self) -> Best | None:
        """The best measurement; where weights are kept, the one they are of."""
        kept = best_weights.read_best(self.folder) if self.keeps_best else None
        return kept or (self._best if self._best.value is not None else None)

    @property
    def keeps_best(self) -> bool:
        """Whether the weights of the best measurement are kept: where somebody asked what is best."""
        c = self.config
        return bool(c.dev_file or c.load_best_model_at_end or c.early_stopping_patience)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, as JSON."""
        return {**asdict(self._counts), "best": asdict(self._best)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        counts = dict(state)
        self._best = Best(**counts.pop("best"))
        self._counts = _Counts(**counts)

    @contextmanager
    def writing(self, step: int) -> Iterator[None]:
        """Open the logs, cut back to `step`, and the trackers."""
        if not self.main:
            yield
            return
        with ExitStack() as stack:
            for name in (folders.LOG, folders.SPEED):
                folders.cut_log(self.folder, step, name)
            self._log = stack.enter_context((self.folder / folders.LOG).open("a", encoding="utf-8"))
            self._speed_log = stack.enter_context((self.folder / folders.SPEED).open("a", encoding="utf-8"))
            stack.enter_context(self._trackers.open(self.folder, self.config.identity(), step))
            stack.callback(self.draw, image=True)
            self._speed = Speed(self.total)  # loading and reading are no training
            yield

    def pause(self) -> Any:
        """A context: what is done inside counts as no training (checkpoints, measurements)."""
        return self._speed.pause()

    def after_step(self, step: int, epoch: float, loss: float, tokens: int, rate: float, grad_norm: float, *,
                   used: int = 0) -> Loss:
        """Note a step, counted from 1.

        Args:
            loss: sum of the losses of its answer tokens, over all processes.
            tokens: number of these.
            used: tokens that went through the model, padding not counted.

        Returns:
            The mean loss of the step, for whoever watches; it knows the speed.
        """
        c = self._counts
        c.pending += loss
        c.pending_tokens += tokens
        self._speed.step(step, used, tokens)
        figures = self._speed.figures()
        if step == self.total or step % self.config.logging_steps == 0:
            self._write_pending({"step": step, "epoch": round(epoch, 4), "learning_rate": rate, "grad_norm": grad_norm})
            speed = {"step": step, **asdict(figures)}
            _write(self._speed_log, speed)
            self._trackers.log(step, {f"speed/{k}": v for k, v in speed.items() if k != "step"})
        return Loss(loss / tokens, figures)

    def measure_due(self, step: int, share: float) -> bool:
        """Whether to measure after this step; `share` is the part of the epoch that is done."""
        c = self.config
        if step == self.total:
            return True
        if c.eval_steps:
            return step % c.eval_steps == 0
        return c.evaluation_strategy == "epoch" and share == 1.0

    def measured(self, step: int, *, valid_loss: ValidationLoss | float | None = None, dev: DevScore | None = None,
                 ) -> Verdict:
        """Note a measurement; says whether it is the best, and whether the run is to end."""
        c = self._counts
        line: dict[str, Any] = {"step": step}
        if valid_loss is not None:
            valid = valid_loss if isinstance(valid_loss, ValidationLoss) else ValidationLoss(valid_loss)
            c.valid_loss = line["valid_loss"] = valid.total
            if valid.parts:
                line["valid_losses"] = valid.parts
        if dev is not None:
            c.dev_f1 = dev.f1
            line |= {"dev_f1": dev.f1, "dev": dict(dev.tasks), "dev_counts": dict(dev.groups), "dev_rows": dev.rows,
                     "dev_failed": dev.failed, "dev_cut": dev.cut, "protocol": dev.protocol}
        value = c.dev_f1 if self._best.metric == "f1" else c.valid_loss
        measured = dev if self._best.metric == "f1" else valid_loss
        improved = False
        if measured is not None and value is not None:
            improved = self._best.note(step, value)
            line["best"] = improved
        patience = self.config.early_stopping_patience
        c.stopped = bool(patience) and self._best.waits >= patience
        if c.stopped:
            if c.pending_tokens:  # steps since the last line, of which none will follow
                self._write_pending({"step": step})
            line["stopped"] = f"{self._best.waits} measurements without a better {self._best.metric}"
        _write(self._log, line)
        self._trackers.log(step, _flat(line))
        self.draw()
        return Verdict(improved, c.stopped)

    def keep_best(self, save: Callable[[Path], None], world: World | None = None) -> None:
        """Keep the weights of a measurement that improved, if any are kept. Every process calls it.

        Args:
            save: writes the model into a folder.
        """
        if self.keeps_best:
            with self.pause():
                best_weights.keep_best(self.folder, self._best, save, world or World())

    def final_weights(self, save: Callable[[Path], None], world: World | None = None) -> Callable[[Path], None]:
        """What writes the final model: `save`, or the best weights where these were asked for and are there."""
        found = self.main and self.config.load_best_model_at_end and best_weights.read_best(self.folder) is not None
        if (world or World()).share(found):
            return best_weights.copy_best(self.folder) if self.main else lambda folder: None
        return save

    def draw(self, image: bool = False) -> None:
        """Draw the page of the run, where it is wanted; the picture as well, which takes longer."""
        if self._plots:
            from iepile.training.plot import draw_run

            draw_run(self.folder, image)

    def _write_pending(self, more: Mapping[str, Any]) -> None:
        c = self._counts
        c.loss = c.pending / c.pending_tokens
        c.pending, c.pending_tokens = 0.0, 0
        line = {"step": more["step"], "loss": c.loss, **more}
        _write(self._log, line)
        self._trackers.log(line["step"], _flat(line))


def _metric(config: TrainConfig) -> Literal["f1", "loss"]:
    if config.metric_for_best_model == "auto":
        return "f1" if config.dev_file else "loss"
    return config.metric_for_best_model


def _flat(line: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a line under names as trackers group them."""
    flat: dict[str, float] = {}
    for name, value in line.items():
        if name in ("valid_losses", "dev"):
            flat |= {f"{name}/{part}": float(x) for part, x in value.items()}
        elif name not in ("step", "best") and isinstance(value, float | int):
            flat[name] = float(value)
    return flat


def _write(log: IO[str] | None, line: Mapping[str, Any]) -> None:
    if log is not None:
        log.write(dumps(line) + "\n")
        log.flush()
