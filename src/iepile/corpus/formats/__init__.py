"""Raw data formats, one file each; `format.py` says what a format is and how to add one."""

from iepile.corpus.formats.format import Format, Sample, formats, get_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, ReadSummary, Repair

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
