"""Tune a language model on instruction rows, with any method, in one process or several.

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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.models.vendor import vendor_errors
from iepile.training import checkpoint as folders
from iepile.training.config import TrainConfig
from iepile.training.course import Course, open_course
from iepile.training.enough import check_machine, enough_memory
from iepile.training.loader import Place, Step
from iepile.training.measurement import OnDev
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
    """The same on the validation rows, when last measured."""
    dev_f1: float | None
    """F1 on `dev_file`, in percent, when last measured."""
    best_step: int | None
    """Step that measured best; None where nothing was measured."""
    seconds: float
    """Wall time of this call."""


def tune(config: TrainConfig, on_progress: Progress | None = None, on_dev: OnDev | None = None) -> TuneResult:
    """Run or resume a tuning run.

    Args:
        on_dev: answers and scores `dev_file`; `iepile.extraction.dev_score.tune_scored` brings it along.

    Raises:
        InputError: data, model or `output_dir` cannot be used.
        IepileError: the run was interrupted (a checkpoint is written first), or failed.
        SystemExit: another process of the run failed; it says why.
    """
    if config.dev_file and on_dev is None:
        raise InputError("there is nothing to answer it with", field="dev_file",
                         fix="use iepile.extraction.dev_score.tune_scored, or give on_dev")
    with vendor_errors(config.model_name_or_path):
        import torch
    began = time.monotonic()
    threads, rng = torch.get_num_threads(), torch.get_rng_state()
    if config.threads:
        torch.set_num_threads(config.threads)
    try:
        with open_world(config) as world:
            progress = on_progress if on_progress and world.main else lambda *_: None
            return _Run(config, world, progress, on_dev).run(began)
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(rng)


@dataclass(frozen=True)
class _Done:
    """What a step came to, over all processes."""

    loss: float
    """Sum of the losses of the answer tokens."""
    targets: int
    """Their number."""
    tokens: int
    """Tokens that went through the model, padding not counted."""


class _Run:
    """One call of `tune`."""

    def __init__(self, config: TrainConfig, world: World, progress: Progress, on_dev: OnDev | None) -> None:
        self.config, self.world, self.progress, self.on_dev = config, world, progress, on_dev
        self.folder = Path(config.output_dir)
        self.group = config.gradient_accumulation_steps * world.size

    def run(self, began: float) -> TuneResult:
        config, folder, world = self.config, self.folder, self.world
        resume, about = self._begin()
        check_machine(config)
        trainee = start_trainee(load_settings(config), resume[0] if resume else None, world)
        if self.on_dev is not None and trainee.strategy.split:  # as a DeepSpeed file of one's own may say
            raise InputError("weights that are split over processes cannot answer while they train",
                             field="dev_file, deepspeed", fix="use zero2 or DDP, or measure with valid_file alone")
        course = open_course(config, trainee, self.group, self._reading)
        loader, total = course.loader, course.total
        trainee.card = msgspec.structs.replace(trainee.card, tasks=loader.tasks)
        monitor = Monitor(config, folder, total, world.main)
        if resume:
            monitor.restore(resume[1]["monitor"])
            trainee.load_optimizer(resume[0], resume[1]["scaler"])
        if world.main:
            folders.check_room(folder, trainee.strategy.size_on_disk)
            folders.write_json(folder / folders.RUN, about)
        resumed = step = resume[1]["step"] if resume else 0
        place = msgspec.convert(resume[1]["place"], Place) if resume else Place()
        with stop_signals(launched=world.size > 1) as stop, monitor.writing(step):
            for lesson in course.steps(place, step) if not monitor.stopped else ():
                done, stopped = self._step(trainee, course, lesson, step, stop)
                step += 1
                shown = monitor.after_step(step, lesson.epoch + lesson.share, done.loss, done.targets, trainee.rate,
                                           trainee.grad_norm, used=done.tokens)
                self.progress(step, total, shown)
                # Ctrl-C in the line above still belongs to this step, where there is nobody to agree with.
                stopped = stopped or (world.size == 1 and stop.is_set())
                if monitor.measure_due(step, lesson.share):
                    self._measure(trainee, course, monitor, step)
                last = step == total or monitor.stopped
                if stopped or (not last and self._save_due(step, lesson.share)):
                    with monitor.pause():
                        self._save(trainee, monitor, step, lesson.after)
                if stopped and not last:
                    raise IepileError(
                        f"stopped after step {step} of {total}; a checkpoint was written to {folder}\n"
                        "  do:       run the same command with resume_from_checkpoint true to go on"
                    )
                if last:
                    break
        folders.write_folder(folder / folders.MODEL, monitor.final_weights(trainee.save, world), world)
        report = loader.report
        return TuneResult(
            str(folder / folders.MODEL), step, resumed, loader.rows, sum(report.dropped.values()), report.tokens.max,
            monitor.loss, monitor.valid_loss, monitor.dev_f1, monitor.best.step if monitor.best else None,
            time.monotonic() - began,
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

    def _reading(self, rows: int) -> None:
        self.progress(rows, max(rows, self.lines), "reading")

    def _step(self, trainee: Trainee, course: Course, lesson: Step, step: int,
              stop: threading.Event) -> tuple[_Done, bool]:
        """One step, and whether the run is to stop after it."""
        c, world, batches = self.config, self.world, lesson.batches
        rate = c.rate * schedule(step, course.total, c.warmup_ratio, c.lr_scheduler_type, c.warmup_steps)
        turns = []
        for n in range(world.rank, math.ceil(len(batches) / world.size) * world.size, world.size):
            # Every process goes through the model equally often; with nothing left to do, it repeats the first batch.
            rows = batches[n] if n < len(batches) else batches[0]
            seed = ((c.seed * 1_000_003 + step) * 1_000_003 + n) % 2**63
            turns.append(Turn(course.collate(rows, trainee.tokenizer.pad_token_id), seed, n < len(batches)))
        mine = [t.batch for t in turns if t.counts]
        targets, used = world.sum([sum(b.targets for b in mine), sum(b.tokens for b in mine)])
        with enough_memory():
            loss = trainee.step(turns, targets, rate)
        loss, stopped = world.sum([loss, float(stop.is_set())])
        if not math.isfinite(loss):
            raise IepileError(f"the loss became {loss} in step {step + 1}\n"
                              "  do:       lower learning_rate, or use bf16 in place of fp16")
        return _Done(loss, int(targets), int(used)), bool(stopped)

    def _measure(self, trainee: Trainee, course: Course, monitor: Monitor, step: int) -> None:
        c = self.config
        if course.data.valid is None and self.on_dev is None:
            return
        with monitor.pause():
            valid = course.validate(trainee, c.per_device_eval_batch_size or c.per_device_train_batch_size,
                                    lambda done, of: self.progress(done, of, "validation"))
            dev = None
            if self.on_dev is not None:
                with trainee.casting():
                    dev = self.on_dev(trainee.model, trainee.tokenizer, trainee.chat, trainee.context, self.world,
                                      lambda done, of: self.progress(done, of, "dev questions"))
            if monitor.measured(step, valid_loss=valid, dev=dev).improved:
                monitor.keep_best(trainee.save, self.world)

    def _save_due(self, step: int, share: float) -> bool:
        c = self.config
        if c.save_strategy == "epoch":
            return share == 1.0
        return c.save_strategy == "steps" and bool(c.save_steps) and step % c.save_steps == 0

    def _save(self, trainee: Trainee, monitor: Monitor, step: int, place: Place) -> None:
        def write(folder: Path) -> None:
            trainee.save(folder)
            trainee.save_optimizer(folder)

        kept = {"monitor": monitor.state(), "scaler": trainee.scaler_state(), "place": msgspec.to_builtins(place)}
        folders.write_checkpoint(self.folder, step, kept, write, self.config.save_total_limit, self.world)
