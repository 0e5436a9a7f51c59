"""JSON lines in and out: UTF-8 always, BOM tolerated, lines or one array, `.gz` and `.zst`.

Readers stream and know where they are, so an error can name file and line. Writers are atomic:
the target appears whole or not at all, and an unwritable target is found before the work starts.
"""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from iepile.errors import IepileError, InputError

BOM = b"\xef\xbb\xbf"
ENOUGH_FREE = 1 << 20
"""Bytes that must be free where we are about to write."""

BROKEN_JSON = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding bytes as JSON may raise."""

_encoder = json.JSONEncoder(ensure_ascii=False)
# `encode` makes this C encoder anew for every value, which costs more than encoding a short one.
_chunks = c_make_encoder and c_make_encoder(
    None, _encoder.default, encode_basestring, None, ": ", ", ", False, False, True
)
_decode = msgspec.json.Decoder().decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def open_bytes(path: str | Path) -> IO[bytes]:
    """Open a plain, gzip or zstandard file for reading bytes.

    Raises:
        InputError: the file is missing, a folder, or unreadable.
    """
    path = Path(path)
    try:
        if path.suffix == ".gz":
            return cast("IO[bytes]", gzip.open(path, "rb"))
        if path.suffix == ".zst":
            return cast("IO[bytes]", io.BufferedReader(_ZstdFrames(path.open("rb"))))
        return path.open("rb")
    except FileNotFoundError:
        raise InputError("no such file", file=path, fix="check the path") from None
    except IsADirectoryError:
        raise InputError("is a folder", file=path, expected="a file", fix="name one file in it") from None
    except OSError as e:
        raise InputError(f"cannot be read: {e.strerror}", file=path) from e


class _ZstdFrames(io.RawIOBase):
    """All frames of a zstandard file; complains where the library's own reader ends silently.

    Files of several frames (`pzstd`, `cat a.zst b.zst`) are common, and so are files cut short.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw = raw
        self.frame: Any = None
        self.ready = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`; 0 at the end."""
        while not self.ready:
            data = self.raw.read(1 << 14)
            if not data:
                if self.frame is not None:
                    raise EOFError("the zstandard stream is cut short")
                return 0
            self.ready = memoryview(self._decompressed(data))
        n = min(len(buffer), len(self.ready))
        buffer[:n] = self.ready[:n]
        self.ready = self.ready[n:]
        return n

    def _decompressed(self, data: bytes) -> bytes:
        import zstandard

        out = []
        while data:
            if self.frame is None:
                self.frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                out.append(self.frame.decompress(data))
            except zstandard.ZstdError as e:
                raise OSError(errno.EIO, f"not zstandard, or damaged ({e})") from None
            data = self.frame.unused_data
            if self.frame.eof:
                self.frame = None
        return b"".join(out)

    def close(self) -> None:
        """Close the file below as well."""
        self.raw.close()
        super().close()


@contextmanager
def readable(path: str | Path) -> Iterator[None]:
    """Turn what a damaged file raises into an InputError."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as e:
        raise InputError(
            f"cannot be read to its end: {e.strerror if isinstance(e, OSError) and e.strerror else e}",
            file=path, fix="fetch or write the file again",
        ) from e


def read_bytes(path: str | Path) -> bytes:
    """The whole content of a plain, gzip or zstandard file, without a byte-order mark.

    Raises:
        InputError: the file is missing, a folder, unreadable or damaged.
    """
    with open_bytes(path) as f, readable(path):
        return f.read().removeprefix(BOM)


def read_rows(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, row) of a JSON-lines file, or (record number, row) of a JSON array.

    Blank lines are skipped. Line numbers start at 1.

    Raises:
        InputError: unreadable file, empty file, broken JSON, or a record that is not an object.
    """
    for n, line in read_lines(path):
        yield n, decode_row(line, path, n)


def decode_row(line: bytes, path: str | Path, n: int) -> dict[str, Any]:
    """Decode one line of `read_lines`.

    Raises:
        InputError: broken JSON, or not an object.
    """
    try:
        row = _decode(line)
    except BROKEN_JSON as e:
        raise _broken(e, line, path, n) from None
    if not isinstance(row, dict):
        raise InputError(f"the record is {_kind(row)}", file=path, line=n, field="record",
                         expected="a JSON object, {...}")
    return row


def read_lines(path: str | Path) -> Iterator[tuple[int, bytes]]:
    """The undecoded records of `read_rows`, so that other processes can decode them.

    Raises:
        InputError: unreadable or empty file, or a broken JSON array.
    """
    seen = False
    with open_bytes(path) as f, readable(path):
        for n, line in enumerate(f, 1):
            if n == 1:
                line = line.removeprefix(BOM)
            if not (line := line.strip()):
                continue
            if not seen and line[:1] == b"[":
                for n, record in enumerate(_array(line + b"\n" + f.read(), path), 1):
                    seen = True
                    yield n, record
                break
            seen = True
            yield n, line
    if not seen:
        raise InputError(
            "the file is empty", file=path, expected="one JSON object a line", fix="check that it was written"
        )


def _array(data: bytes, path: str | Path) -> list[bytes]:
    try:
        return [bytes(r) for r in _decode_array(data.strip())]
    except BROKEN_JSON as e:
        raise _broken(e, data, path, None) from None


def _broken(e: Exception, text: bytes, path: str | Path, line: int | None) -> InputError:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as bad:
        return InputError(
            f"not UTF-8 (byte 0x{text[bad.start]:02x} at column {bad.start + 1})",
            file=path,
            line=line,
            field="record",
            expected="UTF-8",
            fix="convert it, e.g. iconv -f GB18030 -t UTF-8",
        )
    if isinstance(e, RecursionError):
        e = ValueError("too deeply nested")
    hint = "one JSON object a line, or one JSON array of objects"
    fix = "put each record on one line" if text.strip() in (b"{", b"[") else "mend or remove this line"
    return InputError(f"not JSON: {e}", file=path, line=line, field="record", expected=hint, fix=fix)


def _kind(value: object) -> str:
    names = {list: "a list", str: "a string", int: "a number", float: "a number", bool: "true/false"}
    return names.get(type(value), "null" if value is None else type(value).__name__)


def dumps(value: object) -> str:
    """JSON text as the IEPile files write it: separators `, ` and `: `, characters unescaped."""
    return "".join(_chunks(value, 0)) if _chunks else _encoder.encode(value)


def check_target(path: str | Path, overwrite: bool = True) -> Path:
    """Make sure that a file can be written at `path`, creating its folder. Call before the work.

    Raises:
        InputError: a folder stands there, it exists and `overwrite` is off, no right to write,
            or the disk is full.
    """
    path = Path(path)
    # os.path, not Path: a folder that may not be searched is a False here and an exception there.
    exists = os.path.exists(path)  # noqa: PTH110
    if os.path.isdir(path):  # noqa: PTH112
        raise InputError("is a folder", file=path, expected="the name of a file to write")
    if exists and not overwrite:
        raise InputError("exists already", file=path, fix="choose another name or remove it")
    if not _is_device(path):
        check_folder(path.parent)
    if exists and not os.access(path, os.W_OK):
        raise InputError("cannot be written: permission denied", file=path, fix="choose another target")
    return path


def check_targets(targets: Iterable[str | Path | None], sources: Iterable[str | Path | None]) -> None:
    """`check_target` for every file that a verb writes; None is a file that is not wanted.

    Raises:
        InputError: one of them cannot be written, is also read (the input would be lost), or is named twice.
    """
    read = {os.path.realpath(path) for path in sources if path is not None}
    written: set[str] = set()
    for target in targets:
        if target is None:
            continue
        if _is_device(check_target(target)):  # /dev/null may well be named twice
            continue
        place = os.path.realpath(target)
        if place in read:
            raise InputError("is an input", file=target, expected="another file to write",
                             fix="choose another target")
        if place in written:
            raise InputError("is named for two outputs", file=target, fix="give each its own")
        written.add(place)


def check_folder(folder: str | Path) -> Path:
    """Create `folder` and make sure that files can be written in it (see `check_target`)."""
    folder = Path(folder)
    probe = folder / f".iepile-probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            probe.write_bytes(b"\0" * 4096)
        finally:
            with suppress(OSError):
                probe.unlink()
    except OSError as e:
        raise InputError(
            f"cannot be written: {e.strerror}", file=folder, fix="choose another target, or make room"
        ) from e
    import shutil  # it loads three compressors

    if shutil.disk_usage(folder).free < ENOUGH_FREE:
        raise InputError("the disk is full", file=folder, fix="make room or choose another target")
    return folder


def _is_device(path: Path) -> bool:
    """True for /dev/stdout, /dev/null, a named pipe: written as they are, never replaced by a file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


@contextmanager
def atomic_writer(path: str | Path) -> Iterator[IO[bytes]]:
    """Open `path` for writing; it replaces what was there only when the block ends well.

    Compresses for `.gz` (no time stamp inside, so equal content is equal bytes) and `.zst`.

    Raises:
        InputError: the target cannot be written (raised before the block runs).
        IepileError: the disk filled up on the way; nothing is left behind.
    """
    path = check_target(path)
    device = _is_device(path)
    # A link to the target stays a link: what it points to is replaced.
    target = path if device else Path(os.path.realpath(path))
    partial = target if device else target.with_name(f".{target.name}.partial")
    done = False
    try:
        with partial.open("wb") as raw, _compressor(raw, path.suffix) as stream:
            yield stream
            if stream is not raw:
                stream.close()
            raw.flush()
            if not device:
                os.fsync(raw.fileno())
        if not device:
            partial.replace(target)
        done = True
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise IepileError(f"{path}: the disk is full; nothing was written\n  do:       make room") from e
        raise
    finally:
        if not done and not device:
            partial.unlink(missing_ok=True)


def _compressor(raw: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0))
    if suffix == ".zst":
        import zstandard

        return cast("IO[bytes]", zstandard.ZstdCompressor().stream_writer(raw, closefd=False))
    return raw


def write_rows(path: str | Path, rows: Iterable[object]) -> int:
    """Write one JSON object a line (IEPile's spacing), atomically. Returns how many."""
    written = 0
    with atomic_writer(path) as f:
        out = io.TextIOWrapper(f, encoding="utf-8", newline="\n")
        for row in rows:
            out.write(dumps(row))
            out.write("\n")
            written += 1
        out.flush()
        out.detach()
    return written
