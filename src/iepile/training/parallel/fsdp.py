"""Fully sharded data-parallel training (FSDP2): each process holds a part of every weight, gradient and state.

The model is sharded block by block with torch's `fully_shard`; a block is whole only while it is computed. The
optimizer's state is saved by each process for its own rows, and read by any number of processes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from iepile.errors import InputError
from iepile.training.optimizer import restore_state, state_by_name
from iepile.training.parallel.gathering import whole_weights
from iepile.training.parallel.strategy import Strategy

PART = "optimizer-{:05d}-of-{:05d}.safetensors"


class FullyShard(Strategy):
    """The model under `fully_shard`."""

    split = True

    def wrap(self, model: Any) -> Any:
        """Shard the model in place. It comes in main memory; the parts move to the devices."""
        if self.world.gpu:
            self.device = torch.device("cuda", self.world.local_rank)
        mesh = init_device_mesh(self.device.type, (self.world.size,))
        c = self.config
        half = torch.bfloat16 if c.bf16 else torch.float16 if c.fp16 else None
        more: dict[str, Any] = {"mesh": mesh}
        if half is not None:
            more["mp_policy"] = MixedPrecisionPolicy(param_dtype=half, reduce_dtype=torch.float32)
        if c.fsdp_offload and self.device.type == "cuda":
            more["offload_policy"] = CPUOffloadPolicy()
        # The adapter's own shell stays outside: generation enters below it.
        self._base = model.get_base_model() if hasattr(model, "get_base_model") else model
        for block in blocks_of(self._base):
            fully_shard(block, **more)
        fully_shard(self._base, **more)
        sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
        # Gradients that wait for the end of a step are whole ones: affordable only where few weights are trained.
        self._waits = 10 * sum(n for n, trained in sizes if trained) < sum(n for n, _ in sizes)
        return model

    def accumulating(self, last: bool) -> AbstractContextManager[Any]:
        """Keep gradients at home until the last batch of the step, where they are small."""
        self._base.set_requires_gradient_sync(last or not self._waits)
        return nullcontext()

    def norm(self, gradients: list[torch.Tensor]) -> float:
        """Norm over the parts in all processes."""
        norm: Any = torch.nn.utils.get_total_norm(gradients)
        return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Within, the main process finds whole weights in the modules."""
        for module in self.model.modules():
            if isinstance(module, FSDPModule):
                module.reshard()  # the outermost part stays whole after an evaluation
        with whole_weights(self.model, lambda p: p.full_tensor() if isinstance(p, DTensor) else p, self.world.main):
            yield

    def save_state(self, folder: Path) -> None:
        """Write the rows of the states that this process holds."""
        named = state_by_name(self.optimizer, self.trained)
        parts = {k: (v.to_local() if isinstance(v, DTensor) else v).contiguous() for k, v in named.items()}
        save_file(parts, folder / PART.format(self.world.rank + 1, self.world.size))

    def load_state(self, folder: Path) -> None:
        """Read the rows that this process holds, whoever wrote them."""
        mine = read_rows_of(folder, self.trained, self.world.rank, self.world.size)
        restore_state(self.optimizer, self.trained, mine)


def blocks_of(model: Any) -> list[Any]:
    """The blocks (transformer layers) of a model, from the inside out."""
    names = set(getattr(model, "_no_split_modules", None) or ())
    found = [m for m in model.modules() if type(m).__name__ in names]
    if not found:
        found = [m for layers in model.modules() if isinstance(layers, torch.nn.ModuleList) for m in layers]
    return found[::-1]


def rows_of(rows: int, rank: int, size: int) -> range:
    """Which of so many rows a process holds: equal runs, the last ones shorter or empty."""
    run = math.ceil(rows / size)
    return range(min(rank * run, rows), min((rank + 1) * run, rows))


def read_rows_of(folder: Path, trained: Mapping[str, Any], rank: int, size: int) -> dict[str, torch.Tensor]:
    """States of the rows that a process holds, from the parts of a checkpoint, of any number of processes.

    Raises:
        InputError: parts are missing.
    """
    files = sorted(folder.glob("optimizer-*-of-*.safetensors"))
    if not files or PART.format(1, len(files)) != files[0].name:
        raise InputError("parts of the optimizer's state are missing", file=folder, field="resume_from_checkpoint")
    saved: dict[str, torch.Tensor] = {}
    with ExitStack() as stack:
        parts = [stack.enter_context(safe_open(f, "pt")) for f in files]
        for key in list(parts[0].keys()):
            p = trained[key.rpartition("|")[0]]
            first = parts[0].get_slice(key)
            if not first.get_shape() or not isinstance(p, DTensor):
                saved[key] = parts[0].get_tensor(key)
                continue
            mine = rows_of(p.shape[0], rank, size)
            pieces = []
            for n, part in enumerate(parts):
                theirs = rows_of(p.shape[0], n, len(parts))
                start, stop = max(mine.start, theirs.start), min(mine.stop, theirs.stop)
                if start < stop:
                    pieces.append(part.get_slice(key)[start - theirs.start : stop - theirs.start])
            empty = p.to_local().new_empty((0, *p.shape[1:]))
            local = torch.cat(pieces) if pieces else empty
            saved[key] = DTensor.from_local(local.to(p.to_local().device), p.device_mesh, p.placements, run_check=False,
                                            shape=p.shape, stride=p.stride())
    return saved
