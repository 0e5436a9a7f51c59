"""Plain text: kept as it stands, to the character; its paragraphs are what blank lines separate."""

from __future__ import annotations

import re
from typing import Any

from iepile.reading.composing import Composer, about, tidy
from iepile.reading.encodings import decode
from iepile.reading.form import Form
from iepile.reading.source import Source
from iepile.records import Document

MEDIA = "text/plain"
# One line after another that holds something.
_PARAGRAPH = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")


def read(source: Source) -> list[Document]:
    """The text of the file. Nothing is touched but characters that no output could hold."""
    text, notes = decode(source)
    before = text.count("\x00")
    text = tidy(text)
    source.take(len(text))
    composer = Composer(source)
    composer.notes += notes
    composer.drop("zero bytes", before)
    if not (places := paragraphs(text)):
        source.fail("holds no text", fix="see that it is the right file")
    return [Document(text, source.name, meta=about(MEDIA, composer, places))]


def paragraphs(text: str) -> list[dict[str, Any]]:
    """The places of a text by its blank lines.

    >>> paragraphs("One\\nline.\\n\\nTwo.")
    [{'start': 0, 'end': 9, 'paragraph': 1}, {'start': 11, 'end': 15, 'paragraph': 2}]
    """
    out = []
    for n, found in enumerate(_PARAGRAPH.finditer(text), 1):
        piece = found.group()
        start = found.start() + len(piece) - len(piece.lstrip())
        out.append({"start": start, "end": start + len(piece.strip()), "paragraph": n})
    return out


FORM = Form("plain text", (".txt", ".text"), MEDIA, read)
