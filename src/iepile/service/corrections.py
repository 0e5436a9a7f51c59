"""The store of corrections: reviewed documents, one JSON line each, in the data folder.

    {"id": "...", "saved": 1764237600.0, "document": {...}}
    {"deleted": "..."}

Lines are only ever appended, and flushed to the disk before the answer goes out. A line that a crash cut short is left
out when the file is read, and cut off before the next one is written. What was deleted is written out of the file
once half of its lines are dead, by a new file that takes the place of the old one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from iepile.errors import InputError
from iepile.jsonl import atomic_writer
from iepile.service.refusals import NoRoom, NotFound

MOST = 100_000
"""Corrections that a store holds."""
LARGEST = 1 << 30
"""Bytes of its file."""
_HEAD = 120
_FULL = "download the corrections, then delete what is no longer needed here"
_COMPACT_FROM = 64
"""Dead lines below which rewriting the file is not worth it."""


@dataclass(frozen=True)
class Entry:
    """Where a correction lies in the file, and what a list of them shows."""

    id: str
    saved: float
    offset: int
    length: int
    about: dict[str, Any]


class Corrections:
    """The corrections of a service. Safe for several threads; one process at a time."""

    def __init__(self, path: Path) -> None:
        """`path`: the file; it is made with the first correction."""
        self.path = path
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._end, self._dead = 0, 0
        self._load()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def save(self, document: dict[str, Any], replaces: str = "") -> Entry:
        """Keep a reviewed document.

        Args:
            document: a row of the unified format, checked by the caller.
            replaces: id of an earlier correction that goes out in the same step.

        Raises:
            NoRoom: the store is full.
            InputError: there is no correction to replace.
        """
        with self._lock:
            if replaces and replaces not in self._entries:
                raise InputError(f"no correction {replaces[:64]!r}", field="replaces", fix="leave `replaces` out")
            if len(self._entries) - bool(replaces) >= MOST:
                raise NoRoom(f"{MOST:,} corrections are kept", field="document", fix=_FULL)
            record = {"id": uuid4().hex[:16], "saved": round(time.time(), 3), "document": document}
            if replaces:
                record["deletes"] = replaces
            line = msgspec.json.encode(record) + b"\n"
            if self._end + len(line) > LARGEST:
                raise NoRoom("the file of corrections is full", field="document", fix=_FULL)
            self._append(line)
            entry = self._take(record, self._end - len(line), len(line))
            assert entry is not None
            self._compact_if_worth()
            return entry

    def delete(self, name: str) -> None:
        """Let a correction go.

        Raises:
            NotFound: there is none of this id.
        """
        with self._lock:
            self._entry(name)
            self._append(msgspec.json.encode({"deleted": name}) + b"\n")
            self._drop(name)
            self._dead += 1
            self._compact_if_worth()

    def entries(self) -> list[Entry]:
        """All of them, oldest first."""
        with self._lock:
            return list(self._entries.values())

    def document(self, name: str) -> dict[str, Any]:
        """The document of a correction.

        Raises:
            NotFound: there is none of this id.
        """
        with self._lock:
            entry = self._entry(name)
            with self.path.open("rb") as f:
                return _document(f, entry)

    def documents(self) -> Iterator[dict[str, Any]]:
        """All documents, oldest first, one in memory at a time; those deleted meanwhile are left out."""
        for entry in self.entries():
            try:
                yield self.document(entry.id)
            except NotFound:
                continue

    def _entry(self, name: str) -> Entry:
        if name not in self._entries:
            raise NotFound(f"no correction {name[:64]!r}", field="id", fix="GET /v1/corrections/summary lists them")
        return self._entries[name]

    def _load(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as f:
            for line in f:
                if not line.endswith(b"\n"):
                    break
                try:
                    record = msgspec.json.decode(line, type=dict)
                except msgspec.DecodeError:
                    raise InputError("a line is not JSON", file=self.path, line=1 + self._lines(),
                                     fix="the file is not one of corrections, or damaged: move it away") from None
                if "deleted" in record:
                    self._drop(str(record["deleted"]))
                    self._dead += 1
                elif self._take(record, self._end, len(line)) is None:
                    raise InputError("a line is no correction", file=self.path, line=1 + self._lines(),
                                     fix="the file is not one of corrections, or damaged: move it away")
                self._end += len(line)

    def _lines(self) -> int:
        with self.path.open("rb") as f:
            return f.read(self._end).count(b"\n")

    def _append(self, line: bytes) -> None:
        # Not in append mode: a torn line at the end is overwritten, and cut off when it was longer.
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(fd, self._end)
            os.lseek(fd, self._end, os.SEEK_SET)
            rest = line
            while rest:
                rest = rest[os.write(fd, rest):]
            os.fsync(fd)
        except OSError:
            with suppress(OSError):  # what did not fit must not keep the disk full
                os.ftruncate(fd, self._end)
            raise
        finally:
            os.close(fd)
        self._end += len(line)

    def _take(self, record: dict[str, Any], offset: int, length: int) -> Entry | None:
        name, saved, document = record.get("id"), record.get("saved"), record.get("document")
        if not isinstance(name, str) or not isinstance(saved, int | float) or not isinstance(document, dict):
            return None
        if "deletes" in record:
            self._drop(str(record["deletes"]))
        entry = self._entries[name] = Entry(name, float(saved), offset, length, _about(document))
        return entry

    def _drop(self, name: str) -> None:
        if self._entries.pop(name, None) is not None:
            self._dead += 1

    def _compact_if_worth(self) -> None:
        if self._dead < max(_COMPACT_FROM, len(self._entries)):
            return
        kept, offset = {}, 0
        with self.path.open("rb") as old, atomic_writer(self.path) as new:
            for entry in self._entries.values():
                document = _document(old, entry)
                line = msgspec.json.encode({"id": entry.id, "saved": entry.saved, "document": document}) + b"\n"
                new.write(line)
                kept[entry.id] = Entry(entry.id, entry.saved, offset, len(line), entry.about)
                offset += len(line)
        self._entries, self._end, self._dead = kept, offset, 0


def _document(f: Any, entry: Entry) -> dict[str, Any]:
    f.seek(entry.offset)
    document: dict[str, Any] = msgspec.json.decode(f.read(entry.length))["document"]
    return document


def _about(document: dict[str, Any]) -> dict[str, Any]:
    text = document.get("text")
    counts = {kind: len(document[kind]) for kind in ("entity", "relation", "event")
              if isinstance(document.get(kind), list)}
    return {"document_id": document.get("id"), "text": text[:_HEAD] if isinstance(text, str) else "",
            "facts": counts}
