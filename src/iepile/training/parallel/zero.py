"""DeepSpeed ZeRO: states, gradients (stage 2) and weights (stage 3) are split over the processes.

DeepSpeed's own checkpoints are pickles. Ours hold the same in safetensors: each process writes its part of the
weights in fp32 and of the optimizer's state, as flat as DeepSpeed keeps them. So a run is resumed by as many
processes as wrote the checkpoint.
"""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from iepile.errors import InputError, MissingDependency
from iepile.training.config import TrainConfig
from iepile.training.optimizer import counts_by_number, make_optimizer
from iepile.training.parallel.gathering import whole_weights
from iepile.training.parallel.strategy import Strategy
from iepile.training.parallel.world import World
from iepile.training.parallel.zero_settings import fill_zero_settings, zero_stage

PART = "zero-{:05d}-of-{:05d}.safetensors"
SCALER = ("cur_scale", "cur_iter", "last_overflow_iter", "cur_hysteresis")
"""What DeepSpeed's loss scaling remembers."""


class Zero(Strategy):
    """The model in an engine of DeepSpeed."""

    def __init__(self, model: Any, config: TrainConfig, world: World) -> None:
        self.stage = zero_stage(config)
        self.split = self.stage == 3
        self.casts = config.bf16 or config.fp16
        super().__init__(model, config, world)

    def wrap(self, model: Any) -> Any:
        """Put the model into an engine.

        Raises:
            MissingDependency: DeepSpeed is not installed.
            InputError: it does not take the settings.
        """
        deepspeed = _deepspeed(self.world)
        self.device = torch.device("cuda", self.world.local_rank) if self.world.gpu else torch.device("cpu")
        trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
        settings = fill_zero_settings(self.config, int(getattr(model.config, "hidden_size", 0) or 1024))
        optimizer = make_optimizer(trained, self.config, self.device)
        try:
            self.engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=settings,
                                                   dist_init_required=False)
        except (ValueError, AssertionError) as e:  # wrong keys of a file, a number format the device does not have
            raise InputError(f"DeepSpeed does not take it: {' '.join(str(e).split())[:300]}",
                             file=self.config.deepspeed, field="deepspeed") from e
        self._gathered = deepspeed.zero.GatheredParameters
        return self.engine

    def use_optimizer(self) -> None:
        """Take the optimizer that the engine has made of the run's."""
        self.optimizer = self.engine.optimizer
        self.scale = _Scale(self.optimizer.loss_scaler)

    def accumulating(self, last: bool) -> AbstractContextManager[Any]:
        """Tell the engine where a step ends."""
        self.engine.set_gradient_accumulation_boundary(last)
        return nullcontext()

    def backward(self, loss: torch.Tensor) -> None:
        """Add gradients; they come together batch by batch, because only parts of them are kept."""
        self.engine.backward(loss * self.world.size, scale_wrt_gas=False)

    def update(self, rate: float) -> float:
        """Move the weights; the norm of the gradients before it was bounded."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.engine.step()
        norm = self.engine.get_global_grad_norm()
        return float(norm) if norm is not None else math.nan

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Within, the main process finds whole weights in the modules."""
        if not self.split:
            yield
            return

        def fetch(parameter: Any) -> torch.Tensor:
            with self._gathered([parameter]):
                return parameter.data.detach().to("cpu", copy=True)

        with whole_weights(self.model, fetch, self.world.main):
            yield

    def save_state(self, folder: Path) -> None:
        """Write this process's part of weights and states."""
        parts = {}
        for n, (weights, state) in enumerate(self._parts()):
            parts[f"{n}|weights"] = weights.detach().contiguous()
            parts |= {f"{n}|{kind}": torch.as_tensor(value).detach().contiguous()
                      for kind, value in sorted(state.items()) if value is not None}
        save_file(parts, folder / PART.format(self.world.rank + 1, self.world.size))

    def load_state(self, folder: Path) -> None:
        """Read what `save_state` wrote.

        Raises:
            InputError: another number of processes wrote it.
        """
        path = folder / PART.format(self.world.rank + 1, self.world.size)
        if not path.is_file():
            wrote = len(list(folder.glob("zero-*-of-*.safetensors")))
            raise InputError(f"{wrote} processes wrote this checkpoint, and there are {self.world.size} now",
                             file=folder, field="deepspeed",
                             fix=f"start {wrote} processes; DDP and fsdp resume with any number")
        saved = load_file(path)
        for n, (weights, state) in enumerate(self._parts()):
            for key in [k for k in saved if k.startswith(f"{n}|")]:
                value, kind = saved[key], key.partition("|")[2]
                with torch.no_grad():
                    if kind == "weights":
                        weights.copy_(value)
                    elif kind == "step" and counts_by_number(self.optimizer.optimizer):
                        state[kind] = int(value)
                    elif isinstance(state.get(kind), torch.Tensor):
                        state[kind].copy_(value)
                    else:
                        state[kind] = value if kind == "step" else value.to(weights.device)

    def _parts(self) -> list[tuple[torch.Tensor, dict[str, Any]]]:
        """Flat weights in fp32 and their states, group by group, as DeepSpeed keeps them."""
        zero = self.optimizer
        flat = zero.fp32_partitioned_groups_flat if self.stage == 3 else zero.single_partition_of_fp32_groups
        return [(weights, zero.optimizer.state[weights]) for weights in flat]


class _Scale:
    """DeepSpeed's loss scaling, as far as a checkpoint must know it."""

    enabled, value = False, 1.0

    def __init__(self, scaler: Any) -> None:
        self._scaler = scaler

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self._scaler, name) for name in SCALER if hasattr(self._scaler, name)}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        for name, value in state.items():
            setattr(self._scaler, name, value)


def _deepspeed(world: World) -> Any:
    # It asks the launcher's variable, also later on; a process that nobody launched has none.
    os.environ.setdefault("LOCAL_RANK", str(world.local_rank))
    if not world.gpu:
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    try:
        import deepspeed
    except ImportError:
        raise MissingDependency("deepspeed", "deepspeed", "deepspeed") from None
    if not world.gpu:
        # It would compile code of its own for minutes, to add up figures of one machine; gloo does that.
        deepspeed.ops.__compatible_ops__[deepspeed.ops.op_builder.ShareMemCommBuilder.NAME] = False
    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    # It calls torch by names that torch has since changed.
    warnings.filterwarnings("ignore", message=r".*torch\.distributed\.\w+` is deprecated", category=FutureWarning)
    return deepspeed
