"""One spelling for one text: Unicode form, width, invisible characters, blanks, with every offset carried over.

>>> text, moved = normalise("Ada\\u3000\\u200b met  Ｂｏｂ ")
>>> text, moved.span(0, 3), moved.span(11, 14)
('Ada met Bob', (0, 3), (8, 11))

`normalise` is idempotent, and the map of positions is monotone. Text in a wrong encoding is counted, not
mended: a guess would change what the annotators saw (`iepile.corpus.mojibake`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from iepile.corpus.mojibake import is_mojibake
from iepile.corpus.spans import move_spans
from iepile.records import Document, Span

_Edit = tuple[int, int, str]
"""Start, end, and what comes in their place."""


@dataclass(kw_only=True)
class NormaliseSettings:
    """How texts are spelt."""

    unicode: Literal["NFC", "NFKC", "none"] = "NFC"
    """Unicode form. NFKC also turns Chinese punctuation, circled digits and ligatures into plain ones."""
    width: Literal["alphanumeric", "all", "keep"] = "alphanumeric"
    """Full-width characters to make narrow: letters and digits, all of ASCII (punctuation too), or none."""
    white_space: Literal["lines", "squeeze", "keep"] = "lines"
    """lines: one blank between words, at most one empty line; squeeze: line breaks become blanks too; keep:
    only odd blanks and line ends are made plain."""
    html: bool = False
    """Decode HTML entities, named and numbered."""


class NormaliseReport(msgspec.Struct):
    """What normalisation did."""

    changed: int = 0
    """Documents whose text changed."""
    mentions_emptied: int = 0
    """Mentions of which nothing was left; their facts went with them."""
    mojibake: int = 0
    """Texts that look as if read in a wrong encoding; left as they are."""


class _Moves:
    """The places of the edits of one pass, before and after."""

    def __init__(self, text: str, edits: Iterable[_Edit], blanks: bool) -> None:
        self.blanks = blanks
        self.start: list[int] = []
        self.end: list[int] = []
        self.new_start: list[int] = []
        self.new_end: list[int] = []
        pieces: list[str] = []
        at = size = 0
        for start, end, new in edits:
            pieces += (text[at:start], new)
            size += start - at
            self.start.append(start)
            self.end.append(end)
            self.new_start.append(size)
            size += len(new)
            self.new_end.append(size)
            at = end
        pieces.append(text[at:])
        self.text = "".join(pieces)

    def place(self, position: int, is_end: bool) -> int:
        i = bisect_right(self.start, position) - 1
        if i < 0:
            return position
        if position == self.start[i]:
            return self.new_start[i]
        if position >= self.end[i]:
            return self.new_end[i] + position - self.end[i]
        # Inside what was replaced: a mention keeps a character it had a part of, but needs no blank.
        return self.new_end[i] if is_end != self.blanks else self.new_start[i]


class Alignment:
    """Where positions of the old text are in the new one."""

    def __init__(self, moves: list[_Moves]) -> None:
        self._moves = moves

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The new place of [start, end); empty where nothing of it is left."""
        for moves in self._moves:
            start, end = moves.place(start, False), moves.place(end, True)
            if end <= start:
                return start, start
        return start, end

    def position(self, position: int) -> int:
        """The new place of a position; monotone."""
        for moves in self._moves:
            position = moves.place(position, False)
        return position


def normalise(text: str, settings: NormaliseSettings | None = None) -> tuple[str, Alignment]:
    """The text in one spelling, and where its positions went."""
    settings = settings or _DEFAULT
    moves: list[_Moves] = []
    before = None
    # What one pass makes may be work for another: an entity of an ampersand, a mark joined by a removed blank.
    while text != before:
        before = text
        if settings.html and "&" in text:
            text = _edit(text, _sub(_ENTITY, html.unescape, text), moves)
        if not text.isascii():
            if (wide := _WIDE[settings.width]) is not None and wide.search(text):
                text = text.translate(_NARROW[settings.width])
            if settings.unicode != "none" and not unicodedata.is_normalized(settings.unicode, text):
                text = _edit(text, _composed(text, settings.unicode), moves)
        # A printable text has neither invisible characters nor other blanks than the plain one.
        if not (printable := text.isprintable()):
            text = _SURROGATE.sub("\ufffd", text)
            text = _edit(text, _sub(_INVISIBLE, "", text), moves)
        if not printable or "  " in text or text[:1] == " " or text[-1:] == " ":
            text = _edit(text, _blanks(text, settings.white_space), moves, blanks=True)
    return text, Alignment(moves)


