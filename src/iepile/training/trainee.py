"""The model in training: weights, optimizer, one step. What `tune` does with it is in tune.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from iepile.models.card import ModelCard, write_card
from iepile.models.chat import Chat
from iepile.models.load import Loaded, vendor_errors
from iepile.training.config import TrainConfig
from iepile.training.layouts.batch import Batch
from iepile.training.loss import AnswerLoss
from iepile.training.methods.method import Method
from iepile.training.parallel.world import World

OPTIMIZER = "optimizer.safetensors"


class Trainee:
    """A model, its optimizer and its chat."""

    def __init__(self, model: Any, loaded: Loaded, chat: Chat, card: ModelCard, config: TrainConfig, method: Method,
                 world: World) -> None:
        self.model, self.tokenizer, self.chat, self.card = model, loaded.tokenizer, chat, card
        self.method, self.world = method, world
        self.context = loaded.context
        self.device = next(self.model.parameters()).device
        self.limit = config.max_grad_norm
        self.rate = self.grad_norm = math.nan
        self._half = torch.bfloat16 if config.bf16 else torch.float16 if config.fp16 else None
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=config.fp16)
        base = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        self._loss = AnswerLoss(self.model, self.device, self._half, config.full_logits)
        if config.gradient_checkpointing:
            # Renamed in transformers 5.
            enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
            enable({"use_reentrant": False})
        self.trained = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        # Vectors (norms, biases) do not decay.
        groups = [
            {"params": [p for p in self.trained.values() if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in self.trained.values() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=config.rate,
                                           betas=(config.adam_beta1, config.adam_beta2), eps=config.adam_epsilon)

    def step(self, batches: Sequence[Batch], rate: float, seed: int) -> float:
        """One optimizer step on some batches; returns the sum of the losses of their answer tokens."""
        torch.manual_seed(seed % 2**63)
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.rate = rate
        tokens = sum(b.targets for b in batches)
        total = 0.0
        for batch in batches:
            loss = self._loss(self.model, batch)
            total += float(loss.detach())
            self._scaler.scale(loss / tokens).backward()
        self._scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.trained.values(), self.limit or math.inf)
        self.grad_norm = float(norm)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return total

    def measure(self, batch: Batch) -> float:
        """Sum of the losses of the answer tokens, without learning."""
        self.model.eval()
        with torch.no_grad():
            return float(self._loss(self.model, batch))

    def save(self, folder: Path) -> None:
        """Write weights (or adapter), tokenizer and card into a folder."""
        with vendor_errors(str(folder)):
            self.method.save(self.model, folder)
            self.tokenizer.save_pretrained(folder)
        write_card(folder, self.card)

    def save_optimizer(self, folder: Path) -> None:
        """Write the optimizer's state by parameter name."""
        state = {f"{name}|{key}": value.contiguous()
                 for name, p in self.trained.items() for key, value in sorted(self.optimizer.state[p].items())}
        save_file(state, folder / OPTIMIZER)

    def load_optimizer(self, folder: Path, scaler: dict[str, Any]) -> None:
        """Read what `save_optimizer` wrote."""
        saved = load_file(folder / OPTIMIZER)
        for key, value in saved.items():
            name, _, kind = key.rpartition("|")
            p = self.trained[name]
            self.optimizer.state[p][kind] = value if kind == "step" else value.to(p.device)
        if scaler:
            self._scaler.load_state_dict(scaler)

    def scaler_state(self) -> dict[str, Any]:
        """State of the loss scaling, as JSON."""
        return dict(self._scaler.state_dict())
