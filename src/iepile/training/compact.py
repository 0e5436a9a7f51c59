"""Train the compact model: minutes on two cores, resumable to the bit.

>>> fit(examples, dev, CompactTrainConfig(), "runs/resume")  # doctest: +SKIP

Everything drawn at random in step n comes from (seed, n), and the order of epoch e from (seed, e): a run that was
killed and resumed has the losses of one that was not. Same machine, thread count, data and settings: same bytes.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from iepile.errors import InputError
from iepile.models.compact.example import Example
from iepile.models.compact.model import CompactModel, build
from iepile.models.compact.predictor import token_batches
from iepile.training.compact_calibration import fit_calibration
from iepile.training.compact_checkpoint import Checkpoints
from iepile.training.compact_config import CompactTrainConfig
from iepile.training.compact_loss import Labelled, Sampling, batch_loss, label
from iepile.training.compact_swap import Mentions
from iepile.training.compact_tuning import evaluate, tune_thresholds


@dataclass(frozen=True, slots=True)
class CompactFit:
    """What a training run gave."""

    folder: Path
    """The model folder."""
    steps: int
    seconds: float
    """Wall time of this call."""
    losses: tuple[float, ...]
    """Loss of each step run by this call."""
    dev: dict[str, float]
    """F1 on the dev examples by kind of fact."""
    left_out: dict[str, int]
    """Training spans that could not be learned, by reason."""
    resumed_from: int
    """Step of the checkpoint this call went on from; 0: none."""


Progress = Callable[[int, int, float], None]
"""Called after each step with step (from 1), total, loss."""


def fit(
    examples: Sequence[Example],
    dev_examples: Sequence[Example],
    config: CompactTrainConfig,
    output_dir: Path | str,
    on_step: Progress | None = None,
) -> CompactFit:
    """Train on `examples` and write the model folder `output_dir`/model.

    `dev_examples` (may be empty) set the decision thresholds and the calibration of confidences. Beside the model,
    `losses.jsonl` has one line a step.

    Raises:
        InputError: there is nothing to learn from.
    """
    began = time.monotonic()
    output = Path(output_dir)
    output.mkdir(parents=True, exist_ok=True)
    examples = [e for e in examples if e.asked_spans or e.asked_pairs]
    if not examples:
        raise InputError(
            "no training example asks for any label",
            expected="examples with asked_spans or asked_pairs",
            fix="check that the training data is of a supported task and not empty",
        )
    if config.model.members > 1:
        from iepile.training.compact_members import fit_members

        return fit_members(examples, dev_examples, config, output, on_step)
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    rng = torch.get_rng_state()
    torch.set_num_threads(config.threads)
    torch.use_deterministic_algorithms(True)
    # Filling fresh memory is for finding reads of it, and costs a twentieth of the time.
    fill = torch.utils.deterministic.fill_uninitialized_memory
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_flush_denormal(True)
    try:
        return _fit(examples, dev_examples, config, output, on_step, began)
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = fill
        torch.set_flush_denormal(False)
        torch.set_rng_state(rng)


def _fit(
    examples: Sequence[Example],
    dev_examples: Sequence[Example],
    config: CompactTrainConfig,
    output: Path,
    on_step: Progress | None,
    began: float,
) -> CompactFit:
    torch.manual_seed(config.seed)
    network = build(config.model)
    left_out: Counter[str] = Counter()
    data = [label(e, network, left_out) for e in examples]
    if network.pretrained is None:
        used = np.concatenate([x.text.features.ravel() for x in data])
        counts = torch.from_numpy(np.bincount(used, minlength=config.model.buckets)).float()
        network.count_features(counts, config.rare_features)
    lengths = [len(x.text) for x in data]
    total = planned_steps(lengths, config)
    run = _Run(network, examples, data, config, total)
    checkpoints = Checkpoints(output, run.fingerprint(), config.keep_checkpoints)
    first = run.restore(checkpoints) if config.resume else 0
    if not first:
        checkpoints.clear()
    losses = []
    with checkpoints.loss_log(first) as log:
        for step in range(first, total):
            run.elapsed = (time.monotonic() - began) / 60
            loss = run.step(step)
            losses.append(loss)
            log.write(json.dumps({"step": step + 1, "loss": loss}) + "\n")
            if on_step is not None:
                on_step(step + 1, total, loss)
            if config.max_minutes is not None and run.elapsed >= config.max_minutes:
                total = step + 1
                break
            if config.checkpoint_steps and (step + 1) % config.checkpoint_steps == 0 and step + 1 < total:
                log.flush()
                run.save(checkpoints, step + 1)
    run.use_average()
    labels = sorted({x for e in examples for x in (*e.asked_spans, *e.asked_pairs)})
    network.eval()
    network.config = tune_thresholds(network, dev_examples)
    model = CompactModel(network, labels, fit_calibration(network, dev_examples))
    scores = evaluate(model, dev_examples)
    model.save(output / "model")
    checkpoints.clear()
    return CompactFit(output / "model", total, time.monotonic() - began, tuple(losses), scores, dict(left_out), first)


def planned_steps(lengths: Sequence[int], config: CompactTrainConfig) -> int:
    """Number of batches of the whole run, known before it starts."""
    if config.max_steps is not None:
        return config.max_steps
    per_epoch = len(_epoch(lengths, config, 0))
    epochs = config.epochs
    if epochs is None:
        epochs = min(config.max_epochs, config.tokens / max(1, sum(lengths)))
    return max(1, math.ceil(per_epoch * epochs))


def _epoch(lengths: Sequence[int], config: CompactTrainConfig, epoch: int) -> list[list[int]]:
    """Batches of texts of like length; the same for the same seed and epoch."""
    rng = random.Random(f"{config.seed} epoch {epoch}")
    order = sorted(range(len(lengths)), key=lambda k: lengths[k] + rng.random() * 10)
    batches = token_batches([lengths[k] for k in order], config.tokens_per_batch)
    out = [[order[k] for k in b] for b in batches]
    rng.shuffle(out)
    return out


class _Run:
    """Weights, optimizer and position in the data."""

    def __init__(
        self,
        network: Any,
        examples: Sequence[Example],
        data: Sequence[Labelled],
        config: CompactTrainConfig,
        total: int,
    ) -> None:
        self.network, self.examples, self.data, self.config, self.total = network, examples, data, config, total
        self.lengths = [len(x.text) for x in data]
        self.mentions = Mentions(examples)
        tables: list[nn.Parameter] = []
        encoder: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, p in network.named_parameters():
            group = encoder if name.startswith("pretrained.") else tables if p.shape[0] > 2000 else rest
            group.append(p)
        groups = [
            {"params": rest, "factor": 1.0},
            {"params": tables, "factor": config.embedding_factor},
            {"params": encoder, "factor": config.encoder_factor},
        ]
        self.optimizer = torch.optim.AdamW(
            [g for g in groups if g["params"]],
            config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and _has_bf16())
        self.rate = 1.0
        self.elapsed = 0.0
        self._order: tuple[int, list[list[int]]] = (-1, [])
        self._starts = [0]
        self.mean = [p.detach().clone() for p in network.parameters()] if config.average else []

    def batch(self, step: int) -> list[Labelled]:
        """The batch of a step; epochs may differ in their number of batches."""
        while step >= self._starts[-1]:
            epoch = len(self._starts) - 1
            self._order = (epoch, _epoch(self.lengths, self.config, epoch))
            self._starts.append(self._starts[-1] + len(self._order[1]))
        epoch, order = self._order
        return [self._variant(epoch, k) for k in order[step - self._starts[-2]]]

    def _variant(self, epoch: int, k: int) -> Labelled:
        if not self.config.swap_mentions or not epoch:
            return self.data[k]
        rng = random.Random(f"{self.config.seed} swap {epoch} {k}")
        changed = self.mentions.swap(self.examples[k], self.config.swap_mentions, rng)
        return self.data[k] if changed is None else label(changed, self.network, Counter())

    def step(self, step: int) -> float:
        """One update; returns the loss."""
        config = self.config
        batch = self.batch(step)
        torch.manual_seed((config.seed * 1_000_003 + step + 1) % (1 << 62))
        sampling = Sampling(
            config.negative_labels, config.negative_anchors, rng=random.Random(f"{config.seed} step {step}")
        )
        self.network.train()
        self.network.bf16 = self.bf16
        loss = batch_loss(self.network, batch, sampling)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        self.rate = self._rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * self.rate * group["factor"]
        self.optimizer.step()
        if self.mean:
            decay = min(config.average, (step + 1) / (step + 10))
            with torch.no_grad():
                torch._foreach_lerp_(self.mean, list(self.network.parameters()), 1 - decay)
        return float(loss.detach())

    def _rate(self, step: int) -> float:
        done = (step + 1) / self.total
        if self.config.max_minutes is not None:
            done = max(done, self.elapsed / self.config.max_minutes)
        return min(1.0, (step + 1) / max(1, self.config.warmup_steps)) * max(0.0, 1.0 - done + 1 / self.total)

    def use_average(self) -> None:
        """Put the running average in the place of the weights."""
        with torch.no_grad():
            for p, mean in zip(self.network.parameters(), self.mean, strict=bool(self.mean)):
                p.copy_(mean)

    def fingerprint(self) -> dict[str, Any]:
        """What a checkpoint must agree with to be of this run."""
        plain = replace(self.config, resume=True, keep_checkpoints=2, checkpoint_steps=0)
        seen = sha256()
        for x in self.examples:
            seen.update(repr(x).encode("utf-8", "surrogatepass"))
        return {"config": repr(plain), "data": seen.hexdigest(), "steps": self.total}

    def save(self, checkpoints: Checkpoints, step: int) -> None:
        """Write a checkpoint."""
        tensors = {f"weight.{k}": p.detach() for k, p in enumerate(self.network.parameters())}
        for k, p in enumerate(self.network.parameters()):
            for name, value in self.optimizer.state[p].items():
                tensors[f"{name}.{k}"] = value
        tensors |= {f"mean.{k}": m for k, m in enumerate(self.mean)}
        checkpoints.save(step, tensors)

    def restore(self, checkpoints: Checkpoints) -> int:
        """Take up the newest whole checkpoint; returns its step, 0 without one."""
        found = checkpoints.newest()
        if found is None:
            return 0
        step, tensors = found
        with torch.no_grad():
            for k, p in enumerate(self.network.parameters()):
                p.copy_(tensors[f"weight.{k}"])
                names = ("step", "exp_avg", "exp_avg_sq")
                state = {n: tensors[f"{n}.{k}"] for n in names if f"{n}.{k}" in tensors}
                if state:
                    self.optimizer.state[p] = state
            self.mean = [tensors[f"mean.{k}"] for k in range(len(self.mean))]
        return step


def _has_bf16() -> bool:
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(check is not None and check())


__all__ = ["CompactFit", "CompactTrainConfig", "Progress", "fit", "planned_steps"]
