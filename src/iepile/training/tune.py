"""Tune a causal language model on instruction rows: all weights, or LoRA.

>>> tune(TrainConfig("models/llama", "train.json", "runs/resume"))  # doctest: +SKIP

A run can be killed at any moment and resumed without a trace: the batches of step n follow from (seed, epoch), its
dropout from (seed, n), and checkpoints hold the rest. Same data, settings, machine and threads: same losses.
`output_dir` gets `run.json`, `train_log.jsonl`, `checkpoint-STEP` folders and, at the end, `model`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.jsonl import check_folder, open_bytes
from iepile.models.chat import Chat
from iepile.models.load import vendor_errors
from iepile.training import checkpoint as folders
from iepile.training.config import TrainConfig, differences
from iepile.training.data import Examples, read_examples
from iepile.training.layouts.batch import plan_batches
from iepile.training.layouts.padded import collate
from iepile.training.monitor import Monitor
from iepile.training.start import start_trainee
from iepile.training.trainee import Trainee

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
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("more than one process was started", expected="one process", fix="run it without torchrun")
    with vendor_errors(config.model_name_or_path):
        import torch
    began = time.monotonic()
    threads, rng = torch.get_num_threads(), torch.get_rng_state()
    if config.threads:
        torch.set_num_threads(config.threads)
    try:
        return _Run(config, on_progress or (lambda *_: None)).run(began)
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(rng)


class _Run:
    """One call of `tune`."""

    def __init__(self, config: TrainConfig, on_progress: Progress) -> None:
        self.config, self.progress = config, on_progress
        self.folder = Path(config.output_dir)

    def run(self, began: float) -> TuneResult:
        config, folder = self.config, self.folder
        marks, self.lines = _data_marks(config)
        about = {"format": 2, "settings": config.identity(), "data": marks}
        resume = self._place(about)
        trainee = start_trainee(config, resume[0] if resume else None)
        train, valid = self._examples(trainee.chat, trainee.context)
        trainee.card = msgspec.structs.replace(trainee.card, tasks=train.tasks, finetuning_type=config.finetuning_type)
        total = self._steps(train)
        monitor = Monitor(config, folder, total)
        if resume:
            monitor.restore(resume[1]["monitor"])
            trainee.load_optimizer(resume[0], resume[1]["scaler"])
        folders.write_json(folder / folders.RUN, about)
        resumed = step = resume[1]["step"] if resume else 0
        with _stop_signals() as stop, monitor.writing(step):
            for epoch, share, batches in self._plan(train, step, total):
                loss, tokens = self._step(trainee, train, batches, step, total)
                step += 1
                last = step == total
                monitor.after_step(step, epoch + share, loss, tokens, trainee.rate, trainee.grad_norm)
                if valid is not None and monitor.measure_due(step, share):
                    monitor.measured(step, valid_loss=self._validate(trainee, valid))
                if stop.is_set() or (not last and self._save_due(step, share)):
                    self._save(trainee, monitor, step)
                if stop.is_set() and not last:
                    raise IepileError(
                        f"stopped after step {step} of {total}; a checkpoint was written to {folder}\n"
                        "  do:       run the same command with resume_from_checkpoint true to go on"
                    )
        folders.write_folder(folder / folders.MODEL, trainee.save)
        return TuneResult(
            str(folder / folders.MODEL), step, resumed, len(train.rows), train.dropped, train.longest, monitor.loss,
            monitor.valid_loss, time.monotonic() - began,
        )

    def _place(self, about: dict[str, Any]) -> tuple[Path, dict[str, Any]] | None:
        """Make sure that `output_dir` may be written; the checkpoint to go on from, if any."""
        config, folder = self.config, self.folder
        if folder.exists() and not folder.is_dir():
            raise InputError("is a file", file=folder, field="output_dir", expected="a folder")
        used = folder.is_dir() and any(folder.iterdir())
        asked = config.resume_from_checkpoint
        wants_resume = asked.lower() not in ("", "false")
        again = config.overwrite_output_dir and not wants_resume
        run = folder / folders.RUN
        if used and not run.is_file() and not config.overwrite_output_dir:
            raise InputError("the folder is not empty, and no training run of ours", file=folder, field="output_dir",
                             fix="choose another folder, or set overwrite_output_dir: other files in it stay")
        check_folder(folder)
        if again:
            folders.clear_run(folder)
            return None
        if not run.is_file():
            if wants_resume:
                raise InputError("there is no run to resume", file=folder, field="resume_from_checkpoint")
            return None
        try:
            before = json.loads(run.read_text("utf-8"))
            changed = differences(before["settings"], about["settings"]) + differences(before["data"], about["data"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError("is damaged", file=run, fix="set overwrite_output_dir to begin anew") from None
        if changed:
            raise InputError(f"the folder holds a run with other settings or data: {', '.join(changed)}", file=folder,
                             field="output_dir", fix="choose another folder, or set overwrite_output_dir to begin anew")
        if (folder / folders.MODEL).is_dir():
            raise InputError("the folder holds this very run, finished", file=folder, field="output_dir",
                             fix="use the model in it, choose another folder, or set overwrite_output_dir")
        if asked and asked.lower() != "true" and wants_resume:
            state = folders.read_state(Path(asked))
            if state is None:
                raise InputError("is no whole checkpoint", file=asked, field="resume_from_checkpoint",
                                 fix="name another one, or `true` for the newest whole one")
            return Path(asked), state
        return folders.newest_checkpoint(folder)

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
        epochs, group = self.config.num_train_epochs, self.config.gradient_accumulation_steps
        total = 0
        for epoch in range(math.ceil(epochs)):
            steps = math.ceil(len(self._batches(train, epoch)) / group)
            total += steps if epoch + 1 <= epochs else math.ceil(steps * (epochs - epoch))
        return total

    def _plan(self, train: Examples, done: int, total: int) -> Iterator[tuple[int, float, list[list[int]]]]:
        """(epoch, share of it done afterwards, batches) of each step after the first `done`."""
        step = epoch = 0
        group = self.config.gradient_accumulation_steps
        while step < total:
            batches = self._batches(train, epoch)
            for i in range(0, len(batches), group):
                step += 1
                if step > total:
                    return
                if step > done:
                    yield epoch, min(1.0, (i + group) / len(batches)), batches[i : i + group]
            epoch += 1

    def _step(self, trainee: Trainee, train: Examples, batches: list[list[int]], step: int,
              total: int) -> tuple[float, int]:
        """One step: the sum of the losses of its answer tokens, and their number."""
        c = self.config
        rate = c.rate * schedule(step, total, c.warmup_ratio, c.lr_scheduler_type)
        pad = trainee.tokenizer.pad_token_id
        tensors = [collate([train.rows[i] for i in batch], pad) for batch in batches]
        with _enough_memory():
            loss = trainee.step(tensors, rate, c.seed * 1_000_003 + step)
        if not math.isfinite(loss):
            raise IepileError(f"the loss became {loss} in step {step + 1}\n"
                              "  do:       lower learning_rate, or use bf16 in place of fp16")
        tokens = sum(t.targets for t in tensors)
        self.progress(step + 1, total, loss / tokens)
        return loss, tokens

    def _save_due(self, step: int, share: float) -> bool:
        c = self.config
        if c.save_strategy == "epoch":
            return share == 1.0
        return c.save_strategy == "steps" and bool(c.save_steps) and step % c.save_steps == 0

    def _validate(self, trainee: Trainee, valid: Examples) -> float:
        total = tokens = 0.0
        batches = self._batches(valid, 0)
        for n, batch in enumerate(batches, 1):
            tensors = collate([valid.rows[i] for i in batch], trainee.tokenizer.pad_token_id)
            total += trainee.measure(tensors)
            tokens += tensors.targets
            self.progress(n, len(batches), "validation")
        return total / tokens

    def _save(self, trainee: Trainee, monitor: Monitor, step: int) -> None:
        def write(folder: Path) -> None:
            trainee.save(folder)
            trainee.save_optimizer(folder)

        kept = {"monitor": monitor.state(), "scaler": trainee.scaler_state()}
        folders.write_checkpoint(self.folder, step, kept, write, self.config.save_total_limit)


def schedule(step: int, total: int, warmup: float, kind: str) -> float:
    """Share of the highest learning rate in a step, counted from 0."""
    rising = math.ceil(total * warmup)
    if step < rising:
        return (step + 1) / rising
    gone = (step - rising) / max(1, total - rising)
    if kind == "constant":
        return 1.0
    return 1.0 - gone if kind == "linear" else 0.5 * (1.0 + math.cos(math.pi * gone))


def _data_marks(config: TrainConfig) -> tuple[dict[str, str], int]:
    """SHA-256 of the data files, so that a run is not resumed on other data; and the lines of the first."""
    marks: dict[str, str] = {}
    lines: list[int] = []
    for name in ("train_file", "valid_file"):
        if path := getattr(config, name):
            digest, ends = hashlib.sha256(), 0
            with open_bytes(path) as f:
                while block := f.read(1 << 20):
                    digest.update(block)
                    ends += block.count(b"\n")
            marks[f"contents of {name}"] = digest.hexdigest()
            lines.append(ends)
    return marks, lines[0]


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


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Set by Ctrl-C or a termination request, so that the step is finished and saved; a second Ctrl-C stops at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
