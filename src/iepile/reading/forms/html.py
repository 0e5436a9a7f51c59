"""HTML, read by lxml (BSD licence, a binding to libxml2): what a reader of the page would see, block by block."""

from __future__ import annotations

from iepile.reading.composing import Composer
from iepile.reading.encodings import decode
from iepile.reading.form import Form
from iepile.reading.markup import compose, declared_encoding, parse_html, title_of
from iepile.reading.source import Source
from iepile.records import Document

MEDIA = "text/html"


def read(source: Source) -> list[Document]:
    """The visible text of the page."""
    text, notes = decode(source, declared_encoding(source.data))
    root = parse_html(text, source)
    composer = Composer(source)
    composer.notes += notes
    compose(root, composer)
    return [composer.document(source.name, MEDIA, title=title_of(root))]


FORM = Form("HTML", (".html", ".htm", ".xhtml"), MEDIA, read)
