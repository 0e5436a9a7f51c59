"""Rows of files that are documents: text, Markdown, HTML, Word, PDF, EPUB, Excel. Each knows where its pieces stood.

Forms that are packed are read in a child process: a damaged PDF must not end a run of hours. What was read is kept for
the next time, since a run goes through its input more than once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from iepile.errors import InputError
from iepile.jsonl import read_bytes
from iepile.reading.bounded import read_bounded
from iepile.reading.limits import ReadLimits, ReadOptions
from iepile.reading.reader import ENDINGS, form_of, read_document
from iepile.records import Document

TABLES = (".csv", ".tsv", ".xlsx", ".xlsm")
"""Endings of files that hold a text a row; they are named one by one, for their column is."""
FILES = tuple(ending for ending in ENDINGS if ending not in TABLES)
"""Endings of the files that are read in a folder."""
LINES = (".txt", ".text", ".md", ".markdown")
"""Endings of files whose lines may be texts of their own."""
OWN = ReadLimits(bytes_in=1 << 32, bytes_inflated=1 << 32, characters=1 << 31, pages=100_000, rows=1 << 31, seconds=900,
                 memory=1 << 33)
"""Files on the own disk are trusted to be large, not to be harmless."""
KEPT = 20_000_000
"""Characters that are kept."""
logger = logging.getLogger(__name__)
_ABOUT = ("title", "media", "dropped", "notes", "places")

_read: dict[tuple[str, int, int, str], Sequence[Document]] = {}


def document_rows(path: Path, name: str, text_field: str = "text") -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file with their numbers: one, of a table one a row; its other columns are keys of the row.

    Args:
        name: what the file is called in the input; the id of its text.

    Raises:
        InputError: what `read_document` raises.
    """
    for n, document in enumerate(_documents(path, text_field), 1):
        about = {k: v for k, v in document.meta.items() if k in _ABOUT}
        columns = {k: v for k, v in document.meta.items() if k not in _ABOUT}
        called = _plain(path.name)
        id_ = document.id or name
        own = {"id": name + id_.removeprefix(called) if id_.startswith(called) else id_, "text": document.text}
        own |= {k: v for k in ("language", "source") if (v := getattr(document, k)) is not None}
        row = about["places"][0].get("row", n) if _is_table(path) else n
        yield row, own | columns | ({"meta": about} if about else {})


def _is_table(path: Path) -> bool:
    return _plain(path.name).lower().endswith(TABLES)


def _plain(name: str) -> str:
    return name.removesuffix(".gz").removesuffix(".zst")


def _documents(path: Path, text_field: str) -> Sequence[Document]:
    try:
        about = path.stat()
    except OSError as e:
        raise InputError("no such file" if isinstance(e, FileNotFoundError) else f"cannot be read: {e.strerror}",
                         file=path, fix="check the path") from None
    key = (str(path.absolute()), about.st_size, about.st_mtime_ns, text_field)
    known = _read.get(key)
    if known is None:
        known = _fresh(path, ReadOptions(text_field="" if text_field == "text" else text_field))
        if sum(len(d.text) for of in _read.values() for d in of) < KEPT:
            _read[key] = known
    return known


def _fresh(path: Path, options: ReadOptions) -> list[Document]:
    name = _plain(path.name)
    packed = name != path.name
    try:
        data = read_bytes(path) if packed or name.lower().endswith((*LINES, ".html", ".htm", ".xhtml")) else path
        if isinstance(data, bytes) and not data.strip():
            return [Document(data.decode(), path.name)]  # an empty note has no facts, and is no fault
        if isinstance(data, bytes) and not form_of(data, name).packed:
            found = read_document(data, name, OWN, options)
        else:
            found = read_bounded(data, name, OWN, options)
    except InputError as e:
        raise InputError(e.problem, file=path, line=e.line, field=e.field, expected=e.expected, fix=e.fix) from None
    for note in dict.fromkeys(note for document in found for note in document.meta.get("notes", ())):
        logger.warning("%s: %s", path, note)
    return found
