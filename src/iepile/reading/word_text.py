"""The text of one paragraph of a Word file, as it stands when all tracked changes are accepted.

ECMA-376 part 1, 17.3 and 17.13. What python-docx gives leaves out inserted text, content controls, text boxes and
notes, so the elements are read themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from iepile.reading.composing import Composer
from iepile.reading.markup import name_of
from iepile.reading.word_lists import value

PAGE = "\x0c"
"""Stands where Word last began a new page."""
_GONE = {"del": "deleted text", "moveFrom": "deleted text", "commentReference": "comments"}
_QUIET = frozenset((
    "pPr", "rPr", "tblPr", "trPr", "tcPr", "sdtPr", "instrText", "delText", "delInstrText", "fldChar", "bookmarkStart",
    "bookmarkEnd", "rt", "rubyPr", "proofErr", "sectPr", "annotationRef", "Fallback",
))
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "lastRenderedPageBreak": PAGE}


@dataclass
class Said:
    """What a paragraph says."""

    text: str = ""
    notes: list[tuple[str, str]] = field(default_factory=list)
    """(`footnote` or `endnote`, id) of the notes it points to."""
    boxes: list[Any] = field(default_factory=list)
    """Text boxes that hang on it."""
    joins: bool = False
    """The end of the paragraph was deleted: the next one goes on with it."""


def said_by(paragraph: Any, composer: Composer) -> Said:
    """The text of a `w:p`; what is left out is counted by the composer."""
    said, parts = Said(), []  # type: Said, list[str]
    stack = [iter(paragraph)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
            continue
        name = name_of(element)
        name = None if name is None else element.tag.rpartition("}")[2]
        if name is None or name in _QUIET:
            continue
        if name in _GONE:
            composer.drop(_GONE[name])
        elif name == "t":
            parts.append(element.text or "")
        elif name in _SIGNS:
            parts.append("" if name == "br" and value(element, "type") in ("page", "column") else _SIGNS[name])
        elif name in ("footnoteReference", "endnoteReference"):
            said.notes.append((name.removesuffix("Reference"), value(element, "id") or ""))
        elif name == "txbxContent":
            said.boxes.append(element)
        elif name == "sym":
            composer.drop("signs of symbol fonts")
        elif name == "r" and is_on(element.find("{*}rPr"), "vanish"):
            composer.drop("hidden text")
        else:
            stack.append(iter(element))
    mark = paragraph.find("{*}pPr/{*}rPr")
    said.joins = mark is not None and any(mark.find("{*}" + name) is not None for name in ("del", "moveFrom"))
    said.text = "".join(parts)
    return said


def is_on(properties: Any, name: str) -> bool:
    """Whether a property is set; Word writes "off" as 0, false or off."""
    found = None if properties is None else properties.find("{*}" + name)
    return found is not None and value(found, "val") not in ("0", "false", "off")
