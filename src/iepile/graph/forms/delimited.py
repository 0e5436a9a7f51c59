"""Tables as text, RFC 4180: text stands in quotes, numbers do not, and where a value is missing nothing stands at all.

So `""` is an empty text, and nothing between two commas is None; names that look like numbers or like None stay names.
COPY of PostgreSQL tells them apart so too. Files begin with a byte order mark, without which Excel misreads Chinese;
the first line names the columns. Values are never changed, not even where a spreadsheet takes one for a formula.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms.identified import COLUMNS, FIELDS, edge_rows
from iepile.graph.forms.jsonl import edge_of
from iepile.graph.forms.text_values import REQUIRED, text_of, value_of
from iepile.graph.store import Store
from iepile.jsonl import atomic_writer, open_bytes, readable

LONGEST = 1 << 26
"""Characters of one record at most: more is a quote that was never closed."""
Cells = list[tuple[str, str, str, str]]
"""(the opening quote, text in quotes, text without, what cannot be read) of each cell."""


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]], comma: str) -> int:
    """Write rows under the names of their columns. Returns how many rows."""
    count = 0
    with atomic_writer(path) as f:
        out = io.TextIOWrapper(f, encoding="utf-8-sig", newline="")
        out.write(comma.join(columns) + "\r\n")
        for row in rows:
            out.write(comma.join([_cell(value) for value in row]) + "\r\n")
            count += 1
        out.flush()
        out.detach()
    return count


def _cell(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return "" if value is None else text_of(value)


def write_edge_table(comma: str) -> Callable[[Store, Path], int]:
    """A writer of edges, one a row, with the ids of their nodes."""
    flag = FIELDS.index("ungrounded")

    def write(store: Store, path: Path) -> int:
        rows = ((*row[:flag], bool(row[flag]), *row[flag + 1:]) for row in edge_rows(store))
        return write_table(path, COLUMNS, rows, comma)

    return write


def read_edge_table(comma: str) -> Callable[[Path], Iterator[Edge]]:
    """A reader of what `write_edge_table` wrote, in whatever order its columns are."""

    def read(path: Path) -> Iterator[Edge]:
        columns: list[str] = []
        for line, cells in records(path, comma):
            if not columns:
                columns = [quoted or plain for _, quoted, plain, _ in cells]
                check_columns(columns, path)
                continue
            if len(cells) != len(columns):
                raise InputError(f"has {len(cells)} values", file=path, line=line,
                                 expected=f"{len(columns)}, as the first line has")
            try:
                yield edge_of(_values(columns, cells), path, line)
            except InputError as e:
                raise e.at(path, line) from None
        if not columns:
            raise InputError("is empty", file=path, expected="a line with the names of the columns")

    return read


def check_columns(columns: Sequence[str], path: Path) -> None:
    """Make sure that a table has all columns that an edge must have, none twice, and no other.

    Raises:
        InputError: it has not.
    """
    missing = sorted(REQUIRED - set(columns))
    if missing:
        raise InputError(f"no table of edges: it has no column {missing[0]!r}", file=path, line=1,
                         expected=", ".join(COLUMNS))
    for name in columns:
        if name not in COLUMNS or columns.count(name) > 1:
            raise InputError(f"column {name!r} is {'named twice' if name in COLUMNS else 'none of an edge'}", file=path,
                             line=1, expected=", ".join(COLUMNS), fix="take the column out")


def _values(columns: Sequence[str], cells: Cells) -> dict[str, Any]:
    values = {}
    for name, (quote, quoted, plain, _) in zip(columns, cells, strict=True):
        if quote:
            text = quoted.replace('""', '"')
        elif plain or name in REQUIRED:
            text = plain
        else:
            continue
        if name in FIELDS:
            values[name] = value_of(name, text)
    return values


def records(path: Path, comma: str) -> Iterator[tuple[int, Cells]]:
    """The records of a file, each with the line it begins at; empty lines are passed over."""
    cell = _pattern(comma)
    for line, record in _whole(path):
        if not record:
            continue
        cells = cell.findall(record + comma)
        if cells[-1][3]:
            raise InputError("a quotation mark inside a value that is not in quotes", file=path, line=line,
                             expected='quotes around the value, and "" for each in it')
        yield line, cells


def _whole(path: Path) -> Iterator[tuple[int, str]]:
    """The records as they stand: lines, put together where a line ends inside quotes."""
    held: list[str] = []
    begun, size, open_ = 1, 0, False
    with open_bytes(path) as raw, readable(path), io.TextIOWrapper(raw, "utf-8-sig", newline="") as lines:
        try:
            for n, line in enumerate(lines, 1):
                if not held:
                    begun = n
                held.append(line)
                size += len(line)
                open_ ^= bool(line.count('"') & 1)
                if size > LONGEST:
                    break
                if not open_:
                    yield begun, "".join(held).removesuffix("\n").removesuffix("\r")
                    held, size = [], 0
        except UnicodeDecodeError:
            raise InputError("is not UTF-8", file=path, expected="UTF-8 text", fix="save the file as UTF-8") from None
    if held:
        raise InputError("a quote is opened and not closed", file=path, line=begun,
                         expected='a quotation mark at the end of the value, and "" for each in it')


@cache
def _pattern(comma: str) -> re.Pattern[str]:
    return re.compile(rf'(?:(")([^"]*+(?:""[^"]*+)*+)"|([^"{comma}\r\n]*+)){comma}|(.+)', re.S)
