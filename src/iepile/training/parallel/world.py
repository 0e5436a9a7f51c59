"""The processes of a run: who this one is, and how figures come together.

>>> with open_world(config) as world: ...  # doctest: +SKIP

Figures go over gloo in fp64 and in the order of the processes, so that they are the same each time. Whatever
fails in one process ends all of them, and is told once.
"""

from __future__ import annotations

import atexit
import itertools
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from iepile.errors import IepileError, InputError
from iepile.training.config import TrainConfig
from iepile.training.parallel.launch import HOW, Launch, read_launch
from iepile.training.parallel.watch import GRACE, Watch

MEETING = timedelta(minutes=5)
"""How long processes wait for each other at the beginning."""
PATIENCE = timedelta(hours=1)
"""How long one waits for another in the midst of work; one that died is noticed much earlier."""
LOST = ("connection closed", "connection reset", "connection refused", "timed out", "socket", "nccl", "broken pipe")

logger = logging.getLogger("iepile")
_meetings = itertools.count()
_kept: list[str] = []
"""Names of libraries that hold on to the group of processes after a run."""


@dataclass(frozen=True)
class World:
    """One process among those of the run; alone if nothing is given."""

    rank: int = 0
    """Number of this process, from 0."""
    size: int = 1
    """Number of processes."""
    local_rank: int = 0
    """Its number on its machine."""
    gpu: bool = False
    """Whether each process has a GPU of its own."""

    @property
    def main(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Sums over the processes, in order."""
        if self.size == 1:
            return list(values)
        import torch

        every = [torch.empty(len(values), dtype=torch.float64) for _ in range(self.size)]
        torch.distributed.all_gather(every, torch.tensor(values, dtype=torch.float64))
        total = every[0]
        for more in every[1:]:
            total = total + more
        return [float(v) for v in total]

    def share(self, value: Any) -> Any:
        """What the main process gives, in each process: anything that JSON holds."""
        if self.size == 1:
            return value
        import torch

        text = json.dumps(value).encode() if self.main else b""
        length = int(self.sum([len(text)])[0])
        block = torch.tensor(list(text), dtype=torch.uint8) if self.main else torch.empty(length, dtype=torch.uint8)
        torch.distributed.broadcast(block, 0)
        return json.loads(bytes(block.tolist()))

    def barrier(self) -> None:
        """Wait until every process is here."""
        # A sum of nothing, on the CPU: NCCL's barrier would need a device.
        self.sum([0.0])

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """The main process goes through the block first, then the others: it fills a cache that they read."""
        if not self.main:
            self.barrier()
        yield
        if self.main:
            self.barrier()


@contextmanager
def open_world(config: TrainConfig) -> Iterator[World]:
    """Join the processes of the run, and part from them at the end.

    Raises:
        InputError: the launcher's variables make no sense, or there are fewer GPUs than processes.
        IepileError: a process did not come, or was lost.
        SystemExit: another process failed; it says why.
    """
    launch = read_launch()
    if launch.size == 1 and not (config.deepspeed or config.fsdp):
        yield World()
        return
    backend = _backend(config, launch)
    world = World(launch.rank, launch.size, launch.local_rank, gpu="nccl" in backend)
    level = logger.level
    if not world.main:
        logger.setLevel(logging.ERROR)
    watch = None
    launched = "LOCAL_RANK" in os.environ
    try:
        watch = _join(backend, launch)
        yield world
        if watch:
            watch.stop()
        world.barrier()
    except BaseException as e:
        code = getattr(e, "exit_code", 1)
        if watch and not watch.claim(code):
            time.sleep(GRACE / 3)
            raise SystemExit(code) from None
        if isinstance(e, RuntimeError) and any(sign in str(e).lower() for sign in LOST):
            said = re.sub(r"^(\[\S+\] )+", "", str(e).splitlines()[0]).partition(". ")[0]
            raise IepileError(
                f"another process of the run was lost: {said[:200]}\n"
                "  do:       run the same command with resume_from_checkpoint true to go on"
            ) from e
        raise
    else:
        _part(config)
    finally:
        logger.setLevel(level)
        if not launched:
            # DeepSpeed needed it (zero.py); left behind, other libraries would take this process for a launched one.
            os.environ.pop("LOCAL_RANK", None)
        if launch.size == 1:
            _part(config)

def _backend(config: TrainConfig, launch: Launch) -> str:
    import torch

    kind = config.device
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if kind == "cpu":
        return "gloo"
    if kind != "cuda":
        raise InputError(f"is {config.device}, but each process takes its own GPU", field="device",
                         expected="auto, cpu or cuda")
    if launch.local_rank >= torch.cuda.device_count():
        raise InputError(f"process {launch.local_rank} of this machine has no GPU: there are "
                         f"{torch.cuda.device_count()}", fix="start one process for each GPU")
    torch.cuda.set_device(launch.local_rank)
    return "cpu:gloo,cuda:nccl"


def _join(backend: str, launch: Launch) -> Watch | None:
    """Form the group of processes; the watch over it, where there are several."""
    import torch
    from torch import distributed

    there = distributed.is_initialized()
    if launch.size == 1:
        if not there:
            distributed.init_process_group(backend, store=distributed.HashStore(), rank=0, world_size=1)
        return None
    try:
        store, _, _ = next(distributed.rendezvous("env://", launch.rank, launch.size, timeout=MEETING))
        store.set_timeout(MEETING)
        # The store may outlive a run: a launcher starts processes again, and a program may tune twice.
        name = f"iepile {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')} {next(_meetings)}"
        if not there:
            distributed.init_process_group(backend, store=distributed.PrefixStore(name, store), rank=launch.rank,
                                           world_size=launch.size, timeout=PATIENCE)
        # A client of its own: the other is locked while the group waits for something.
        client = distributed.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False,
                                      timeout=MEETING)
        watch = Watch(distributed.PrefixStore(f"{name} watch", client), launch.rank, launch.size)
        World(launch.rank, launch.size).barrier()
    except (RuntimeError, torch.distributed.DistError) as e:
        raise IepileError(f"the {launch.size} processes of the run did not find each other at "
                          f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}: {str(e).splitlines()[0][:200]}\n"
                          f"  do:       check that all of them are started and reach each other; {HOW}") from e
    watch.start()
    return watch


def _part(config: TrainConfig) -> None:
    from torch import distributed

    def destroy() -> None:
        if distributed.is_initialized():
            distributed.destroy_process_group()

    if config.deepspeed and not _kept:
        _kept.append("deepspeed")
        atexit.register(destroy)
    if not _kept:
        destroy()
