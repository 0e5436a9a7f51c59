"""Word files (.docx): paragraphs, lists with their numbers, tables, notes, text boxes; as all changes accepted.

Read by lxml (BSD licence): see word_text.py for why not by python-docx. Headers and footers are left out unless asked
for. Pages are those of Word's last layout, where it noted them; a file of another program has paragraphs only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iepile.reading.composing import LINE, PARAGRAPH, Composer, row_text
from iepile.reading.form import Form
from iepile.reading.package import Package
from iepile.reading.source import Source
from iepile.reading.word_lists import Lists, value, whole
from iepile.reading.word_text import PAGE, Said, said_by
from iepile.records import Document

MEDIA = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DEPTH = 8
"""Tables and text boxes inside each other; what is deeper is refused."""


def read(source: Source) -> list[Document]:
    """The text of the file."""
    package = Package(source)
    main = next((name for kind, name in package.related("").values() if kind == "officeDocument"), "word/document.xml")
    root = package.xml(main)
    body = None if root is None else root.find("{*}body")
    if body is None:
        source.fail("is damaged: it has no body", fix="fetch it again, or save it anew")
    composer = Composer(source)
    reader = _Reader(package, main, composer, paged=next(root.iter("{*}lastRenderedPageBreak"), None) is not None)
    reader.margins("header")
    reader.blocks(body)
    reader.margins("footer")
    core = package.xml("docProps/core.xml")
    title = None if core is None else core.findtext("{*}title")
    return [composer.document(source.name, MEDIA, title=title or reader.title)]


class _Reader:
    def __init__(self, package: Package, main: str, composer: Composer, paged: bool) -> None:
        self.composer, self.package = composer, package
        self.page = 1 if paged else None
        self.section = self.title = ""
        related = package.related(main)
        parts = dict(related.values())
        self.sides = sorted({(kind, name) for kind, name in related.values() if kind in ("header", "footer")})
        self.lists = Lists(package.xml(parts.get("numbering", "")))
        self.styles = _styles(package.xml(parts.get("styles", "")))
        self.notes = {(kind, value(note, "id")): note for kind in ("footnote", "endnote")
                      for note in _children(package.xml(parts.get(kind + "s", "")), kind)
                      if value(note, "type") in (None, "normal")}
        self.before: Said | None = None

    def margins(self, kind: str) -> None:
        """Headers or footers: counted, or read where that is asked for."""
        parts = [name for k, name in self.sides if k == kind]
        if not self.composer.source.options.margins:
            self.composer.drop(kind + "s", len(parts))
            return
        for name in parts:
            if (root := self.package.xml(name)) is not None:
                self.blocks(root)

    def blocks(self, parent: Any, depth: int = 0) -> None:
        """What stands in a body, a text box or a note."""
        for block in _blocks(parent):
            if block.tag.endswith("}tbl"):
                self.table(block, depth)
            else:
                self.paragraph(block, depth)

    def paragraph(self, paragraph: Any, depth: int) -> None:
        said = said_by(paragraph, self.composer)
        style = self.styles.get(_style(paragraph), {})
        text, joined = said.text, self.before is not None
        if self.before is not None:
            said.notes[:0], said.boxes[:0] = self.before.notes, self.before.boxes
            text, self.before = self.before.text + text, None
        if said.joins:
            said.text, self.before = text, said
            return
        number = "" if joined or not text.strip() else self.number(paragraph, style)
        if style.get("heading") and text.strip():
            self.section = " ".join([*filter(None, [number]), *text.split()])[:200]
        if style.get("title") and not self.title:
            self.title = " ".join(text.split())
        self.put(f"{number} {text.lstrip()}" if number else text)
        self.hanging(said, depth)

    def put(self, text: str) -> None:
        """A paragraph, in as many pieces as it has pages."""
        first, lost = True, ""
        for n, piece in enumerate(text.split(PAGE)):
            if n and self.page is not None:
                self.page += 1
            if piece.strip():
                gap = " " if lost[-1:].isspace() or piece[:1].isspace() else ""
                self.composer.add(piece, PARAGRAPH if first else gap, new=first, page=self.page, section=self.section)
                first, lost = False, piece

    def hanging(self, said: Said, depth: int) -> None:
        """Text boxes and notes follow the paragraph that they hang on."""
        for box in said.boxes:
            self.deeper(box, depth)
        for note in said.notes:
            if (found := self.notes.pop(note, None)) is not None:
                self.deeper(found, depth)

    def deeper(self, parent: Any, depth: int) -> None:
        if depth >= DEPTH:
            self.composer.source.fail(f"has tables and boxes inside each other, deeper than {DEPTH}",
                                      fix="save it without them")
        self.blocks(parent, depth + 1)

    def number(self, paragraph: Any, style: dict[str, Any]) -> str:
        found = paragraph.find("{*}pPr/{*}numPr")
        of, level = (None, None) if found is None else (found.find("{*}numId"), found.find("{*}ilvl"))
        list_ = style.get("list") if of is None else value(of, "val")
        at = whole(value(level, "val"), 0) if level is not None else style.get("level", 0)
        return self.lists.next(list_, at) if list_ else ""

    def table(self, table: Any, depth: int) -> None:
        rows, first = 0, True
        for row in _children(table, "tr"):
            if row.find("{*}trPr/{*}del") is not None:
                self.composer.drop("deleted text")
                continue
            hanging: list[Said] = []
            cells = [self.cell(cell, depth, hanging) for cell in _children(row, "tc")]
            rows += 1
            if text := row_text(cells):
                self.composer.add(text.replace(PAGE, ""), PARAGRAPH if first else LINE, new=first, page=self.page,
                                  section=self.section, row=rows)
                first = False
            if self.page is not None:
                self.page += max((cell.count(PAGE) for cell in cells), default=0)
            for said in hanging:
                self.hanging(said, depth)
                first = first or bool(said.boxes or said.notes)

    def cell(self, cell: Any, depth: int, hanging: list[Said]) -> str:
        """All that a cell says, on one line; tables in it too."""
        if depth >= DEPTH:
            self.deeper(cell, depth)
        out = []
        for block in _blocks(cell):
            if block.tag.endswith("}tbl"):
                out += [row_text([self.cell(c, depth + 1, hanging) for c in _children(row, "tc")])
                        for row in _children(block, "tr")]
                continue
            said = said_by(block, self.composer)
            if said.text.strip():
                out.append(f"{self.number(block, self.styles.get(_style(block), {}))} {said.text}")
            hanging.append(said)
        return " ".join(word for text in out for word in text.replace(PAGE, f"{PAGE} ").split(" ")).strip()


def _blocks(parent: Any) -> Iterator[Any]:
    """Paragraphs and tables, those in content controls and insertions too."""
    stack = [iter(parent)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif isinstance(element.tag, str):
            name = element.tag.rpartition("}")[2]
            if name in ("p", "tbl"):
                yield element
            elif name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "AlternateContent", "Choice"):
                stack.append(iter(element))


def _children(parent: Any, name: str) -> Iterator[Any]:
    """Rows or cells, those in content controls too."""
    stack = [] if parent is None else [iter(parent)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif isinstance(element.tag, str):
            local = element.tag.rpartition("}")[2]
            if local == name:
                yield element
            elif local in ("sdt", "sdtContent", "customXml"):
                stack.append(iter(element))


def _style(paragraph: Any) -> str:
    found = paragraph.find("{*}pPr/{*}pStyle")
    return "" if found is None else value(found, "val") or ""


def _styles(root: Any) -> dict[str, dict[str, Any]]:
    """Of each style: whether it is a heading or the title, and the list its paragraphs are counted in."""
    out: dict[str, dict[str, Any]] = {}
    for style in () if root is None else root.iterfind("{*}style"):
        name = style.find("{*}name")
        called = "" if name is None else (value(name, "val") or "").lower()
        about: dict[str, Any] = {"title": called == "title"}
        level = style.find("{*}pPr/{*}outlineLvl")
        about["heading"] = called.startswith("heading ") or (level is not None and whole(value(level, "val"), 9) < 9)
        numbers = style.find("{*}pPr/{*}numPr")
        if numbers is not None and (of := numbers.find("{*}numId")) is not None:
            at = numbers.find("{*}ilvl")
            about |= {"list": value(of, "val"), "level": 0 if at is None else whole(value(at, "val"), 0)}
        out[value(style, "styleId") or ""] = about
    return out


FORM = Form("Word", (".docx", ".docm"), MEDIA, read, packed="Word")
