"""Excel files (.xlsx): the first row of a sheet that holds anything names the columns, one of which holds the texts.

Read by openpyxl (MIT licence) row by row; of formulas, the values that Excel last saw. Every part is unpacked within
the limits first, since the library has none.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from iepile.errors import InputError, MissingDependency
from iepile.reading.form import Form
from iepile.reading.package import Package
from iepile.reading.source import Source
from iepile.reading.table_rows import Rows, documents
from iepile.records import Document

MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def read(source: Source) -> list[Document]:
    """One document a row, of all sheets that have a column of texts.

    Raises:
        InputError: damaged, or no sheet has such a column.
    """
    try:
        import openpyxl  # type: ignore[import-untyped]
    except ImportError:
        raise MissingDependency("openpyxl", "documents", "reading Excel files") from None
    package = Package(source)
    for name in package.names:
        if name.endswith((".xml", ".rels")) and b"<!" in package.read(name)[:4096].replace(b"<!--", b""):
            source.fail(f"declares a document type in its part {name[:100]}, which no program does that writes such "
                        "files", fix="do not open this file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations that it does not know
            book = openpyxl.load_workbook(io.BytesIO(source.data), read_only=True, data_only=True, keep_links=False)
            return documents(source, _sheets(source, book))
    except (InputError, MemoryError):
        raise
    except Exception as e:  # the library has no error of its own for files that are not as they should be
        source.fail(f"is damaged: {type(e).__name__} {str(e)[:80]}".rstrip(), fix="open it in Excel and save it anew")


def _sheets(source: Source, book: Any) -> Iterator[Document | None]:
    faults: list[InputError] = []
    tables = 0
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        sheet.reset_dimensions()  # what a file says of its size need not be so
        rows = ((n, cells) for n, cells in enumerate(_cells(source, sheet), 1) if any(cells))
        _, names = next(rows, (0, []))
        if not names:
            continue
        try:
            table = Rows(source, MEDIA, [name.strip() for name in names], sheet.title)
        except InputError as e:
            faults.append(e)
            continue
        tables += 1
        for n, cells in rows:
            yield table.document(cells, n)
    if not tables and faults:
        raise faults[0]


def _cells(source: Source, sheet: Any) -> Iterator[list[str]]:
    empty = 0
    for cells in sheet.iter_rows(values_only=True):
        source.tick()
        said = [_said(cell) for cell in cells]
        while said and not said[-1].strip():
            said.pop()
        empty = 0 if said else empty + 1
        if empty > source.limits.rows:
            source.fail(f"has more than {source.limits.rows:,} rows", field="rows", fix="delete the empty ones")
        yield said


def _said(value: Any) -> str:
    """A cell as text: dates as ISO 8601 writes them, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


FORM = Form("Excel", (".xlsx", ".xlsm"), MEDIA, read, packed="Excel")
