"""The journal of a run: one line for each finished request, so that a crash loses nothing.

It lies beside the output (`<output>.journal`). The first line names what was asked of which model (a
fingerprint); a restart with the same fingerprint goes on where the journal ends, a torn last line
included.

>>> journal = Journal.open("out.json", fingerprint, total=3)  # doctest: +SKIP
>>> journal.append(0, completion); journal.close()  # doctest: +SKIP
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Completion, encodable
from iepile.extraction.sources import content
from iepile.jsonl import BROKEN_JSON, check_folder

FORMAT = 2
AHEAD = 1 << 22
"""Requests that may be answered before an earlier one is: a number beyond is no number of ours."""
SYNC_SECONDS = 1.0
"""Longest time between two calls of fsync: what a power cut (not a crash) can lose."""


class _Header(msgspec.Struct):
    iepile_journal: int
    fingerprint: str


class _Line(msgspec.Struct):
    row: int
    completion: Completion


class _Failed(msgspec.Struct):
    finish: str = "stop"


class _Number(msgspec.Struct):
    row: int
    completion: _Failed


_header = msgspec.json.Decoder(_Header)
_line = msgspec.json.Decoder(_Line)
_number = msgspec.json.Decoder(_Number)


def fingerprint(input_file: str | Path, settings: Mapping[str, Any]) -> str:
    """SHA-256 of the content of the input, a file or a folder, and of everything else that decides the output."""
    h = hashlib.sha256(msgspec.json.encode(dict(settings), order="sorted", enc_hook=str) + b"\n")
    for block in content(input_file):
        h.update(block)
    return h.hexdigest()


def journal_path(output: str | Path) -> Path:
    """Where the journal of an output lies."""
    output = Path(output)
    return output.with_name(output.name + ".journal")


class Journal:
    """Finished requests by their number; use `Journal.open`."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.resumed = 0
        """Requests that were finished when the journal was opened."""
        self._fd = fd
        self._at = array("q")
        self._answered = 0
        self._end = 0
        self._synced = time.monotonic()

    @classmethod
    def open(cls, output: str | Path, fingerprint: str, overwrite: bool = False) -> Journal:
        """Open the journal of `output`, new or to go on with.

        Args:
            overwrite: whether a journal of another run may be replaced.

        Raises:
            InputError: it is of another run, or another process writes it.
        """
        path = journal_path(output)
        check_folder(path.parent)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            _lock(fd, path)
            journal = cls(path, fd)
            journal._load(fingerprint, overwrite)
        except BaseException:
            os.close(fd)
            raise
        return journal

    @classmethod
    def peek(cls, output: str | Path, fingerprint: str) -> Journal | None:
        """The journal as it stands, to read from while another may be writing it. None: there is none of this run."""
        try:
            fd = os.open(journal_path(output), os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            return None
        journal = cls(journal_path(output), fd)
        with os.fdopen(os.dup(fd), "rb") as f:
            first = f.readline()
            if first.endswith(b"\n") and cls._ours(first, fingerprint):
                journal._index(f, len(first))
                return journal
        journal.close()
        return None

    def _load(self, fingerprint: str, overwrite: bool) -> None:
        with os.fdopen(os.dup(self._fd), "rb") as f:
            f.seek(0)
            first = f.readline()
            # A header cut short holds no work yet, so it is simply written again.
            if first.endswith(b"\n") and not self._ours(first, fingerprint):
                if not overwrite:
                    raise InputError(
                        "is the journal of a run with another input, model or settings",
                        file=self.path,
                        fix="remove it, choose another output, or give --overwrite to start afresh",
                    )
                first = b""
            if first.endswith(b"\n"):
                self._index(f, len(first))
        os.ftruncate(self._fd, self._end)
        if not self._end:
            self._write(msgspec.json.encode(_Header(FORMAT, fingerprint)) + b"\n")
        self.resumed = self._answered

    def _index(self, lines: Iterable[bytes], begin: int) -> None:
        self._end = begin
        for line in lines:
            if not self._note(line):
                break

    @staticmethod
    def _ours(first: bytes, fingerprint: str) -> bool:
        try:
            return _header.decode(first) == _Header(FORMAT, fingerprint)
        except BROKEN_JSON:
            return False

    def _note(self, line: bytes) -> bool:
        """Index a line; False at the first one that is not whole: it and what follows is done again."""
        try:
            entry = _number.decode(line)
        except BROKEN_JSON:
            return False
        if not line.endswith(b"\n") or not 0 <= entry.row < len(self._at) + AHEAD:
            return False
        # What failed last time is tried again.
        if entry.completion.finish != "error":
            self._place(entry.row, self._end)
        self._end += len(line)
        return True

    def _place(self, row: int, at: int) -> None:
        if row >= len(self._at):
            self._at.extend([-1] * (row + 1 - len(self._at)))
        self._answered += self._at[row] < 0
        self._at[row] = at

    def __contains__(self, row: int) -> bool:
        return row < len(self._at) and self._at[row] >= 0

    def __len__(self) -> int:
        """Requests with an answer, failed ones of this run included."""
        return self._answered

    def forget(self, row: int) -> None:
        """Let a request that failed be answered anew."""
        self._answered -= self._at[row] >= 0
        self._at[row] = -1

    def append(self, row: int, completion: Completion) -> None:
        """Keep the answer to a request. It survives a crash of this process from here on."""
        if row in self:
            raise IepileError(f"the engine answered request {row} twice; this is a fault of the engine")
        at = self._end
        data = msgspec.json.encode(_Line(row, encodable(completion)))
        self._write(data + b"\n")
        self._place(row, at)
        if time.monotonic() - self._synced > SYNC_SECONDS:
            os.fsync(self._fd)
            self._synced = time.monotonic()

    def _write(self, data: bytes) -> None:
        try:
            os.lseek(self._fd, self._end, os.SEEK_SET)
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as e:
            raise IepileError(
                f"{self.path}: cannot be written: {e.strerror}; the answers so far are kept\n"
                "  do:       make room and run the same command again"
            ) from e
        self._end += len(data)

    def read(self, row: int) -> Completion:
        """The answer to a request.

        Raises:
            KeyError: there is none yet.
        """
        if row not in self:
            raise KeyError(row)
        at = self._at[row]
        data = b""
        os.lseek(self._fd, at, os.SEEK_SET)
        while not data.endswith(b"\n"):
            block = os.read(self._fd, 1 << 14)
            if not block:
                raise IepileError(f"{self.path}: was changed while it was in use; run the same command again")
            cut = block.find(b"\n")
            data += block if cut < 0 else block[: cut + 1]
        return _line.decode(data).completion

    def remove(self) -> None:
        """The output is written: the journal has done its work."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; what is in it stays."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.fsync(self._fd)
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def _lock(fd: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            "is in use: another run is writing this output",
            file=path,
            fix="wait for it to end, or choose another output",
        ) from None
    except OSError:
        # Some network file systems know no locks; a run there is on its own.
        return
