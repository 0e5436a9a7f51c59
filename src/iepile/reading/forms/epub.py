"""EPUB books: the pages of the spine in their order, read as HTML is; a zip file read by ourselves.

EPUB 3.3: `META-INF/container.xml` names the package document, its spine names the pages. The kept library for EPUB,
ebooklib, is under the AGPL.
"""

from __future__ import annotations

from typing import Any

from iepile.reading.composing import Composer
from iepile.reading.encodings import decode
from iepile.reading.form import Form
from iepile.reading.markup import compose, declared_encoding, parse_page
from iepile.reading.package import Package, parse_xml, within
from iepile.reading.source import Source
from iepile.records import Document

MEDIA = "application/epub+zip"
CONTAINER = "META-INF/container.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/xml", "text/x-oeb1-document")
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Ways of packing fonts that leave the text readable."""


def read(source: Source) -> list[Document]:
    """The text of the book."""
    package = Package(source)
    _locked(package)
    root = package.xml(CONTAINER)
    named = None if root is None else root.find(".//{*}rootfile")
    main = within("", named.get("full-path") or "") if named is not None else ""
    # Package documents of old books do have a document type; its entities are not read.
    opf = parse_xml(package.read(main)) if main else None
    if opf is None:
        source.fail("is damaged: it has no package document", fix="fetch it again")
    pages = _spine(opf, main.rpartition("/")[0])
    if len(pages) > source.limits.pages:
        source.fail(f"has {len(pages):,} parts", field="pages", expected=f"{source.limits.pages:,} at most",
                    fix="split the file, or allow more")
    composer = Composer(source)
    missing = 0
    for name in pages:
        if data := package.read(name):
            page = Source(data, f"{source.name}/{name}", source.limits, source.options)
            text, notes = decode(page, declared_encoding(data))
            composer.notes += [note for note in notes if note not in composer.notes]
            compose(parse_page(text, page), composer)
        else:
            missing += 1
    if missing:
        composer.note(f"{missing} parts of the book are not in the file")
    return [_in_language(composer.document(source.name, MEDIA, title=_dublin(opf, "title")), _dublin(opf, "language"))]


def _in_language(document: Document, said: str) -> Document:
    from msgspec.structs import replace

    language = said.lower()[:2]
    return replace(document, language=language) if language in ("zh", "en") else document


def _dublin(opf: Any, name: str) -> str:
    return (opf.findtext(".//{http://purl.org/dc/elements/1.1/}" + name) or "").strip()


def _spine(opf: Any, folder: str) -> list[str]:
    """The pages in reading order, without the table of contents that only links to them."""
    items = {item.get("id"): item for item in opf.iterfind("{*}manifest/{*}item")}
    out: dict[str, None] = {}
    for reference in opf.iterfind("{*}spine/{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or "nav" in (item.get("properties") or "").split():
            continue
        if (item.get("media-type") or "").lower() in _PAGES:
            out.setdefault(within(folder, item.get("href") or ""))
    return list(out)


def _locked(package: Package) -> None:
    root = package.xml("META-INF/encryption.xml")
    for method in () if root is None else root.iterfind(".//{*}EncryptionMethod"):
        if method.get("Algorithm") not in _FONTS:
            package.source.fail("is locked for a certain reader (DRM)", fix="give a copy that is not")


FORM = Form("EPUB", (".epub",), MEDIA, read, packed="EPUB")
