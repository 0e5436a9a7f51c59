"""The model in training: weights, optimizer, one step. What `tune` does with it is in tune.py."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from iepile.errors import IepileError
from iepile.models.card import ModelCard, write_card
from iepile.models.chat import Chat
from iepile.models.load import Loaded
from iepile.models.serving import save_tokenizer
from iepile.training.config import TrainConfig
from iepile.training.layouts.batch import Batch
from iepile.training.loss import AnswerLoss
from iepile.training.methods.method import Method
from iepile.training.parallel.strategy import make_strategy
from iepile.training.parallel.world import World


@dataclass(frozen=True)
class Turn:
    """A batch of a step, as one process computes it."""

    batch: Batch
    seed: int
    """Seed of dropout and other noise; it belongs to the batch, so that any process would draw the same."""
    counts: bool = True
    """False where the process only keeps up with the others, which have one batch more."""


class Trainee:
    """A model, its optimizer and its chat."""

    def __init__(self, model: Any, loaded: Loaded, chat: Chat, card: ModelCard, config: TrainConfig, method: Method,
                 world: World) -> None:
        self.model, self.tokenizer, self.chat, self.card = model, loaded.tokenizer, chat, card
        self.method, self.world = method, world
        self.context = loaded.context
        self.rate = self.grad_norm = math.nan
        self.scaled = config.fp16
        base = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        if config.gradient_checkpointing:
            # Renamed in transformers 5. The form that is not re-entrant finds gradients through frozen embeddings.
            enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
            enable({"use_reentrant": False})
        half = torch.bfloat16 if config.bf16 else torch.float16 if config.fp16 else None
        answer_loss = AnswerLoss(self.model, next(self.model.parameters()).device, half, config.full_logits)
        self.strategy = make_strategy(self.model, config, world)
        self.device = answer_loss.device = self.strategy.device
        answer_loss.half = None if self.strategy.casts else half
        self._loss = answer_loss

    def step(self, turns: Sequence[Turn], tokens: float, rate: float) -> float:
        """One optimizer step; returns the sum of the losses of the answer tokens that this process computed.

        Args:
            turns: batches of this process; as many as every other process has.
            tokens: answer tokens of the step, in all processes.
            rate: the learning rate.
        """
        self.strategy.called.train()
        self.rate = rate
        self.strategy.prepare(lambda: self._loss(self.strategy.called, turns[0].batch))
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for n, turn in enumerate(turns, 1):
            torch.manual_seed(turn.seed)
            with self.strategy.accumulating(last=n == len(turns)):
                loss = self._loss(self.strategy.called, turn.batch) * float(turn.counts)
                self.strategy.backward(loss / tokens)
            total += loss.detach()
        self.grad_norm = self.strategy.update(rate)
        if not (math.isfinite(self.grad_norm) or self.scaled):
            raise IepileError(f"the gradients became {self.grad_norm}\n"
                              "  do:       lower learning_rate, or use bf16 in place of fp16")
        return float(total)

    def casting(self) -> AbstractContextManager[Any]:
        """Around whatever else the model is to compute: what is trained is in fp32, and the rest may be in half."""
        made: AbstractContextManager[Any] = torch.autocast(self.device.type, self._loss.half,
                                                           enabled=self._loss.half is not None)
        return made

    def measure(self, batch: Batch) -> float:
        """Sum of the losses of the answer tokens, without learning."""
        self.strategy.called.eval()
        with torch.no_grad():
            return float(self._loss(self.strategy.called, batch))

    def examine(self, look: Callable[[AnswerLoss, Any], None]) -> None:
        """Hand the loss and the model, as it is wrapped, to a check; every process does the same."""
        look(self._loss, self.strategy.called)

    def save(self, folder: Path) -> None:
        """Write weights (or adapter), tokenizer and card; every process takes part, the main one writes."""
        with self.strategy.gathered():
            if self.world.main:
                self.method.save(self.model, folder)
                save_tokenizer(folder, self.chat)
                write_card(folder, self.card)

    def save_optimizer(self, folder: Path) -> None:
        """Write the optimizer's state, each process its part."""
        self.strategy.save_state(folder)

    def load_optimizer(self, folder: Path, scaler: dict[str, Any]) -> None:
        """Read what `save_optimizer` wrote."""
        self.strategy.load_state(folder)
        self.strategy.scale.restore(scaler)

    def scaler_state(self) -> dict[str, Any]:
        """State of the loss scaling, as JSON."""
        state: dict[str, Any] = self.strategy.scale.state()
        return state
