"""Raw data formats, one file each; `format.py` says what a format is and how to add one."""

from iepile.corpus.formats.format import (
    Format,
    ReadOptions,
    ReadSummary,
    Repair,
    Sample,
    formats,
    get_format,
    read_documents,
)

__all__ = [
    "Format",
    "ReadOptions",
    "ReadSummary",
    "Repair",
    "Sample",
    "formats",
    "get_format",
    "read_documents",
]
