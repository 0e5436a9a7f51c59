"""Where texts come from: JSON lines, tables with a text column, documents of all forms, folders, standard input.

Every record comes out as a row: JSON lines as they are, tables with a key a column, a document as `id`, `text` and
`meta`, whose `places` tell where each piece of the text stood.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from iepile.errors import InputError
from iepile.extraction.document_rows import FILES, LINES, document_rows
from iepile.jsonl import open_bytes, read_bytes, read_rows
from iepile.reading.encodings import decode
from iepile.reading.form import forms
from iepile.reading.reader import ENDINGS
from iepile.reading.sniffing import sniff
from iepile.reading.source import Source

STDIN = "-"
TABLES = {".csv": ",", ".tsv": "\t"}
BLOCK = 1 << 20
Skipped = dict[str, InputError] | None
"""Files of a folder that could not be read, by name; None: the first one is an error."""
FIELD = 1 << 24
"""Longest cell of a table, in characters; the reader's own limit is 131,072."""


def kept_stdin(path: str | Path) -> Path:
    """Standard input as a file, so that a run that stopped can be told to be the same one again.

    Raises:
        InputError: standard input is a terminal, or empty.
    """
    if sys.stdin.isatty():
        raise InputError("nothing comes in on standard input", field="input_file", fix="name a file, or pipe one in")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = sys.stdin.buffer.read()
    if not data.strip():
        raise InputError("standard input is empty", field="input_file", fix="pipe in texts or rows")
    first = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    form = forms().get(sniff(data))
    path = path.with_name(path.name + (form.endings[0] if form else ".jsonl" if first in b"{[" else ".txt"))
    path.write_bytes(data)
    return path


def content(path: str | Path) -> Iterator[bytes]:
    """Everything that decides what is read, in blocks: to tell one input from another."""
    if Path(path).is_dir():
        for file in _files(Path(path)):
            yield f"\x00{file.relative_to(path).as_posix()}\x00".encode("utf-8", "surrogateescape")
            yield sha256(file.read_bytes()).digest()
        return
    with open_bytes(path) as f:
        while block := f.read(BLOCK):
            yield block


def read_inputs(
    path: str | Path, text_field: str = "text", each_line: bool = False, skipped: Skipped = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a file or folder, with the line each begins on (of a folder: the number of the file).

    Args:
        text_field: key or column that holds the text, where rows have no `instruction`; it comes out as `text`.
        each_line: every line of a text file is a text of its own; else the file is one.
        skipped: files of a folder that cannot be read are noted there, and the rest is gone on with.

    Raises:
        InputError: unreadable, empty, of no known encoding, or without such a column; without `skipped`, a folder with
            a file that is.
    """
    path = Path(path)
    if path.is_dir():
        yield from _folder(path, text_field, each_line, skipped)
        return
    kind = Path(path.name.removesuffix(".gz").removesuffix(".zst")).suffix.lower()
    if kind in TABLES:
        yield from _table(path, TABLES[kind], text_field)
    elif kind in ENDINGS:
        yield from _document(path, path.name, text_field, each_line)
    else:
        for line, row in read_rows(path):
            if text_field != "text" and "instruction" not in row and text_field in row:
                row = {"text": row[text_field]} | {k: v for k, v in row.items() if k not in ("text", text_field)}
            yield line, row


def _folder(
    path: Path, text_field: str, each_line: bool, skipped: Skipped
) -> Iterator[tuple[int, dict[str, Any]]]:
    files = _files(path)
    if not files:
        raise InputError("the folder holds no text", file=path, expected="files ending in " + ", ".join(FILES))
    given = False
    for n, file in enumerate(files, 1):
        name = file.relative_to(path).as_posix()
        try:
            rows = [row for _, row in _document(file, name, text_field, each_line and _has_lines(file))]
        except InputError as e:
            if skipped is None:
                raise
            skipped[name] = e
            continue
        given = given or bool(rows)
        yield from ((n, row) for row in rows)
    if skipped and not given:
        raise next(iter(skipped.values()))


def _files(folder: Path) -> list[Path]:
    """Documents below a folder, none of them hidden."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() in FILES and p.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def _has_lines(path: Path) -> bool:
    return path.name.removesuffix(".gz").removesuffix(".zst").lower().endswith(LINES)


def _document(path: Path, name: str, text_field: str, each_line: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    if not each_line:
        yield from document_rows(path, name, text_field)
        return
    if not _has_lines(path):
        raise InputError("its lines are no texts of their own", file=path, field="each_line",
                         expected="a file ending in " + ", ".join(LINES))
    data = read_bytes(path)
    text, _ = decode(Source(data, str(path)))
    for n, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield n, {"id": f"{name}:{n}", "text": line.removesuffix("\r")}


def _table(path: Path, comma: str, text_field: str) -> Iterator[tuple[int, dict[str, Any]]]:
    old = csv.field_size_limit(FIELD)
    try:
        with open_bytes(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=comma, strict=True)
            names = next(rows, None)
            if not names:
                raise InputError("is empty", file=path, expected=f"columns, {text_field} among them")
            if text_field not in names:
                raise InputError(f"has no column {text_field!r}", file=path, line=1, field="text_field",
                                 expected=", ".join(names), fix="name the column of the texts with --text_field")
            if len(set(names)) < len(names):
                raise InputError("two columns have one name", file=path, line=1, expected="a name of its own for each")
            line = rows.line_num + 1
            for cells in rows:
                if cells:
                    yield line, _row(names, cells, text_field, path, line)
                line = rows.line_num + 1
    except csv.Error as e:
        raise InputError(f"not a table: {e}", file=path, line=rows.line_num, expected="values, quoted where need be",
                         fix="close the quotes, or write JSON lines") from None
    except UnicodeDecodeError:
        raise InputError("is not UTF-8", file=path, expected="UTF-8 text", fix="save the file as UTF-8") from None
    finally:
        csv.field_size_limit(old)


def _row(names: list[str], cells: list[str], text_field: str, path: Path, line: int) -> dict[str, Any]:
    if len(cells) != len(names):
        raise InputError(f"has {len(cells)} values", file=path, line=line, expected=f"{len(names)}, one a column",
                         fix="quote values that hold the separator")
    row: dict[str, Any] = dict(zip(names, cells, strict=True))
    text = row.pop(text_field)
    place = {"start": 0, "end": len(text), "row": line, "column": text_field}
    where = {"meta": {"places": [place]}} if text else {}
    return {"text": text} | where | {k: v for k, v in row.items() if k != "text"}
