"""Documents on disk while they wait for their turn: any of them can be read again, eight bytes of memory each.

>>> with Spool() as spool:
...     number = spool.add(Document("Ada met Bob."))
...     spool.get(number).text
'Ada met Bob.'
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator
from types import TracebackType

import msgspec

from iepile.records import Document

_BLOCK = 1 << 20
"""Bytes written at once."""


class Spool:
    """A growing list of documents in a temporary file (in TMPDIR), which is gone when it is closed."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed by `close`)
        self._ends = array("Q")
        self._written = 0
        self._waiting = bytearray()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Document).decode

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[Document]:
        return map(self.get, range(len(self)))

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def add(self, doc: Document) -> int:
        """Keep a document; returns its number."""
        self._waiting += self._encode(doc)
        self._ends.append(self._written + len(self._waiting))
        if len(self._waiting) >= _BLOCK:
            self._file.seek(self._written)
            view = memoryview(self._waiting)
            while view:
                view = view[self._file.write(view) :]
            self._written += len(self._waiting)
            self._waiting = bytearray()
        return len(self._ends) - 1

    def get(self, number: int) -> Document:
        """The document of that number."""
        start, end = self._ends[number - 1] if number else 0, self._ends[number]
        if start >= self._written:
            return self._decode(self._waiting[start - self._written : end - self._written])
        self._file.seek(start)
        data = bytearray()
        while len(data) < end - start:
            data += self._file.read(end - start - len(data))
        return self._decode(data)
