"""Markdown: the words without the marks, read by markdown-it-py (MIT licence, CommonMark), which rich brings along."""

from __future__ import annotations

from iepile.reading.composing import Composer
from iepile.reading.encodings import decode
from iepile.reading.form import Form
from iepile.reading.source import Source
from iepile.records import Document

MEDIA = "text/markdown"


def read(source: Source) -> list[Document]:
    """The text of the file."""
    text, notes = decode(source)
    composer = Composer(source)
    composer.notes += notes
    for block in text.split("\n\n"):
        composer.add(block)
    return [composer.document(source.name, MEDIA)]


FORM = Form("Markdown", (".md", ".markdown"), MEDIA, read)
