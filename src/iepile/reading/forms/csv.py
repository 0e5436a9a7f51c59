"""Tables as text, `.csv` and `.tsv`: the first row names the columns, one of which holds the texts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from iepile.reading.encodings import decode
from iepile.reading.form import Form
from iepile.reading.source import Source
from iepile.reading.table_rows import Rows, documents
from iepile.records import Document

FIELD = 1 << 24
"""Longest cell, in characters; the library's own limit is 131,072."""
MEDIA = "text/csv"


def read(source: Source) -> list[Document]:
    """One document a row.

    Raises:
        InputError: no such column, or a row that does not fit the columns.
    """
    text, notes = decode(source)
    comma = separator(source.name, text)
    if comma == ";":
        notes.append("values are separated by ;")
    old = csv.field_size_limit(FIELD)
    try:
        return documents(source, _rows(source, text, comma, notes))
    finally:
        csv.field_size_limit(old)


def separator(name: str, text: str) -> str:
    """What separates the values: the tab in `.tsv`; in `.csv` the comma, or what the first line has instead of it.

    >>> separator("a.csv", "id;text\\n1;Ada, Bob\\n")
    ';'
    """
    if name.lower().endswith(".tsv"):
        return "\t"
    first = text.partition("\n")[0]
    return next((c for c in ",;\t" if c in first), ",")


def _rows(source: Source, text: str, comma: str, notes: list[str]) -> Iterator[Document | None]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
    try:
        names = [name.strip() for name in next(rows, [])]
        if not any(names):
            source.fail("is empty", expected="columns with their names in the first row")
        table = Rows(source, MEDIA, names)
        table.composer.notes += notes
        line = rows.line_num + 1
        for cells in rows:
            if cells and len(cells) != len(names):
                source.fail(f"has {len(cells)} values", line=line, expected=f"{len(names)}, one a column",
                            fix="quote values that hold the separator")
            if cells:
                yield table.document(cells, line)
            line = rows.line_num + 1
    except csv.Error as e:
        source.fail(f"is no table: {e}", line=rows.line_num, expected="values, quoted where need be",
                    fix="close the quotes")


FORM = Form("a table of values", (".csv", ".tsv"), MEDIA, read)
