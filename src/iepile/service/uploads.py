"""Files that come in over HTTP: onto the disk as they arrive, under names of ours, within limits.

A name from a request is kept as data and never becomes part of a path. Forms as in RFC 7578 (multipart/form-data).
"""

from __future__ import annotations

import asyncio
import errno
import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from iepile.errors import InputError
from iepile.service.job import JobFile
from iepile.service.refusals import NoRoom, TooLarge, TooSlow

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MIB = 1 << 20
NAME = 200
"""Longest name of a file that is kept, in characters; the ending stays."""
HEADER = 1 << 16
"""Bytes of the headers of a part, the given name among them."""
ENDING = 16
FILES = "files"
"""The field of a form that holds files."""
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Kinds of characters that a name is cleaned of: control, direction and other invisible ones, line ends, halves."""


@dataclass(frozen=True)
class UploadLimits:
    """The most that one request may bring."""

    files: int = 1000
    file_bytes: int = 64 * MIB
    total_bytes: int = 256 * MIB
    """Of the whole body."""
    field_bytes: int = MIB
    """Of all fields that are no files."""
    fields: int = 32
    idle: float = 30.0
    """Seconds without a byte, after which the sender is given up."""
    seconds: float = 900.0
    """Seconds for all of it."""


@dataclass
class Upload:
    """What came in."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[JobFile] = field(default_factory=list)


def file_path(folder: Path, number: int) -> Path:
    """Where the file of a number lies."""
    return folder / f"{number:05d}"


def clean_name(name: str) -> str:
    """A given name as it is kept and shown: the last part of a path, without characters that cannot be seen.

    >>> clean_name("../../etc/passwd"), clean_name("C:\\\\docs\\\\a\\x00b\\u202e.pdf"), clean_name(" .. ")
    ('passwd', 'ab.pdf', 'unnamed')
    """
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(ch for ch in last if ch == " " or unicodedata.category(ch) not in _HIDDEN)
    seen = " ".join(unicodedata.normalize("NFC", seen).split()).strip()
    if not seen.strip(". "):
        return "unnamed"
    ending = PurePosixPath(seen).suffix
    if len(seen) > NAME:
        seen = seen[: NAME - len(ending)] + ending if len(ending) <= ENDING else seen[:NAME]
    return seen


def numbered(name: str, taken: set[str]) -> str:
    """A name that is not taken yet, and is now: `a.txt`, `a (2).txt`, ...

    >>> taken = set()
    >>> [numbered("a.txt", taken) for _ in range(3)]
    ['a.txt', 'a (2).txt', 'a (3).txt']
    """
    ending = PurePosixPath(name).suffix
    stem, n = name.removesuffix(ending), 1
    while name in taken:
        n += 1
        name = f"{stem} ({n}){ending}"
    taken.add(name)
    return name


async def receive(stream: AsyncIterator[bytes], content_type: str, folder: Path, limits: UploadLimits) -> Upload:
    """Take in a form; each file goes to `file_path(folder, n)`.

    Args:
        stream: the body as it arrives.
        content_type: the header, which names the boundary.

    Raises:
        InputError: no form, a part without a name, or a body that ends too early.
        TooLarge, TooSlow: beyond a limit.
        NoRoom: the disk is full.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise InputError("is no form", field="content-type", expected="multipart/form-data with a boundary",
                         fix="let your client write the header: curl -F files=@report.pdf")
    form = _Form(folder, limits)
    loop = asyncio.get_running_loop()
    until, size = loop.time() + limits.seconds, 0
    try:
        parser = MultipartParser(options[b"boundary"], form.callbacks(), max_header_size=HEADER)
        while True:
            try:
                patience = min(limits.idle, until - loop.time())
                chunk = await asyncio.wait_for(anext(stream), max(0.0, patience))
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise TooSlow("comes in too slowly", field="body", fix="send fewer files at once") from None
            size += len(chunk)
            if size > limits.total_bytes:
                raise TooLarge(f"is more than {limits.total_bytes >> 20:,} MiB", field="body",
                               fix="hand the files in as several jobs")
            parser.write(chunk)
        if not form.ended:
            raise InputError("ends before the form does", field="body", fix="send it again, whole")
    except FormParserError as e:
        raise InputError(f"is no form: {e}", field="body", expected="multipart/form-data") from None
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom("the disk of the service is full", fix="try again later") from None
        raise
    finally:
        form.close()
    return form.upload


class _Form:
    """What the parser tells, part by part."""

    def __init__(self, folder: Path, limits: UploadLimits) -> None:
        self.folder, self.limits = folder, limits
        self.upload = Upload()
        self.ended = False
        self._taken: set[str] = set()
        self._headers: dict[str, str] = {}
        self._header = [b"", b""]
        self._file: IO[bytes] | None = None
        self._field = ""
        self._value = bytearray()
        self._field_bytes = 0

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin, "on_part_data": self._data, "on_part_end": self._part_end,
            "on_header_field": lambda data, start, end: self._put(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._put(1, data[start:end]),
            "on_header_end": self._header_end, "on_headers_finished": self._headers_end, "on_end": self._end,
        }

    def _begin(self) -> None:
        self._headers = {}

    def _put(self, which: int, data: bytes) -> None:
        self._header[which] += data

    def _header_end(self) -> None:
        name, value = (part.decode("utf-8", "replace") for part in self._header)
        self._headers[name.lower()] = value
        self._header = [b"", b""]

    def _headers_end(self) -> None:
        options = _options(self._headers.get("content-disposition", ""))
        self._field = options.get("name", "")
        if not self._field:
            raise InputError("a part has no name", field="body",
                             expected='Content-Disposition: form-data; name="files"')
        if "filename" not in options and self._field != FILES:
            if len(self.upload.fields) >= self.limits.fields:
                raise TooLarge(f"has more than {self.limits.fields} fields", field="body")
            if self._field in self.upload.fields:
                raise InputError("is there twice", field=self._field[:100])
            self._value = bytearray()
            return
        if self._field != FILES:
            raise InputError("is a file", field=self._field[:100], expected=f"files in the field `{FILES}`")
        number = len(self.upload.files)
        if number >= self.limits.files:
            raise TooLarge(f"are more than {self.limits.files:,}", field=FILES, fix="hand them in as several jobs")
        name = numbered(clean_name(options.get("filename", "")), self._taken)
        self.upload.files.append(JobFile(name, 0))
        self._file = file_path(self.folder, number).open("xb")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._field_bytes += end - start
            if self._field_bytes > self.limits.field_bytes:
                raise TooLarge(f"is more than {self.limits.field_bytes >> 10:,} KiB", field=self._field[:100])
            self._value += data[start:end]
            return
        file = self.upload.files[-1]
        file.size += end - start
        if file.size > self.limits.file_bytes:
            raise TooLarge(f"{file.name} is more than {self.limits.file_bytes >> 20:,} MiB", field=FILES,
                           fix="split the file")
        self._file.write(data[start:end])

    def _part_end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            return
        try:
            self.upload.fields[self._field] = self._value.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError("is not UTF-8", field=self._field[:100]) from None

    def _end(self) -> None:
        self.ended = True

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


def _options(header: str) -> dict[str, Any]:
    """The parameters of a header; names of files are UTF-8 as browsers send them.

    >>> _options('form-data; name="files"; filename="a \\\\"b\\\\"; 合同.txt"')
    {'name': 'files', 'filename': 'a "b"; 合同.txt'}
    """
    found = re.findall(r';\s*([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))', header)
    return {name.lower(): re.sub(r'\\(["\\])', r"\1", quoted) if quoted else plain for name, quoted, plain in found}
