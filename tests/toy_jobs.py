"""Functions for worker processes to run: they must stand in a module that such a process can import."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from iepile.corpus.parallel import Blob
from iepile.errors import InputError

Made = tuple[int, int, Blob, Blob]
"""Job, process, and two blobs that can be checked."""


def blobs(n: int) -> tuple[bytes, bytes]:
    return bytes([n % 256]) * (n * 1000), str(n).encode()


def maker(folder: str | None = None, wait: float = 0.0) -> Callable[[int], Made]:
    """Leaves a file in `folder` each time it is called; even jobs take `wait` seconds."""
    if folder is not None:
        (Path(folder) / f"built-{os.getpid()}-{time.monotonic_ns()}").touch()

    def work(n: int) -> Made:
        if n % 2 == 0:
            time.sleep(wait)
        first, second = blobs(n)
        return n, os.getpid(), Blob(first), Blob(second)

    return work


def refusing(line: int) -> Callable[[int], int]:
    def work(n: int) -> int:
        if n == line:
            raise InputError("bad", file="a.json", line=line, field="text", expected="words", fix="write some")
        return n

    return work


def unbuildable() -> Callable[[int], int]:
    raise InputError("no such schema", file="schema.json")


def dying(n: int) -> Callable[[int], int]:
    def work(job: int) -> int:
        if job == n:
            os.kill(os.getpid(), signal.SIGKILL)
        return job

    return work