class Normaliser:
    """The step: documents in, the same documents in one spelling out."""

    def __init__(self, settings: NormaliseSettings | None = None) -> None:
        self.settings = settings or _DEFAULT
        self.report = NormaliseReport()

    def run(self, docs: Iterable[Document]) -> Iterator[Document]:
        """Normalise each document."""
        return map(self.document, docs)

    def document(self, doc: Document) -> Document:
        """Normalise one document: its text, and each mention with its place."""
        text, moved = normalise(doc.text, self.settings)
        same = text == doc.text
        self.report.changed += not same
        self.report.mojibake += is_mojibake(text)

        def place(span: Span) -> Span | None:
            offsets = span.offsets
            if offsets is None:
                mention = normalise(span.text, self.settings)[0]
                return Span(mention) if mention else None
            if same:
                return span
            start, end = moved.span(*offsets)
            return Span(text[start:end], start, end) if start < end else None

        if same and all(span.grounded for span in doc.facts.spans()):
            return doc
        doc, lost = move_spans(doc, text, place)
        self.report.mentions_emptied += lost
        return doc


_DEFAULT = NormaliseSettings()
_BLANK = " \\t\\x1c-\\x1f\\xa0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000"
_BREAK = "\\n\\r\\x0b\\x0c\\u2028\\u2029"
_RUN = re.compile(f"[{_BLANK}{_BREAK}]+")
_ONE = re.compile(f"\\r\\n|[{_BLANK}{_BREAK}]")
_A_BREAK = re.compile(f"\\r\\n|[{_BREAK}]")
# A joiner makes one emoji of several; anywhere else it is as invisible as the rest. C1 controls stay: they
# are letters of another encoding, which `mojibake` counts.
_SYMBOL = "\u2190-\u2bff\U0001f000-\U0001faff\ufe0f"
_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0e-\\x1b\\x7f\\xad\\u200b\\u200c\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u2069\\ufeff]+"
    f"|(?<![{_SYMBOL}])\\u200d|\\u200d(?![{_SYMBOL}])"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# Without its semicolon an entity is more often part of an address (`?a=1&copy=2`).
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_NARROW: dict[str, dict[int, int]] = {
    "keep": {},
    "all": _FULL_WIDTH,
    "alphanumeric": {code: plain for code, plain in _FULL_WIDTH.items() if chr(plain).isalnum()},
}
_WIDE = {name: re.compile(f"[{''.join(map(chr, table))}]") if table else None for name, table in _NARROW.items()}


def _edit(text: str, edits: Iterator[_Edit], moves: list[_Moves], blanks: bool = False) -> str:
    pass_ = _Moves(text, edits, blanks)
    if not pass_.start:
        return text
    moves.append(pass_)
    return pass_.text


def _sub(pattern: re.Pattern[str], new: str | Callable[[str], str], text: str) -> Iterator[_Edit]:
    for m in pattern.finditer(text):
        replaced = new if isinstance(new, str) else new(m[0])
        if replaced != m[0]:
            yield m.start(), m.end(), replaced


def _blanks(text: str, white_space: str) -> Iterator[_Edit]:
    if white_space == "keep":
        yield from _sub(_ONE, lambda one: "\n" if _A_BREAK.match(one) else "\t" if one == "\t" else " ", text)
        return
    for m in _RUN.finditer(text):
        breaks = 0 if white_space == "squeeze" else len(_A_BREAK.findall(m[0]))
        new = "" if m.start() == 0 or m.end() == len(text) else "\n" * min(2, breaks) or " "
        if new != m[0]:
            yield m.start(), m.end(), new


def _composed(text: str, form: Literal["NFC", "NFKC"]) -> Iterator[_Edit]:
    """Edits by the smallest pieces that normalise on their own: a character with its marks, mostly."""
    start = 0
    for i in range(1, len(text) + 1):
        if i == len(text) or _starts_anew(text[start:i], text[i], form):
            piece = text[start:i]
            new = unicodedata.normalize(form, piece)
            if new != piece:
                yield start, i, new
            start = i


def _starts_anew(piece: str, char: str, form: Literal["NFC", "NFKC"]) -> bool:
    if char < "\u0300" or "\u4e00" <= char <= "\u9fff":
        return True
    if unicodedata.combining(char):
        return False
    plain = unicodedata.normalize
    return plain(form, piece + char) == plain(form, piece) + plain(form, char)
