"""Finished work is not done again: a stamp holds what a step read and wrote.

    stamps = Stamps("runs/x/.stages")
    done = stamps.run("convert-1", settings, reads=[src], writes=[tgt], work=lambda: convert(...))
    done.kept                                     # it was finished before, and nothing has changed since

A stamp fits when the version of iepile, the settings and the content of every file read are the same, and
the files written are as the step left them. A torn stamp is as good as none.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from iepile.jsonl import atomic_writer, check_folder
from iepile.version import __version__


class Done(msgspec.Struct):
    """A finished step."""

    key: str
    """Hash of the version, the settings and what was read."""
    result: Any
    """What the step returned, as plain data."""
    seconds: float
    wrote: dict[str, list[int]]
    """File -> [size, time of change in ns], [] if it is not there."""
    kept: bool = False
    """Finished before; not run again."""


class Stamps:
    """The stamps of one folder of work."""

    def __init__(self, folder: str | Path) -> None:
        """
        Raises:
            InputError: the folder cannot be written.
        """
        self.folder = check_folder(folder)

    def run(
        self, name: str, settings: Any, reads: Iterable[Path], writes: Iterable[Path], work: Callable[[], Any]
    ) -> Done:
        """Do the work, unless a fitting stamp of that name says that it is done.

        Args:
            settings: anything msgspec can write; part of the key.
            reads: files and folders whose content is part of the key.
            writes: files and folders; a `{part}` in a file's name stands for anything.
            work: does it; what it returns is kept in the stamp.
        """
        writes = list(writes)
        stamp = self.folder / (re.sub(r"[^\w.]+", "-", name) + ".json")
        key = _key(settings, reads)
        old = _read(stamp)
        if old is not None and old.key == key and old.wrote == _state(writes):
            old.kept = True
            return old
        began = time.monotonic()
        result = msgspec.to_builtins(work())
        done = Done(key, result, time.monotonic() - began, _state(writes))
        with atomic_writer(stamp) as f:
            f.write(msgspec.json.format(msgspec.json.encode(done)))
        return done


def _key(settings: Any, reads: Iterable[Path]) -> str:
    digest = sha256(msgspec.json.encode([__version__, msgspec.to_builtins(settings)], order="deterministic"))
    for path in reads:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"\0{file}\0".encode())
                with file.open("rb") as f:
                    while block := f.read(1 << 20):
                        digest.update(block)
    return digest.hexdigest()


def _state(writes: Iterable[Path]) -> dict[str, list[int]]:
    """Size and time of every file: enough to see that somebody changed one."""
    out: dict[str, list[int]] = {}
    for path in writes:
        pattern = str(path).replace("{part}", "*")
        found = [path] if "*" not in pattern else sorted(Path(pattern).parent.glob(Path(pattern).name))
        for item in found:
            for file in sorted(item.rglob("*")) if item.is_dir() else [item]:
                stat = file.stat() if file.is_file() else None
                out[str(file)] = [] if stat is None else [stat.st_size, stat.st_mtime_ns]
    return out


def _read(path: Path) -> Done | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Done)
    except (OSError, msgspec.MsgspecError):
        return None  # torn by a kill: the step runs again
