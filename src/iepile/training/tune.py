"""Tune a causal language model on instruction rows: all weights, or LoRA.

>>> tune(TrainConfig("models/llama", "train.json", "runs/resume"))  # doctest: +SKIP

A run can be killed at any moment and resumed without a trace: the batches of step n follow from (seed, epoch), its
dropout from (seed, n), and checkpoints hold the rest. Same data, settings, machine and threads: same losses.
`output_dir` gets `run.json`, `train_log.jsonl`, `checkpoint-STEP` folders and, at the end, `model`.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import IepileError
from iepile.models.chat import Chat
from iepile.models.load import vendor_errors
from iepile.training import checkpoint as folders
from iepile.training.config import TrainConfig
from iepile.training.data import Examples, read_examples
from iepile.training.layouts.batch import plan_batches
from iepile.training.layouts.padded import collate
from iepile.training.monitor import Monitor
from iepile.training.output_folder import data_marks, place_run, read_run
from iepile.training.parallel.strategy import load_settings
from iepile.training.parallel.world import World, open_world
from iepile.training.schedule import schedule
from iepile.training.start import start_trainee
from iepile.training.stop_signals import stop_signals
from iepile.training.trainee import Trainee, Turn

Progress = Callable[[int, int, float | str], None]
"""Called with done, total, and the loss of the step just done or what else is being done (`reading`, `validation`)."""


@dataclass(frozen=True)
class TuneResult:
    """What a tuning run gave."""

    model: str
    """Folder of the trained model."""
    steps: int
    """Optimizer steps of the run."""
    resumed_from: int
    """Step that this call went on from; 0: from the beginning."""
    rows: int
    """Rows trained on."""
    dropped: int
    """Rows left out because they were too long."""
    longest: int
    """Tokens of the longest row of the file."""
    loss: float
    """Mean loss per answer token since the last line of the log but one."""
    valid_loss: float | None
    """The same on the validation rows, at the end."""
    seconds: float
    """Wall time of this call."""


def tune(config: TrainConfig, on_progress: Progress | None = None) -> TuneResult:
    """Run or resume a tuning run.

    Raises:
        InputError: data, model or `output_dir` cannot be used.
        IepileError: the run was interrupted (a checkpoint is written first), or failed.
        SystemExit: another process of the run failed; it says why.
    """
    with vendor_errors(config.model_name_or_path):
        import torch
    began = time.monotonic()
    threads, rng = torch.get_num_threads(), torch.get_rng_state()
    if config.threads:
        torch.set_num_threads(config.threads)
    try:
        with open_world(config) as world:
            return _Run(config, world, on_progress if on_progress and world.main else lambda *_: None).run(began)
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(rng)


class _Run:
    """One call of `tune`."""

    def __init__(self, config: TrainConfig, world: World, on_progress: Progress) -> None:
        self.config, self.world, self.progress = config, world, on_progress
        self.folder = Path(config.output_dir)
        self.group = config.gradient_accumulation_steps * world.size

    def run(self, began: float) -> TuneResult:
        config, folder, world = self.config, self.folder, self.world
        resume, about = self._begin()
        trainee = start_trainee(load_settings(config), resume[0] if resume else None, world)
        train, valid = self._examples(trainee.chat, trainee.context)
        trainee.card = msgspec.structs.replace(trainee.card, tasks=train.tasks, finetuning_type=config.finetuning_type)
        total = self._steps(train)
        monitor = Monitor(config, folder, total, world.main)
        if resume:
            monitor.restore(resume[1]["monitor"])
            trainee.load_optimizer(resume[0], resume[1]["scaler"])
        if world.main:
            folders.write_json(folder / folders.RUN, about)
        resumed = step = resume[1]["step"] if resume else 0
        with stop_signals(launched=world.size > 1) as stop, monitor.writing(step):
            for epoch, share, batches in self._plan(train, step, total):
                loss, tokens, stopped = self._step(trainee, train, batches, step, total, stop)
                step += 1
                last = step == total
                monitor.after_step(step, epoch + share, loss, tokens, trainee.rate, trainee.grad_norm)
                if valid is not None and monitor.measure_due(step, share):
                    monitor.measured(step, valid_loss=self._validate(trainee, valid))
                if stopped or (not last and self._save_due(step, share)):
                    self._save(trainee, monitor, step)
                if stopped and not last:
                    raise IepileError(
                        f"stopped after step {step} of {total}; a checkpoint was written to {folder}\n"
                        "  do:       run the same command with resume_from_checkpoint true to go on"
                    )
        folders.write_folder(folder / folders.MODEL, trainee.save, world)
        return TuneResult(
            str(folder / folders.MODEL), step, resumed, len(train.rows), train.dropped, train.longest, monitor.loss,
            monitor.valid_loss, time.monotonic() - began,
        )

    def _begin(self) -> tuple[tuple[Path, dict[str, Any]] | None, dict[str, Any]]:
        """The checkpoint to go on from, if any, and what `run.json` is to say."""
        marks, self.lines = data_marks(self.config)
        about: dict[str, Any] = {"format": 2, "settings": self.config.identity(), "data": marks,
                                 "processes": self.world.size}
        found = place_run(self.config, about) if self.world.main else None
        path = self.world.share(str(found[0]) if found else "")
        if not path:
            return None, about
        # A step stays what it was, however many processes share it now.
        about["processes"] = read_run(self.folder).get("processes", 1)
        self.group = self.config.gradient_accumulation_steps * about["processes"]
        state = found[1] if found else json.loads((Path(path) / "state.json").read_text("utf-8"))
        return (Path(path), state), about

    def _examples(self, chat: Chat, context: int | None) -> tuple[Examples, Examples | None]:
        config = self.config
        cutoff = min(config.cutoff_len, context or config.cutoff_len)
        train = read_examples(config.train_file, chat, cutoff, self._reading)
        if config.valid_file:
            return train, read_examples(config.valid_file, chat, cutoff)
        return train.split(config.val_set_size, config.seed) if config.val_set_size else (train, None)

    def _reading(self, rows: int) -> None:
        self.progress(rows, max(rows, self.lines), "reading")

    def _batches(self, train: Examples, epoch: int) -> list[list[int]]:
        c = self.config
        return plan_batches(train.lengths, c.per_device_train_batch_size, c.max_tokens_per_batch, c.seed, epoch)

    def _steps(self, train: Examples) -> int:
        """Steps of the whole run."""
        if self.config.max_steps > 0:
            return self.config.max_steps
        epochs, group = self.config.num_train_epochs, self.group
        total = 0
        for epoch in range(math.ceil(epochs)):
            steps = math.ceil(len(self._batches(train, epoch)) / group)
            total += steps if epoch + 1 <= epochs else math.ceil(steps * (epochs - epoch))
        return total

    def _plan(self, train: Examples, done: int, total: int) -> Iterator[tuple[int, float, list[list[int]]]]:
        """(epoch, share of it done afterwards, batches) of each step after the first `done`."""
        step = epoch = 0
        group = self.group
        while step < total:
            batches = self._batches(train, epoch)
            for i in range(0, len(batches), group):
                step += 1
                if step > total:
                    return
                if step > done:
                    yield epoch, min(1.0, (i + group) / len(batches)), batches[i : i + group]
            epoch += 1

    def _step(self, trainee: Trainee, train: Examples, batches: list[list[int]], step: int, total: int,
              stop: threading.Event) -> tuple[float, int, bool]:
        """One step: the sum of the losses of its answer tokens, their number, and whether the run is to stop."""
        c, world = self.config, self.world
        rate = c.rate * schedule(step, total, c.warmup_ratio, c.lr_scheduler_type, c.warmup_steps)
        turns = []
        for n in range(world.rank, math.ceil(len(batches) / world.size) * world.size, world.size):
            # Every process goes through the model equally often; with nothing left to do, it repeats the first batch.
            rows = batches[n] if n < len(batches) else batches[0]
            seed = ((c.seed * 1_000_003 + step) * 1_000_003 + n) % 2**63
            turns.append(Turn(collate([train.rows[i] for i in rows], trainee.tokenizer.pad_token_id), seed,
                              n < len(batches)))
        tokens = int(world.sum([sum(t.batch.targets for t in turns if t.counts)])[0])
        with _enough_memory():
            loss = trainee.step(turns, tokens, rate)
        loss, stopped = world.sum([loss, float(stop.is_set())])
        if not math.isfinite(loss):
            raise IepileError(f"the loss became {loss} in step {step + 1}\n"
                              "  do:       lower learning_rate, or use bf16 in place of fp16")
        self.progress(step + 1, total, loss / tokens)
        # Ctrl-C in the progress line itself still belongs to this step, where there is nobody to agree with.
        return loss, tokens, bool(stopped) or (world.size == 1 and stop.is_set())

    def _save_due(self, step: int, share: float) -> bool:
        c = self.config
        if c.save_strategy == "epoch":
            return share == 1.0
        return c.save_strategy == "steps" and bool(c.save_steps) and step % c.save_steps == 0

    def _validate(self, trainee: Trainee, valid: Examples) -> float:
        batches, world = self._batches(valid, 0), self.world
        sums = [0.0, 0.0]
        for n in range(world.rank, math.ceil(len(batches) / world.size) * world.size, world.size):
            rows = batches[n] if n < len(batches) else batches[0]
            batch = collate([valid.rows[i] for i in rows], trainee.tokenizer.pad_token_id)
            loss = trainee.measure(batch)
            if n < len(batches):
                sums = [sums[0] + loss, sums[1] + batch.targets]
            self.progress(min(n + world.size, len(batches)), len(batches), "validation")
        loss, tokens = world.sum(sums)
        return loss / tokens

    def _save(self, trainee: Trainee, monitor: Monitor, step: int) -> None:
        def write(folder: Path) -> None:
            trainee.save(folder)
            trainee.save_optimizer(folder)

        kept = {"monitor": monitor.state(), "scaler": trainee.scaler_state()}
        folders.write_checkpoint(self.folder, step, kept, write, self.config.save_total_limit, self.world)


@contextmanager
def _enough_memory() -> Iterator[None]:
    import torch

    try:
        yield
    except torch.OutOfMemoryError as e:
        raise IepileError(
            f"not enough memory: {str(e).splitlines()[0]}\n  do:       lower per_device_train_batch_size and raise "
            "gradient_accumulation_steps, or set gradient_checkpointing or bf16"
        ) from e
