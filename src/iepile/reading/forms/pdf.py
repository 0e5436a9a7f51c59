"""PDF files: running text, column by column, without headers and footers; each piece with its page.

Read by pypdfium2 (Apache 2.0 or BSD), which is PDFium, the reader in Chromium: it knows the maps of Chinese fonts,
mends damaged files, and tells where each letter stands. PyMuPDF is under the AGPL.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from iepile.errors import MissingDependency
from iepile.reading.composing import LINE, PARAGRAPH, Composer
from iepile.reading.form import Form
from iepile.reading.line_ends import joined, met, words
from iepile.reading.pdf_layout import Row, regions
from iepile.reading.pdf_letters import Letters, letters_of
from iepile.reading.pdf_margins import margins
from iepile.reading.pdf_paragraphs import Paragraph, paragraphs
from iepile.reading.source import Source
from iepile.records import Document

MEDIA = "application/pdf"
UNKNOWN = 0.3
"""Share of letters without a meaning from which on a file is no text."""
HEADING = 1.12
"""Times the height of most letters that a heading has."""
HEADING_LENGTH = 100
"""Most letters of a heading."""
NOTE = 0.92
"""Times the height of most letters that a footnote has at most."""
OCR = "read its pages with an OCR program first, which adds the text"
_ONE_AT_A_TIME = threading.Lock()
"""PDFium is not made for threads."""


def read(source: Source) -> list[Document]:
    """The text of the file."""
    with _ONE_AT_A_TIME:
        pages, title = _pages(source)
    composer = Composer(source)
    _note_pages(pages, composer)
    regions_of = [_regions(page) for page in pages]
    if not source.options.margins:
        _drop_margins(regions_of, composer)
    _Text(composer, regions_of).write()
    return [composer.document(source.name, MEDIA, title=title)]


def _pages(source: Source) -> tuple[list[Letters], str]:
    try:
        import pypdfium2 as pdfium  # type: ignore[import-untyped]
        import pypdfium2.raw as raw  # type: ignore[import-untyped]
    except ImportError:
        raise MissingDependency("pypdfium2", "documents", "reading PDF files") from None
    try:
        pdf = pdfium.PdfDocument(source.data)
        count = len(pdf)
    except pdfium.PdfiumError as e:
        if "assword" in str(e):
            source.fail("has a password", fix="save it without one")
        source.fail("is damaged: it is no PDF that can be read", fix="fetch it again, or save it anew")
    try:
        if count > source.limits.pages:
            source.fail(f"has {count:,} pages", field="pages", expected=f"{source.limits.pages:,} at most",
                        fix="split the file, or allow more")
        if not count:
            source.fail("has no pages", fix="fetch it again, or save it anew")
        return [_page(pdf, n, pdfium, raw, source) for n in range(count)], pdf.get_metadata_value("Title")
    finally:
        pdf.close()


def _page(pdf: Any, n: int, pdfium: Any, raw: Any, source: Source) -> Letters:
    source.tick()
    try:
        page = pdf[n]
    except pdfium.PdfiumError:
        return Letters([], [], -1)
    try:
        textpage = page.get_textpage()
        try:
            found = letters_of(textpage, raw)
        finally:
            textpage.close()
        source.take(found.letters)
        return found
    except pdfium.PdfiumError:
        return Letters([], [], -1)
    finally:
        page.close()


def _note_pages(pages: list[Letters], composer: Composer) -> None:
    """Say which pages gave nothing; refuse a file that gives nothing at all."""
    source = composer.source
    source.characters = 0  # counted again as text
    letters, unknown = sum(max(p.letters, 0) for p in pages), sum(p.unknown for p in pages)
    if not letters:
        if all(p.letters < 0 for p in pages):
            source.fail("is damaged: none of its pages can be read", fix="fetch it again, or save it anew")
        source.fail("holds no text layer: its pages are images, or empty", fix=OCR)
    if unknown > UNKNOWN * letters:
        source.fail(f"does not tell what {unknown:,} of its {letters:,} letters mean: its fonts have no map to Unicode",
                    fix=OCR)
    for what, numbers in (("cannot be read", [n for n, p in enumerate(pages, 1) if p.letters < 0]),
                          ("without text: images, or empty", [n for n, p in enumerate(pages, 1) if not p.letters])):
        if numbers:
            composer.note(f"pages {what}: {ranges(numbers)}")
    if unknown:
        composer.note(f"{unknown:,} of {letters:,} letters have no meaning that the file tells (U+FFFD)")


def ranges(numbers: list[int]) -> str:
    """Numbers in words.

    >>> ranges([1, 2, 3, 7, 9, 10])
    '1-3, 7, 9-10'
    """
    out: list[list[int]] = []
    for n in numbers:
        if out and n == out[-1][-1] + 1:
            out[-1][1:] = [n]
        else:
            out.append([n])
    return ", ".join("-".join(map(str, run)) for run in out)


def _regions(page: Letters) -> list[list[Row]]:
    return [*regions(page.stretches), *([row] for region in regions(page.aside) for row in region)]


def _drop_margins(pages: list[list[list[Row]]], composer: Composer) -> None:
    flat = [sorted((row for region in page for row in region), key=lambda row: -row.y1) for page in pages]
    for page, rows, gone in zip(pages, flat, margins(flat), strict=True):
        out = {id(rows[n]) for n in gone}
        composer.drop("headers and footers", len(out))
        page[:] = [kept for region in page if (kept := [row for row in region if id(row) not in out])]


class _Text:
    """Writes the paragraphs of all pages; one that goes on over the end of a column or a page is put together."""

    def __init__(self, composer: Composer, pages: list[list[list[Row]]]) -> None:
        self.composer = composer
        rows = [row for page in pages for region in page for row in region]
        self.known = words(row.text for row in rows)
        heights = Counter[float]()
        for row in rows:
            heights[round(row.height, 1)] += len(row.text)
        self.usual = heights.most_common(1)[0][0] if heights else 0.0
        self.pages = [[p for region in page for p in paragraphs(region)] for page in pages]
        self.section = ""

    def write(self) -> None:
        waiting: list[tuple[int, Paragraph]] = []
        """Pieces of the paragraph that is open."""
        notes: list[tuple[int, Paragraph]] = []
        """Footnotes, which follow it."""
        for number, page in enumerate(self.pages, 1):
            for n, paragraph in enumerate(page):
                if waiting and paragraph.goes_on(waiting[-1][1]):
                    waiting.append((number, paragraph))
                elif waiting and self.is_note(paragraph, page[n:]):
                    notes.append((number, paragraph))
                    continue
                else:
                    self.put(waiting, notes)
                    waiting.append((number, paragraph))
                if not paragraph.open or self.is_heading(paragraph):
                    self.put(waiting, notes)
        self.put(waiting, notes)

    def is_note(self, paragraph: Paragraph, rest: list[Paragraph]) -> bool:
        return all(p.height <= NOTE * self.usual for p in rest) and paragraph.height <= NOTE * self.usual

    def is_heading(self, paragraph: Paragraph) -> bool:
        return (paragraph.height >= HEADING * self.usual and not paragraph.table
                and sum(len(row.text) for row in paragraph.rows) <= HEADING_LENGTH
                and not paragraph.rows[-1].text.rstrip().endswith((".", "。", ",", "，")))

    def put(self, waiting: list[tuple[int, Paragraph]], notes: list[tuple[int, Paragraph]]) -> None:
        if waiting and self.is_heading(waiting[0][1]):
            self.section = " ".join(waiting[0][1].text(self.known).split())
        if waiting and waiting[0][1].table:
            for n, row in enumerate(waiting[0][1].rows, 1):
                self.composer.add(row.text, LINE if n > 1 else PARAGRAPH, new=n == 1, page=waiting[0][0],
                                  section=self.section, row=n)
        else:
            self.running(waiting)
        for number, note in notes:
            self.composer.add(_plain(note.text(self.known)), page=number, section=self.section)
        waiting.clear()
        notes.clear()

    def running(self, pieces: list[tuple[int, Paragraph]]) -> None:
        """One paragraph, in a piece a page; where two pieces meet, they are put together as two lines are."""
        texts: list[tuple[int, str]] = []
        for number, paragraph in pieces:
            text = paragraph.text(self.known)
            if texts and texts[-1][0] == number:
                texts[-1] = (number, joined(texts[-1][1], text, self.known))
            else:
                texts.append((number, text))
        glue = PARAGRAPH
        for n, (number, text) in enumerate(texts):
            after = PARAGRAPH
            if n + 1 < len(texts):
                text, after, _ = met(text, texts[n + 1][1], self.known)
            self.composer.add(_plain(text), glue, new=not n, page=number, section=self.section)
            glue = after


def _plain(text: str) -> str:
    return text.replace("\u00ad", "-") if text.endswith("\u00ad") else text.replace("\u00ad", "")


FORM = Form("PDF", (".pdf",), MEDIA, read, packed="PDF")
