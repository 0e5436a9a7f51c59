"""Rows of one text usually stand together; what to do where they do not, in memory that does not grow with the file.

`Keys` notices that the rows of a text stand apart: it keeps a hash of every text that has ended. `Parts` brings them
together: rows are written to temporary files by their key, and read one file after another.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

Key = tuple[str, str, str]
"""Task, source and id of a text."""

_PARTS = 64
_HELD = 1 << 17
"""Hashes kept in memory, 8 bytes each; more are written to a temporary file."""
_EARLY = 1 << 12
"""Texts after which it is worth looking for the first time: where rows stand apart, most files show it at once."""
_PART_BYTES = 16 << 20
_MOST_PARTS = 256
_HEAD = struct.Struct("<QQ")


def hash_of(key: Key) -> int:
    """A hash of a key: that of its id, changed by a number which its task and source have in common."""
    task, source, own = key
    return hash(own) ^ hash((task, source))


class Keys:
    """Hashes of the keys of all texts that have ended.

    Equal hashes of different keys cost time, never exactness: the rows are only read in another way.
    """

    def __init__(self) -> None:
        self.parts = [array("q") for _ in range(_PARTS)]
        """By the lowest bits of the hash."""
        self._early = True
        self._file: IO[bytes] | None = None
        self._runs: list[list[tuple[int, int]]] = [[] for _ in range(_PARTS)]

    def add(self, key: Key) -> None:
        """A text has ended."""
        h = hash_of(key)
        self.parts[h & _PARTS - 1].append(h)

    def twice_so_far(self) -> bool:
        """Whether a text ended twice; to be asked now and then, it also keeps memory low."""
        held = sum(map(len, self.parts))
        if self._early and held >= _EARLY:
            self._early = False
            return self.twice()
        if held >= _HELD:
            self._put_away()
        return False

    def twice(self) -> bool:
        """Whether a text ended twice."""
        return any(len(set(part)) < len(part) for part in map(self._whole, range(_PARTS)))

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def _put_away(self) -> None:
        if self._file is None:
            self._file = _temporary()
        for part, runs in zip(self.parts, self._runs, strict=True):
            runs.append((self._file.tell(), len(part)))
            self._file.write(part.tobytes())
            del part[:]

    def _whole(self, n: int) -> array[int]:
        whole = array("q", self.parts[n])
        for start, length in self._runs[n]:
            assert self._file is not None
            self._file.seek(start)
            whole.frombytes(self._file.read(8 * length))
        return whole


class Parts:
    """Rows in temporary files, all rows of a key in one."""

    def __init__(self, size: int) -> None:
        """`size`: bytes to come, about."""
        self._close = ExitStack()
        self._files = [
            self._close.enter_context(_temporary())
            for _ in range(min(_MOST_PARTS, 1 + size // _PART_BYTES))
        ]

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, *_: object) -> None:
        self._close.close()

    def add(self, key: Key | None, line: int, raw: bytes) -> None:
        """Put a row to those of its key; rows without one stand anywhere."""
        name = "\0".join(key).encode("utf-8", "surrogatepass") if key else b""
        self._files[zlib.crc32(name) % len(self._files)].write(_HEAD.pack(line, len(raw)) + raw)

    def __iter__(self) -> Iterator[Iterator[tuple[int, bytes]]]:
        """Each file's rows with their lines, in the order they came."""
        for file in self._files:
            file.seek(0)
            yield _rows(file)
            file.close()


def _temporary() -> IO[bytes]:
    import tempfile

    return tempfile.TemporaryFile(prefix="iepile-evaluate-")


def _rows(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    while head := file.read(_HEAD.size):
        line, length = _HEAD.unpack(head)
        yield line, file.read(length)


def can_be_read_again(path: str | Path) -> bool:
    """False of a pipe."""
    path = Path(path)
    return path.is_file() or not path.exists()


def size_of(path: str | Path) -> int:
    """Bytes of rows in a file, about; of a pipe, more than one likes to hold."""
    path = Path(path)
    if not path.is_file():
        return _PART_BYTES * _MOST_PARTS
    packed = path.suffix in (".gz", ".zst")
    return path.stat().st_size * (10 if packed else 1)
