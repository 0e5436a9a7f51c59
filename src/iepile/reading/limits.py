"""How much of a file is read, and how: a file is made by others, and may be made to do harm."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class ReadLimits:
    """The most that reading one file may take; what is beyond is refused with a message, never cut off in silence."""

    bytes_in: int = 64 * MIB
    """Size of the file."""
    bytes_inflated: int = 256 * MIB
    """Size of all packed parts that are unpacked, as they come out."""
    ratio: int = 200
    """Times its packed size that a part may come out at, beyond its first MiB."""
    characters: int = 20_000_000
    """Code points of text."""
    pages: int = 5_000
    """Pages of a PDF, documents of the spine of an EPUB."""
    rows: int = 1_000_000
    """Rows of a table."""
    seconds: float = 60.0
    """Time to read it."""
    memory: int = 1024 * MIB
    """Bytes of memory that the process may take which reads it; only `read_bounded` can hold it to that."""


@dataclass(frozen=True)
class ReadOptions:
    """What is taken out of a file."""

    text_field: str = ""
    """Column of a table that holds the texts; empty: `text`, or the only column."""
    code: bool = True
    """Keep blocks of code in Markdown and HTML."""
    margins: bool = False
    """Keep headers, footers and page numbers that come back on page after page."""


LIMITS = ReadLimits()
OPTIONS = ReadOptions()
