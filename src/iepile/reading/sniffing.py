"""What a file is, by its first bytes: endings can be wrong or missing."""

from __future__ import annotations

import io
import zipfile

ENOUGH = 1024
"""Bytes that are looked at; a PDF may begin anywhere in them."""
_MAGIC = (
    (b"{\\rtf", "an RTF text"), (b"\x89PNG", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"), (b"II*\x00", "a TIFF image"), (b"MM\x00*", "a TIFF image"), (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a zstandard file"), (b"7z\xbc\xaf", "a 7z archive"), (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 file"), (b"\xfd7zXZ", "an xz file"), (b"\x7fELF", "a program"), (b"MZ", "a program"),
    (b"SQLite format 3", "a SQLite file"), (b"PAR1", "a Parquet file"), (b"%!PS", "a PostScript file"),
    (b"ITSF", "a CHM help file"), (b"AT&TFORM", "a DjVu file"), (b"ID3", "a sound file"), (b"OggS", "a sound file"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARTS = (("word/document.xml", "Word"), ("xl/workbook.xml", "Excel"), ("xl/workbook.bin", "a binary Excel file"),
          ("ppt/presentation.xml", "a PowerPoint file"), ("META-INF/container.xml", "EPUB"))


def sniff(data: bytes) -> str:
    """A word for what the bytes are: the name of a form of ours, words for another, or nothing for plain text."""
    head = data[:ENOUGH]
    if b"%PDF-" in head:
        return "PDF"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zipped(data)
    if head.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            return "a Word or Excel file with a password"
        if "WordDocument".encode("utf-16-le") in data:
            return "a Word file of before 2007 (.doc)"
        if "Workbook".encode("utf-16-le") in data:
            return "an Excel file of before 2007 (.xls)"
        return "a Microsoft Office file of before 2007"
    if head.startswith(b"RIFF"):
        return "an image or sound file"
    if head.startswith(b"BM") and b"\x00" in head[:16]:
        return "a BMP image"
    return next((what for magic, what in _MAGIC if head.startswith(magic) and not _is_text(magic, head)), "")


def _is_text(magic: bytes, head: bytes) -> bool:
    """Magic of few letters, which a text can begin with, counts only among bytes that no text has."""
    return magic.isalnum() and len(magic) < 4 and b"\x00" not in head


def _zipped(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeError, RecursionError):
        return "a damaged zip file"
    if "mimetype" in names and "content.xml" in names:
        return "an OpenDocument file"
    return next((what for part, what in _PARTS if part in names), "a zip archive")
