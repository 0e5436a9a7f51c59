"""Pieces of text, in reading order, become one text that knows where each of them stood.

    composer = Composer(source)
    composer.add("First paragraph.", page=1)
    composer.add("Second paragraph.", page=1)
    composer.document("report.pdf", "application/pdf")
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from iepile.reading.source import Source
from iepile.records import Document

PARAGRAPH = "\n\n"
LINE = "\n"
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ufeff]")
_BREAKS = str.maketrans({"\x0b": "\n", "\x0c": "\n", "\u2028": "\n", "\u2029": "\n"})
_UNSEEN = str.maketrans({"\xa0": " ", "\xad": None, "\u200b": None, "\u2060": None})
"""Marks for the line breaker; beside words they would keep a name from being found."""
_SURROGATE = re.compile("[\ud800-\udfff]")


class Composer:
    """Puts the text of one document together."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.places: list[dict[str, Any]] = []
        self.dropped: dict[str, int] = {}
        """What was left out on purpose, by kind."""
        self.notes: list[str] = []
        """What was assumed, or looked odd."""
        self._parts: list[str] = []
        self._at = 0
        self._page: object = None
        self._paragraphs: dict[object, int] = {}

    def drop(self, kind: str, count: int = 1) -> None:
        """Count something that is left out."""
        if count:
            self.dropped[kind] = self.dropped.get(kind, 0) + count

    def note(self, what: str) -> None:
        """Say something about the whole file, once."""
        if what not in self.notes:
            self.notes.append(what)

    def add(self, text: str, glue: str = PARAGRAPH, *, new: bool = True, **place: int | str | None) -> None:
        """Put a piece at the end.

        Args:
            glue: what separates it from the piece before.
            new: it begins a paragraph; else it is a further row or part of the one before.
            place: `page`, `section`, `sheet`, `row`, `column`; the paragraph is counted here.
        """
        self.source.tick()
        text = clean(text).strip()
        if not text:
            return
        page = place.get("page")
        new, self._page = new or page != self._page, page
        paragraph = self._paragraphs[page] = self._paragraphs.get(page, 0) + new
        if self._parts:
            self._put(glue)
        start = self._at
        self._put(text)
        where = {"start": start, "end": self._at, "page": page, "paragraph": paragraph} | place
        self.places.append({k: v for k, v in where.items() if v not in (None, "")})

    def _put(self, text: str) -> None:
        self.source.take(len(text))
        self._parts.append(text)
        self._at += len(text)

    def document(self, id_: str, media: str, **meta: Any) -> Document:
        """The document, with what is known of it in `meta`.

        Raises:
            InputError: no text was found.
        """
        if not self._parts:
            self.source.fail("holds no text", fix="see that it is the right file")
        return Document("".join(self._parts), id_, meta=about(media, self, self.places, **meta))


def row_text(cells: Sequence[str]) -> str:
    """The cells of a row of a table on one line; empty ones keep their place, but at the end.

    >>> row_text(["Ada", "", " 1815\\n(London)", ""])
    'Ada |  | 1815 (London)'
    """
    said = [" ".join(cell.split()) for cell in cells]
    while said and not said[-1]:
        said.pop()
    filled = [cell for cell in said if cell]
    return " | ".join(said if len(filled) > 1 else filled)


def about(media: str, composer: Composer, places: list[dict[str, Any]], **meta: Any) -> dict[str, Any]:
    """`meta` of a document: what it is, what was left out, what was assumed, and the places last."""
    out = {key: clean(value).strip() if isinstance(value, str) else value for key, value in meta.items()}
    out |= {"media": media, "dropped": composer.dropped, "notes": composer.notes}
    return {key: value for key, value in out.items() if value} | {"places": places}


def clean(text: str) -> str:
    """Text without what no output could hold, control characters and halves of pairs; line ends are `\\n`."""
    return tidy(text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSEEN))


def tidy(text: str) -> str:
    """The same with its line ends as they are."""
    if _CONTROLS.search(text):
        text = _CONTROLS.sub("", text.translate(_BREAKS))
    return _SURROGATE.sub("\ufffd", text)
