"""The loss of a batch: cross-entropy of the answer tokens, with the model's head where they are and nowhere else."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.nn import functional as F

from iepile.training.layouts.batch import IGNORE, Batch


class AnswerLoss:
    """Sum of the losses of the answer tokens of a batch.

    Args:
        model: the model as loaded, before anything is wrapped around it; only its signature is read.
        full_logits: compute the head at every place.
    """

    def __init__(self, model: Any, device: torch.device, half: torch.dtype | None, full_logits: bool = False) -> None:
        self.device, self.half, self.full = device, half, full_logits
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        known = inspect.signature(base.forward).parameters
        self._accepts = {name for name in ("position_ids", "logits_to_keep") if name in known}

    def __call__(self, model: Any, batch: Batch) -> torch.Tensor:
        """The loss, a scalar; `model` may be wrapped (DDP, FSDP, DeepSpeed)."""
        # Answers end together on the right, so the head is computed for the last `keep` places alone.
        more: dict[str, Any] = {}
        if "position_ids" in self._accepts:
            more["position_ids"] = batch.position_ids.to(self.device)
        if "logits_to_keep" in self._accepts and not self.full:
            more["logits_to_keep"] = batch.keep
        with torch.autocast(self.device.type, self.half, enabled=self.half is not None):
            logits = model(
                input_ids=batch.input_ids.to(self.device), attention_mask=batch.attention_mask.to(self.device),
                use_cache=False, **more,
            ).logits
        labels = batch.labels[:, -batch.keep :][:, 1:].to(self.device)
        learned = labels != IGNORE
        return F.cross_entropy(logits[:, -batch.keep : -1][learned].float(), labels[learned], reduction="sum")
