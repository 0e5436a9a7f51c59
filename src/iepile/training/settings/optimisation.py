"""Settings of tuning: steps, learning rate, optimizer, precision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from iepile.errors import InputError
from iepile.training.settings.checks import at_least, one_of, share

SCHEDULES = ("cosine", "linear", "constant", "constant_with_warmup", "polynomial")
OPTIMIZERS = ("adamw_torch", "adamw_torch_fused", "adamw_bnb_8bit", "paged_adamw_8bit", "paged_adamw_32bit", "sgd")


@dataclass(frozen=True, kw_only=True)
class OptimisationSettings:
    """How weights are moved."""

    num_train_epochs: float = 3.0
    """Times the data is gone through."""
    max_steps: int = -1
    """Length in optimizer steps; goes before `num_train_epochs` when above 0."""
    learning_rate: float = 0.0
    """Highest learning rate; 0: 2e-4 for LoRA, 2e-5 for full and freeze, 1e-2 for vectors before the prompt, 1e-3 for
    networks that make them."""
    lr_scheduler_type: Literal["cosine", "linear", "constant", "constant_with_warmup", "polynomial"] = "cosine"
    """How the learning rate falls after warm-up."""
    warmup_ratio: float = 0.03
    """Share of the steps in which the learning rate rises."""
    warmup_steps: int = 0
    """Steps in which the learning rate rises; goes before `warmup_ratio` when above 0."""
    weight_decay: float = 0.0
    """Decoupled weight decay of matrices."""
    max_grad_norm: float = 1.0
    """Largest norm of the gradient; 0: no bound."""
    optim: Literal["adamw_torch", "adamw_torch_fused", "adamw_bnb_8bit", "paged_adamw_8bit", "paged_adamw_32bit",
                   "sgd"] = "adamw_torch"
    """Optimizer: AdamW, its fused form, the 8-bit and paged forms of bitsandbytes, or plain gradient descent."""
    adam_beta1: float = 0.9
    """Decay of the mean of gradients."""
    adam_beta2: float = 0.999
    """Decay of the mean of squared gradients."""
    adam_epsilon: float = 1e-8
    """Added to the divisor of a step."""
    per_device_train_batch_size: int = 8
    """Rows that go through the model together, in each process."""
    per_device_eval_batch_size: int = 0
    """The same for validation; 0: as in training."""
    gradient_accumulation_steps: int = 1
    """Batches whose gradients make one step."""
    bf16: bool = False
    """Compute in bfloat16."""
    fp16: bool = False
    """Compute in float16, with loss scaling."""
    gradient_checkpointing: bool = False
    """Keep less in memory and compute it again: slower, for long rows."""
    seed: int = 42
    """Seed of order, new weights and dropout."""

    def check_optimisation(self) -> None:
        """Raise InputError where a value makes no sense."""
        at_least(self, 1, ("per_device_train_batch_size", "gradient_accumulation_steps"))
        at_least(self, 0, ("per_device_eval_batch_size", "learning_rate", "weight_decay", "max_grad_norm",
                           "warmup_steps", "adam_epsilon"))
        share(self, ("warmup_ratio", "adam_beta1", "adam_beta2"))
        one_of(self, "lr_scheduler_type", SCHEDULES)
        one_of(self, "optim", OPTIMIZERS)
        if self.max_steps <= 0 and not 0 < self.num_train_epochs < math.inf:
            raise InputError(f"is {self.num_train_epochs}", field="num_train_epochs", expected="above 0")
        if self.bf16 and self.fp16:
            raise InputError("both are set", field="bf16, fp16", fix="choose one")
