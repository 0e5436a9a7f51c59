"""How a model is spread over the processes of a run: `Strategy` for one; ddp.py, fsdp.py and zero.py for more.

A strategy owns the optimizer and everything that differs between the ways of spreading: what is called in
place of the model, when gradients come together, how their norm is bounded, and where states are kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from iepile.errors import InputError
from iepile.training.config import TrainConfig
from iepile.training.optimizer import BITSANDBYTES, make_optimizer, restore_state, state_by_name
from iepile.training.parallel.gathering import saved_parameters
from iepile.training.parallel.loss_scale import LossScale
from iepile.training.parallel.world import World
from iepile.training.parallel.zero_settings import zero_stage
from iepile.training.settings.method import PROMPT_LEARNING

OPTIMIZER = "optimizer.safetensors"


class Strategy:
    """One process: the model as it is.

    Args:
        model: what is trained has `requires_grad`; it is on the device where it belongs.
    """

    split = False
    """Whether weights are split over the processes: then all of them must go through the model equally often."""

    casts = False
    """Whether the weights themselves are in half precision, so that the model needs no help to compute in it."""

    def __init__(self, model: Any, config: TrainConfig, world: World) -> None:
        self.model, self.config, self.world = model, config, world
        self.device = next(model.parameters()).device
        # By the model as it is now: some ways of splitting take the weights out of it.
        self.size_on_disk = _size_on_disk(model, config)
        self.called = self.wrap(model)
        self.trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self.use_optimizer()

    def wrap(self, model: Any) -> Any:
        """What is called in place of the model."""
        return model

    def use_optimizer(self) -> None:
        """Make the optimizer, for the parameters as they are now."""
        self.scale: Any = LossScale(self.config.fp16)
        self.optimizer: Any = make_optimizer(self.trained, self.config, self.device)

    def prepare(self, loss: Callable[[], torch.Tensor]) -> None:
        """Before each step: what the first one needs.

        Args:
            loss: computes that of one of its batches.
        """

    def accumulating(self, last: bool) -> AbstractContextManager[Any]:
        """Around each batch of a step; gradients come together in the last one."""
        return nullcontext()

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of a share of the step's loss, which is the sum of all shares of all processes."""
        (loss * (self.scale.value * self.world.size)).backward()

    def update(self, rate: float) -> float:
        """Move the weights; the norm of the gradients before it was bounded."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        gradients = [p.grad for p in self.trained.values() if p.grad is not None]
        norm = self.norm(gradients) / self.scale.value
        limit = self.config.max_grad_norm or math.inf
        factor = (limit / (norm + 1e-6) if norm > limit else 1.0) / self.scale.value
        if factor != 1.0:
            torch._foreach_mul_(gradients, factor)
        if self.scale.accept(norm):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(norm)

    def norm(self, gradients: list[torch.Tensor]) -> float:
        """Norm of the gradients of all parameters, as one vector."""
        return float(torch.nn.utils.get_total_norm(gradients))

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Within, the main process finds in the model's modules whole weights, ready to be saved."""
        yield

    def save_state(self, folder: Path) -> None:
        """Write the optimizer's state; each process its own part."""
        if self.world.main:
            save_file(state_by_name(self.optimizer, self.trained), folder / OPTIMIZER)

    def load_state(self, folder: Path) -> None:
        """Read what `save_state` wrote.

        Raises:
            InputError: it was written by another number of processes, and cannot be divided anew.
        """
        restore_state(self.optimizer, self.trained, load_file(folder / OPTIMIZER))


def _size_on_disk(model: Any, config: TrainConfig) -> int:
    """Bytes of a checkpoint, about: weights that are saved, and states of those that are trained."""
    weights: int = sum(p.numel() * p.element_size() for _, p in saved_parameters(model))
    state = 0 if config.optim == "sgd" else 2 if "8bit" in config.optim else 8
    master = 4 if config.deepspeed else 0
    trained: int = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return weights + (state + master) * trained


def load_settings(config: TrainConfig) -> TrainConfig:
    """The settings to load the model by: what is to be split over the processes is loaded into main memory first.

    Raises:
        InputError: the model cannot be split this way.
    """
    split = config.fsdp or zero_stage(config) == 3
    if split and config.finetuning_type in PROMPT_LEARNING:
        raise InputError("vectors before the prompt are used outside of the blocks that are split",
                         field="deepspeed, fsdp, finetuning_type", fix="use DDP or deepspeed zero2, or lora")
    if config.fsdp and config.optim in BITSANDBYTES:
        raise InputError("bitsandbytes cannot keep states that FSDP splits", field="fsdp, optim",
                         fix="use optim adamw_torch, or deepspeed zero2")
    return replace(config, device="cpu") if split else config


def make_strategy(model: Any, config: TrainConfig, world: World) -> Strategy:
    """The strategy that the settings ask for."""
    if config.fsdp:
        from iepile.training.parallel.fsdp import FullyShard

        return FullyShard(model, config, world)
    if config.deepspeed:
        from iepile.training.parallel.zero import Zero

        return Zero(model, config, world)
    if world.size > 1:
        from iepile.training.parallel.ddp import DataParallel

        return DataParallel(model, config, world)
    return Strategy(model, config, world)
