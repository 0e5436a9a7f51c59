"""Several processes of one training run, as a launcher would start them, and what befalls them.

>>> ended = run_processes(config, 2, [Act("kill", step=5)])  # doctest: +SKIP

They are forked from a server that has loaded the heavy libraries once, so that a run takes a second or two.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

from fork_server import fork_context

SECONDS = 120.0
"""After which a run counts as hanging."""


@dataclass(frozen=True)
class Act:
    """What befalls a process in its progress report."""

    what: Literal["kill", "term", "fail", "freeze"]
    step: int
    rank: int | None = 0
    """None: all processes."""
    after: float = 0.0
    """Seconds after the step; 0: in this very place."""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str


def run_processes(config: Any, n: int, acts: Sequence[Act] = (), seconds: float = SECONDS,
                  variables: dict[str, str] | None = None) -> list[Ended]:
    """Tune in `n` processes, as the command line would; whichever still runs after `seconds` is killed.

    Args:
        variables: set in the environment of each, in place of what a launcher sets.
    """
    context = fork_context()
    said = {"WORLD_SIZE": str(n), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()),
            "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "TOKENIZERS_PARALLELISM": "false"}
    folder = Path(mkdtemp())
    started: list[ForkServerProcess] = []
    for rank in range(n):
        own = {**said, "RANK": str(rank), "LOCAL_RANK": str(rank), **(variables or {})}
        started.append(context.Process(target=_tune, args=(config, tuple(acts), own, str(folder / str(rank)))))
        started[-1].start()
    until = time.monotonic() + seconds
    for process in started:
        process.join(max(0.1, until - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()
    return [Ended(p.exitcode or 0, *((folder / f"{r}.{kind}").read_text("utf-8", "replace") for kind in ("out", "err")))
            for r, p in enumerate(started)]


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _tune(config: Any, acts: Sequence[Act], variables: dict[str, str], output: str) -> None:
    for number, kind in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{output}.{kind}", os.O_WRONLY | os.O_CREAT), number)
    os.environ.update(variables)
    import torch

    torch.set_num_threads(1)
    from iepile.cli.command import guarded
    from iepile.extraction.dev_score import tune_scored
    from iepile.training.trainee import Trainee

    rank, step, done = int(variables.get("RANK", "0")), Trainee.step, [0]

    def watched(self: Trainee, *args: Any) -> float:
        loss = step(self, *args)
        done[0] += 1
        for act in acts:
            if act.step == done[0] and act.rank in (None, rank):
                _befall(act)
        return loss

    Trainee.step = watched  # type: ignore[method-assign]
    code = guarded(lambda: tune_scored(config))
    sys.stdout.flush()
    sys.exit(code)


def _befall(act: Act) -> None:
    if act.what == "fail":
        from iepile.errors import IepileError

        raise IepileError(f"process {os.environ['RANK']} failed in step {act.step}")
    if act.what == "freeze":
        time.sleep(SECONDS)
    number = signal.SIGKILL if act.what == "kill" else signal.SIGTERM
    if act.after:
        threading.Timer(act.after, os.kill, (os.getpid(), number)).start()
    else:
        os.kill(os.getpid(), number)


def wait_for(ready: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
