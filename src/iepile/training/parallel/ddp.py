"""Data-parallel training (DDP): each process holds the whole model and computes some batches of a step."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.nn.parallel import DistributedDataParallel

from iepile.training.parallel.strategy import Strategy


class DataParallel(Strategy):
    """The model under torch's DistributedDataParallel."""

    def wrap(self, model: Any) -> Any:
        """Wrap the model; every process then has the weights of the main one."""
        self._laid_out = False
        # Its older name since torch 2.13 brings a warning.
        buffers = "forward_sync_buffers"
        if buffers not in inspect.signature(DistributedDataParallel.__init__).parameters:
            buffers = "broadcast_buffers"
        return DistributedDataParallel(
            model, device_ids=[self.device] if self.device.type == "cuda" else None, gradient_as_bucket_view=True,
            # Experts may rest in a batch; everything else takes part in each.
            find_unused_parameters=any("expert" in n for n, p in model.named_parameters() if p.requires_grad),
            **{buffers: False},
        )

    def prepare(self, loss: Callable[[], torch.Tensor]) -> None:
        """Let DDP lay out its buckets before the first step that counts.

        It does so after its first backward pass. Sums over three processes or more are added in an order that hangs
        on the layout: a resumed run, one step behind with it, would differ in the last bits.
        """
        if not self._laid_out:
            (loss() * 0.0).backward()
            self.optimizer.zero_grad(set_to_none=True)
            self._laid_out = True

    def accumulating(self, last: bool) -> AbstractContextManager[Any]:
        """Keep gradients at home until the last batch of the step."""
        return nullcontext() if last else self.called.no_sync()
