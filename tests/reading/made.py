"""Files of all forms, made by the libraries that write them or by hand; for the tests of reading."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WORDS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
CONTAINER = ('<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
             '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>')


def saved(document: Any) -> bytes:
    """What `document.save` writes."""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def word(*paragraphs: str) -> bytes:
    """A Word file, written by python-docx."""
    import docx

    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    return saved(document)


def words_of(body: str, **parts: str) -> bytes:
    """A Word file with this XML in its body, and further parts by their name: `numbering`, `styles`, `footnotes`."""
    related = "".join(f'<Relationship Id="r{n}" Type="x/{name.rstrip("123")}" Target="{name}.xml"/>'
                      for n, name in enumerate(parts))
    return zipped({
        "word/document.xml": f"<w:document {WORDS}><w:body>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": f"<Relationships>{related}</Relationships>",
        **{f"word/{name}.xml": text for name, text in parts.items()}})


def excel(rows: Sequence[Sequence[Any]], title: str = "Sheet") -> bytes:
    """An Excel file, written by openpyxl."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    return saved(book)


def zipped(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def epub(*pages: str, title: str = "Book", language: str = "en", **more: str) -> bytes:
    """A book of these XHTML pages (each the content of its body, or a whole page); further parts by name."""
    names = [f"p{n}" for n in range(len(pages))]
    items = "".join(f'<item id="{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in names)
    spine = "".join(f'<itemref idref="{n}"/>' for n in names)
    whole = [page if page.startswith("<") and "<html" in page else
             f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{page}</body></html>'
             for page in pages]
    return zipped({
        "mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
                          f"<metadata><dc:title>{title}</dc:title><dc:language>{language}</dc:language></metadata>"
                          f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
        **{f"OEBPS/{n}.xhtml": page for n, page in zip(names, whole, strict=True)},
        **{name.replace("__", "/"): text for name, text in more.items()}})


Line = tuple[float, float, str]
"""Left, distance from the top, text."""


def pdf(*pages: Sequence[Line], size: float = 10, **settings: Any) -> bytes:
    """A PDF with these lines on its pages (A4, points), in this order, in Helvetica; by fpdf2."""
    from fpdf import FPDF

    made = FPDF(unit="pt", format="A4")
    made.set_creation_date(datetime(2020, 1, 1, tzinfo=UTC))
    if settings.get("title"):
        made.set_title(settings["title"])
    if settings.get("password"):
        made.set_encryption(owner_password="owner", user_password=settings["password"])
    font = settings.get("font")
    if font:
        made.add_font("own", fname=font)
    for lines in pages:
        made.add_page()
        for x, y, text in lines:
            big = text.startswith("# ")
            made.set_font("own" if font else "helvetica", size=size * 1.6 if big else size)
            made.text(x, y, text.removeprefix("# "))
    return bytes(made.output())


def broken(text: str, width: int) -> list[str]:
    """A text in lines of about so many characters, broken at spaces."""
    import textwrap

    return textwrap.wrap(text, width)


def running(lines: Sequence[str], x: float = 60, top: float = 100, leading: float = 13) -> list[Line]:
    """Lines of one paragraph under each other."""
    return [(x, top + n * leading, line) for n, line in enumerate(lines)]
