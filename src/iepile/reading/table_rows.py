"""The rows of a table as texts: which column holds them, and what else stands in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from iepile.reading.composing import Composer, about, clean
from iepile.reading.source import Source
from iepile.records import Document

TEXT = "text"
"""The column that is taken where none is named."""
_OURS = ("id", "language", "source")
"""Columns that say something of the document itself."""


def text_column(source: Source, names: Sequence[str], line: int | None = None) -> int:
    """Which column holds the texts: the one that is asked for, else `text`, else the only one.

    Raises:
        InputError: there is no telling; the message names the columns.
    """
    asked = source.options.text_field
    for name in (asked, *(() if asked else (TEXT,))):
        if name in names:
            if names.count(name) > 1:
                source.fail(f"has two columns {name!r}", line=line, expected="a name of its own for each")
            return list(names).index(name)
    if len(names) == 1 and asked in ("", TEXT):
        return 0
    source.fail(f"has no column {asked or TEXT!r}", line=line, field="text_field", expected=", ".join(names)[:500],
                fix="name the column of the texts with --text_field")


class Rows:
    """Makes documents of the rows of one table.

    Args:
        names: of the columns.
        sheet: the table's own name, where a file holds several.
    """

    def __init__(self, source: Source, media: str, names: Sequence[str], sheet: str | None = None) -> None:
        self.source, self.media, self.names, self.sheet = source, media, names, sheet
        self.column = text_column(source, names, 1)
        self.composer = Composer(source)

    def document(self, cells: Sequence[str], row: int) -> Document | None:
        """The document of a row (counted from 1, the names of the columns among them); None where its text is empty."""
        self.source.tick()
        text = clean(cells[self.column]) if self.column < len(cells) else ""
        if not text.strip():
            self.composer.drop("rows without text", 1)
            return None
        self.source.take(len(text))
        rest = {name: value for n, (name, value) in enumerate(zip(self.names, cells, strict=False)) if n != self.column}
        own: dict[str, Any] = {name: rest.pop(name, "") or None for name in _OURS}
        place = {"start": 0, "end": len(text), "sheet": self.sheet, "row": row, "column": self.names[self.column]}
        where = [{k: v for k, v in place.items() if v is not None}]
        mark = f"{self.sheet}:{row}" if self.sheet else str(row)
        extra = {k: v for k, v in rest.items() if k and v and k not in ("media", "dropped", "notes", "places", "text")}
        return Document(text, own["id"] or f"{self.source.name}:{mark}", own["language"], own["source"],
                        meta=about(self.media, self.composer, where, **extra))


def documents(source: Source, found: Iterator[Document | None]) -> list[Document]:
    """The documents of the rows that hold text.

    Raises:
        InputError: more rows than allowed, or none with text.
    """
    out: list[Document] = []
    for row, document in enumerate(found, 1):
        if row > source.limits.rows:
            source.fail(f"has more than {source.limits.rows:,} rows", field="rows", fix="split the file, or allow more")
        if document is not None:
            out.append(document)
    if not out:
        source.fail("holds no row with text", fix="see that it is the right file and column")
    return out
