"""What `iepile doctor` looks at besides packages, from the device to the port, and how to mend each."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

ENOUGH_DISK = 5.0
"""GB free, below which a language model and its training may not fit."""
ENOUGH_MEMORY = 4.0
"""GB of memory, below which torch and a model may not fit."""


class Check(msgspec.Struct):
    """One thing that was looked at."""

    name: str
    state: Literal["well", "warning", "ill"]
    """`warning`: something will not work, or slowly; `ill`: what was asked for cannot work."""
    found: str
    fix: str = ""


def device() -> tuple[str, Check]:
    """Where models run (empty: nowhere), and what is to say of it."""
    gpu = shutil.which("nvidia-smi") is not None
    try:
        import torch
    except ImportError:
        return "", Check("models run on", "warning", "torch is not installed", "pip install 'iepile[train]'")
    except OSError as e:  # a library of it does not fit this machine
        return "", Check("models run on", "ill", f"torch does not start: {e}", "install torch again, for this machine")
    if torch.cuda.is_available():
        name = f"cuda: {torch.cuda.get_device_name(0)} ({torch.cuda.device_count()})"
        free, whole = (n / 1e9 for n in torch.cuda.mem_get_info(0))
        return name, Check("models run on", "well", f"{name}, {free:,.0f} of {whole:,.0f} GB free")
    if torch.backends.mps.is_available():
        return "mps", Check("models run on", "well", "mps")
    if torch.version.cuda is not None:
        return "cpu", Check("models run on", "warning", "cpu: this torch is made for CUDA, but no GPU answers",
                            "see whether nvidia-smi answers, and whether its driver is new enough for CUDA "
                            f"{torch.version.cuda}")
    if gpu:
        return "cpu", Check("models run on", "warning", "cpu: there is a GPU, but this torch is made for processors",
                            "install the build of torch for CUDA in its place")
    return "cpu", Check("models run on", "well", "cpu")


def terminal() -> Check:
    """Whether Chinese can be shown."""
    encoding = sys.stdout.encoding or ""
    if encoding.lower().replace("-", "") == "utf8":
        return Check("terminal", "well", encoding)
    return Check("terminal", "warning", f"{encoding or 'unknown'}: it does not take UTF-8, and Chinese cannot be shown",
                 "set PYTHONUTF8=1")


def disk() -> Check:
    """Room in this folder."""
    free = shutil.disk_usage(".").free / 1e9
    if free >= ENOUGH_DISK:
        return Check("free here", "well", f"{free:,.1f} GB")
    return Check("free here", "warning", f"{free:,.1f} GB: a model and its training may not fit",
                 "make room, or work in a folder on another disk")


def memory() -> Check | None:
    """Memory of the machine; None where the system does not tell."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, OSError, ValueError):
        return None
    if whole >= ENOUGH_MEMORY:
        return Check("memory", "well", f"{whole:,.1f} GB")
    return Check("memory", "warning", f"{whole:,.1f} GB: little for torch and a model",
                 "use small batches, or the compact model as ONNX")


def folder(name: str, path: str, fix: str) -> Check:
    """Whether files can be written in a folder, or the folder made where it is missing."""
    there = Path(path)
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as e:
        return Check(name, "ill", f"{path}: {e.strerror or e}", fix)
    return Check(name, "well", path if there == Path(path) else f"{path}, to be made")


def port(number: int) -> Check:
    """Whether the service could listen."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", number))
        except OSError as e:
            return Check("port", "ill", f"{number}: {e.strerror or e}",
                         "iepile serve --port with another number; 0 takes one that is free")
    return Check("port", "well", f"{number}, free")


def checks(port_number: int, data_dir: str, of_device: Check) -> list[Check]:
    """All of them, in the order they are shown in."""
    cache = os.environ.get("HF_HOME") or str(Path.home() / ".cache/huggingface")
    found: list[Callable[[], Check | None]] = [
        lambda: of_device, terminal, disk, memory,
        lambda: folder("temporary files", tempfile.gettempdir(), "set TMPDIR to a folder that can be written"),
        lambda: folder("fetched models", cache, "set HF_HOME to a folder that can be written"),
        lambda: folder("data of the service", data_dir, "iepile serve --data_dir with another folder"),
        lambda: port(port_number),
    ]
    return [check for look in found if (check := look()) is not None]
