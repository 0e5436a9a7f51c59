"""The blocks of a page of HTML or XHTML: which text belongs together, what is hidden, under which heading it stands.

White space is folded as browsers do it. The walk is a loop, not a recursion: pages may be nested without end.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import Any

from iepile.errors import MissingDependency
from iepile.reading.composing import LINE, PARAGRAPH, Composer, row_text
from iepile.reading.line_ends import WIDE_BREAK
from iepile.reading.source import Source

_BLOCKS = """
address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure
footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu ol optgroup option p pre section
summary table tbody tfoot thead tr ul"""
_SILENT = """
script style template title noscript iframe object embed applet audio video canvas map svg input select button textarea
datalist noframes rp rt rtc"""
BLOCKS = frozenset(_BLOCKS.split())
SILENT = frozenset(_SILENT.split())
"""Elements whose content no reader sees as text."""
NAVIGATION = frozenset(("nav",))
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_CELLS = ("td", "th")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_SPACE = re.compile(r"[ \t\n\f\r]+")
# HTML's rule: the attribute stands in the first 1,024 bytes.
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.\-]{2,40})""", re.I)
_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.\-]{2,40})["']""", re.I)


def lxml() -> Any:
    """The library, imported when it is needed.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import lxml.etree  # type: ignore[import-untyped]
    except ImportError:
        raise MissingDependency("lxml", "documents", "reading HTML, Word and EPUB files") from None
    return lxml.etree


def declared_encoding(data: bytes) -> str | None:
    """The encoding that a page names in its `meta` element or XML declaration."""
    found = _DECLARATION.search(data[:1024]) or _CHARSET.search(data[:4096])
    name = found.group(1).decode("ascii").lower() if found else None
    # A page that could be read so far as to find this is not in UTF-16, whatever it says (HTML standard, 13.2.3.2).
    return "utf-8" if name and name.startswith("utf-16") else name


def parse_html(text: str, source: Source) -> Any:
    """The tree of a page. Nothing is fetched, no entity is expanded but those of HTML."""
    etree = lxml()
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, recover=True, encoding="utf-8")
    data = text.replace("\x00", "").encode("utf-8", "replace")
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        source.fail("holds no text", fix="see that it is the right file")
    return root


def parse_page(text: str, source: Source) -> Any:
    """The tree of a page of XHTML; one that is not well-formed is read as HTML.

    As HTML, `<title/>` would swallow the page.
    """
    etree = lxml()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             remove_comments=True, remove_pis=True, encoding="utf-8")
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return parse_html(text, source)


def title_of(root: Any) -> str:
    """The title that the page gives itself."""
    found = root.find(".//{*}title")
    return "" if found is None else _SPACE.sub(" ", "".join(found.itertext())).strip()


def compose(root: Any, composer: Composer, **place: Any) -> None:
    """Put the visible text of a tree into a composer, one piece a block."""
    _Walk(composer, place).walk(root)


class _Walk:
    def __init__(self, composer: Composer, place: dict[str, Any]) -> None:
        self.composer, self.place = composer, dict(place)
        self.section = str(self.place.pop("section", ""))
        self.text: list[str] = []
        """Of the block that is open."""
        self.heading = False
        self.pre = 0
        """Elements open that keep their white space."""
        self.row: list[str] | None = None
        """Cells of the row that is open."""
        self.rows = 0
        self.tables: list[tuple[list[str] | None, int]] = []
        """Rows of the tables outside."""
        self.item = ""
        self.after_item = False

    def walk(self, root: Any) -> None:
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            element, closing = stack.pop()
            if closing:
                self.close(element)
                self.say(element.tail)
                continue
            tag = name_of(element)
            if tag is None or self.skipped(element, tag):
                if tag is None:
                    self.say(entity_of(element))
                self.say(element.tail)
                continue
            self.open(element, tag)
            self.say(element.text)
            stack.append((element, True))
            stack.extend((child, False) for child in reversed(element))
        self.flush()

    def skipped(self, element: Any, tag: str) -> bool:
        if tag in SILENT:
            return True
        if tag in NAVIGATION or element.get("role") == "navigation":
            self.composer.drop("navigation")
            return True
        if element.get("hidden") is not None or _HIDDEN.search(element.get("style") or ""):
            self.composer.drop("hidden parts")
            return True
        if tag == "pre" and not self.composer.source.options.code:
            self.composer.drop("code blocks")
            return True
        return False

    def open(self, element: Any, tag: str) -> None:
        if tag == "br":
            self.text.append("\n")
        elif tag in _CELLS:
            if self.row is None:
                self.flush()
        elif tag in BLOCKS:
            if self.row is not None and tag not in ("table", "tr", "tbody", "thead", "tfoot"):
                self.text.append("\n")  # blocks in a cell stay in their row
                return
            self.flush()
            if tag == "table":
                self.tables.append((self.row, self.rows))
                self.row, self.rows = None, 0
            elif tag == "tr" and self.tables and not _lays_out(element):
                self.row = []
            elif tag == "li":
                self.item = "- "
            elif tag == "pre":
                self.pre += 1
            elif tag in HEADINGS:
                self.heading = True

    def close(self, element: Any) -> None:
        tag = name_of(element)
        if tag in _CELLS:
            if self.row is None:
                self.flush()
            else:
                self.row.append(self.taken())
        elif tag in BLOCKS:
            if self.row is not None and tag not in ("table", "tr", "tbody", "thead", "tfoot"):
                self.text.append("\n")
                return
            if tag == "tr" and self.row is not None:
                self.end_row()
            self.flush()
            if tag == "table" and self.tables:
                self.row, self.rows = self.tables.pop()
            elif tag == "pre":
                self.pre -= 1
            elif tag in HEADINGS:
                self.heading = False

    def say(self, text: str | None) -> None:
        if text:
            self.text.append(text if self.pre else _SPACE.sub(" ", WIDE_BREAK.sub("", text)))

    def end_row(self) -> None:
        cells, self.row = self.row or [], None
        if said := row_text(cells):
            self.rows += 1
            self.put(said, LINE if self.rows > 1 else PARAGRAPH, new=self.rows == 1, row=self.rows)

    def taken(self) -> str:
        said = "".join(self.text)
        self.text.clear()
        return said

    def flush(self) -> None:
        if self.row is not None:
            return
        said = self.taken()
        if not self.pre:
            said = "\n".join(" ".join(line.split(" ")).strip() for line in re.sub(" +", " ", said).split("\n"))
        if not said.strip():
            return
        said = said.strip("\n")
        if self.heading:
            self.section = " ".join(said.split())[:200]
        self.put(self.item + said, LINE if self.item and self.after_item else PARAGRAPH)
        self.after_item, self.item = bool(self.item), ""

    def put(self, text: str, glue: str, *, new: bool = True, **more: Any) -> None:
        self.composer.add(text, glue, new=new, section=self.section, **self.place, **more)


def entity_of(element: Any) -> str:
    """What an entity stands for that the parser left as it was; an unknown one as it is written."""
    name = getattr(element, "name", None)
    return html5.get(f"{name};", f"&{name};") if isinstance(name, str) else ""


def _lays_out(row: Any) -> bool:
    """Whether a row of a table only puts things beside each other on the page: its cells hold paragraphs or tables."""
    cells = [child for child in row if name_of(child) in _CELLS]
    return len(cells) < 2 or any(
        cell.find(".//{*}table") is not None or sum(1 for _ in cell.iter("{*}p")) > 1 for cell in cells)


def name_of(element: Any) -> str | None:
    """Tag of an element without its namespace, lower case; None for comments, instructions and entities."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else None
