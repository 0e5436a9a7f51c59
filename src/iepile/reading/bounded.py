"""Reading in a process of its own, which may crash, hang or take too much without harm to the one that asked.

    documents = read_bounded(data, "upload.pdf", ReadLimits(seconds=20))

The child gets the file on its standard input and opens no path. Before it loads a library it bounds its memory and its
time, and forbids itself to write files (where the system has such limits; everywhere it is killed when its time is
over). It is a fresh Python, not a fork: a server has threads, and a model in its memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import msgspec

from iepile.errors import IepileError, InputError, MissingDependency
from iepile.reading.limits import LIMITS, OPTIONS, ReadLimits, ReadOptions
from iepile.records import Document

START = 10.0
"""Seconds that a child may take beyond the time for reading: to start, and to hand over what it read."""
NAME = 4096
"""Longest name of a file, in characters."""


class Order(msgspec.Struct):
    """What a child is told on its command line."""

    name: str
    limits: ReadLimits
    options: ReadOptions


class Answer(msgspec.Struct, omit_defaults=True):
    """What it says: documents, or why there are none."""

    documents: list[Document] = []
    error: dict[str, Any] = {}
    missing: list[str] = []


def read_bounded(
    data: bytes | Path, name: str, limits: ReadLimits = LIMITS, options: ReadOptions = OPTIONS
) -> list[Document]:
    """What `read_document` returns, read in a child process that is held to the limits.

    Args:
        data: the content, or a file that holds it.
        name: what it is called; never opened.

    Raises:
        InputError: what `read_document` raises; also when reading it took too much memory or time, or crashed.
        MissingDependency: the library that reads the form is not installed.
        IepileError: no child could be started.
    """
    if len(name) > NAME:
        raise InputError("has too long a name", file=name[:80] + "...", expected=f"{NAME} characters at most")
    order = msgspec.json.encode(Order(name.encode("utf-8", "replace").decode(), limits, options)).decode()
    if isinstance(data, Path):
        try:
            with data.open("rb") as file:
                return _asked(file, os.fstat(file.fileno()).st_size, name, limits, order)
        except OSError as e:
            raise InputError(f"cannot be read: {e.strerror}", file=name) from None
    if len(data) > limits.bytes_in:
        return _asked(sys.stdin, len(data), name, limits, order)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return _asked(file, len(data), name, limits, order)


def _asked(file: IO[Any], size: int, name: str, limits: ReadLimits, order: str) -> list[Document]:
    if size > limits.bytes_in:
        raise InputError(f"is {size:,} bytes", file=name, field="bytes_in", expected=f"{limits.bytes_in:,} at most",
                         fix="split the file, or allow more")
    with tempfile.TemporaryFile() as said:
        command = [sys.executable, "-P", "-c", "from iepile.reading.child import main; main()", order]
        try:
            done = subprocess.run(command, stdin=file, stdout=subprocess.PIPE, stderr=said, check=False,
                                  timeout=limits.seconds + START, env=_environment())
        except subprocess.TimeoutExpired:
            raise InputError(f"takes longer than {limits.seconds:g} seconds to read", file=name, field="seconds",
                             fix="split the file, or allow more time") from None
        except OSError as e:
            raise IepileError(f"no process could be started to read {name}: {e.strerror}") from None
        try:
            answer = msgspec.json.decode(done.stdout, type=Answer)
        except msgspec.DecodeError:
            said.seek(0)
            raise _crashed(done.returncode, said.read(4096).decode("utf-8", "replace"), name, limits) from None
    if answer.missing:
        raise MissingDependency(*answer.missing)
    if answer.error:
        raise InputError(answer.error.pop("problem"), **answer.error)
    return answer.documents


def _environment() -> dict[str, str]:
    """Ours, with the folders that modules come from: `-P` keeps the child from the working folder."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1",
                         "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _crashed(code: int, said: str, name: str, limits: ReadLimits) -> InputError:
    if "MemoryError" in said or "bad_alloc" in said or "out of memory" in said.lower():
        return InputError(f"takes more than {limits.memory >> 20:,} MiB of memory to read", file=name, field="memory",
                          fix="split the file, or allow more")
    if code in (-24, -9):  # SIGXCPU, SIGKILL
        return InputError(f"takes longer than {limits.seconds:g} seconds to read", file=name, field="seconds",
                          fix="split the file, or allow more time")
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return InputError(f"made its reader fail ({how})", file=name,
                      fix="save it anew with the program that wrote it: it is damaged, or made to do harm")
