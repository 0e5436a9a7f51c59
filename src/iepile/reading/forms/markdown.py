"""Markdown: the words without the marks, read by markdown-it-py (MIT licence, CommonMark), which rich brings along."""

from __future__ import annotations

import re
from typing import Any

from iepile.reading.composing import LINE, PARAGRAPH, Composer, row_text
from iepile.reading.encodings import decode
from iepile.reading.form import Form
from iepile.reading.line_ends import is_wide
from iepile.reading.source import Source
from iepile.records import Document

MEDIA = "text/markdown"
_FRONT = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.*?\n)?(---|\+\+\+|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_TITLE = re.compile(r"""^title\s*[:=]\s*["']?(.+?)["']?\s*$""", re.M)


def read(source: Source) -> list[Document]:
    """The text of the file: front matter off (its title is kept), tables as rows, code as `options.code` says."""
    text, notes = decode(source)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    composer = Composer(source)
    composer.notes += notes
    title = ""
    if front := _FRONT.match(text):
        named = _TITLE.search(front.group(2) or "")
        title = named.group(1) if named else ""
        composer.drop("front matter")
        text = text[front.end():]
    walk = _Walk(composer)
    walk.walk(text)
    return [composer.document(source.name, MEDIA, title=title or walk.title)]


class _Walk:
    def __init__(self, composer: Composer) -> None:
        self.composer = composer
        self.section = self.title = ""
        self.row: list[str] | None = None
        self.rows = 0
        self.depth = 0
        self.mark = ""
        self.after_item = False

    def walk(self, text: str) -> None:
        from markdown_it import MarkdownIt

        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        for token, before in zip(tokens, [None, *tokens], strict=False):
            kind = token.type
            if kind == "list_item_open":
                self.mark = f"{token.info}{token.markup} " if token.info else "- "
            elif kind == "table_open":
                self.rows = 0
            elif kind == "tr_open":
                self.row = []
            elif kind == "tr_close":
                self.end_row()
            elif kind == "inline":
                self.inline(token, before)
            elif kind in ("fence", "code_block"):
                self.code(token.content)
            elif kind == "html_block":
                self.html(token.content)

    def inline(self, token: Any, before: Any) -> None:
        text = _words(token.children or ())
        if self.row is not None:
            self.row.append(text)
        elif before is not None and before.type == "heading_open":
            self.section = " ".join(text.split())[:200]
            self.title = self.title or (self.section if before.tag == "h1" else "")
            self.put(text)
        else:
            self.put(text)

    def put(self, text: str) -> None:
        self.composer.add(self.mark + text, LINE if self.mark and self.after_item else PARAGRAPH, section=self.section)
        self.after_item, self.mark = bool(self.mark), ""

    def end_row(self) -> None:
        said, self.row = row_text(self.row or []), None
        if said:
            self.rows += 1
            self.composer.add(said, LINE if self.rows > 1 else PARAGRAPH, new=self.rows == 1, section=self.section,
                              row=self.rows)
            self.after_item = False

    def code(self, text: str) -> None:
        if self.composer.source.options.code:
            self.put(text.strip("\n"))
        else:
            self.composer.drop("code blocks")

    def html(self, text: str) -> None:
        if "<" not in re.sub(r"<!--.*?-->", "", text, flags=re.S):
            return
        from iepile.reading.markup import compose, parse_html

        compose(parse_html(text, self.composer.source), self.composer, section=self.section)


def _words(tokens: Any) -> str:
    """The text of what stands in one block; a line that goes on in the next is joined, in Chinese without a space."""
    out: list[str] = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            if out and out[-1] == "\n\n":  # a soft break
                out[-1] = "" if _runs_on(out[-2] if len(out) > 1 else "", token.content) else " "
            out.append(token.content)
        elif token.type == "softbreak":
            out.append("\n\n")
        elif token.type == "hardbreak" or (token.type == "html_inline" and token.content.lower().startswith("<br")):
            out.append("\n")
        elif token.type == "image":
            out.append(token.content)
    return "".join(" " if part == "\n\n" else part for part in out)


def _runs_on(left: str, right: str) -> bool:
    return bool(left and right) and is_wide(left[-1]) and is_wide(right[0])


FORM = Form("Markdown", (".md", ".markdown"), MEDIA, read)
