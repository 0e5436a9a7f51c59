"""Rows of a PDF become paragraphs again: a file has lines only, so gaps, indents and line ends must tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from iepile.reading.line_ends import is_wide, joined
from iepile.reading.pdf_layout import Row

SIZES = 1.15
"""Letters that are so many times as tall are another text: a heading, a note."""
LEADING = 1.35
"""So many times the usual distance of lines is between two paragraphs."""
_ENDS = re.compile(r"[.!?。！？…:：;；](?:[\"'”’」』）)\]\u00b9\u00b2\u00b3]|\d{0,2})$")
_MARK = re.compile(r"^(?:[•·●▪◦‣■□◆✓○∙*–—-]\s|\(?\d{1,2}[.)、．](?!\d)|[(（][一二三四五六七八九十\da-z]{1,3}[)）]|"
                   r"[一二三四五六七八九十]{1,3}、|第[一二三四五六七八九十百〇零\d]{1,6}[条章节款])")
_BULLET = re.compile(r"^[•·●▪◦‣■□◆✓○∙]")


@dataclass
class Paragraph:
    """Rows that belong together."""

    rows: list[Row]
    table: bool
    height: float
    left: float
    """Of its region."""
    right: float

    def text(self, known: frozenset[str]) -> str:
        """Its rows as running text; of a table, line by line."""
        out = ""
        for row in self.rows:
            out = f"{out}\n{row.text}" if self.table and out else joined(out, row.text, known)
        return out

    @property
    def open(self) -> bool:
        """Whether it may go on in the next column or on the next page: its last line is full, and no sentence ends."""
        last = self.rows[-1]
        return not self.table and not _ENDS.search(last.text.rstrip()) and not _short(last, self, 0.08)

    def goes_on(self, before: Paragraph) -> bool:
        """Whether it is the rest of a paragraph that is open."""
        first = self.rows[0]
        text = first.text.lstrip()
        inside = before.rows[-1].text[-1:] in ",-\u00ad"
        begins = inside or is_wide(text[:1]) or text[:1].islower() or text[:1].isdigit()
        return (not self.table and not _MARK.match(text) and begins and not _indented(first, self)
                and _like(before.height, self.height))


def paragraphs(rows: Sequence[Row]) -> list[Paragraph]:
    """The paragraphs of one region, from top to bottom."""
    if not rows:
        return []
    left, right = min(r.x0 for r in rows), max(r.x1 for r in rows)
    steps = [a.y0 - b.y0 for a, b in pairwise(rows) if 0 < a.y0 - b.y0 < 3 * a.height]
    usual = median(steps) if steps else 0.0
    out: list[Paragraph] = []
    for row in rows:
        now = out[-1] if out else None
        if now is not None and not _begins(row, now, usual):
            now.rows.append(row)
        else:
            out.append(Paragraph([row], row.table, row.height, left, right))
    return out


def _begins(row: Row, now: Paragraph, usual: float) -> bool:
    """Whether a row begins a paragraph, after those of `now`."""
    before = now.rows[-1]
    step = before.y0 - row.y0
    # The usual distance of small and large letters differs, so a line may always be as far as its letters are tall.
    far = step > LEADING * max(usual, 0.0) and step > 1.25 * max(row.height, before.height)
    if row.table or now.table:
        return row.table != now.table or step > 4 * max(row.height, usual)
    if far or step <= 0 or not _like(now.height, row.height):
        return True
    text, ended = row.text.lstrip(), bool(_ENDS.search(before.text.rstrip()))
    early = _fits(row, before, now.right)
    if _BULLET.match(text) or (_MARK.match(text) and (ended or early)):
        return True
    if early and (ended or (_short(before, now, 0.3) and not _MARK.match(before.text.lstrip()))):
        return True
    return _indented(row, now) and (ended or early) and row.x0 > before.x0 + 0.5 * row.height


def _fits(row: Row, before: Row, right: float) -> bool:
    """Whether the first word of a row would have had room on the line before: so that line ended by intent."""
    text = row.text.lstrip()
    word = text[:1] if is_wide(text[:1]) else text.split(maxsplit=1)[0] if text else ""
    wide = (row.x1 - row.x0) * (len(word) + (not is_wide(text[:1]))) / max(len(text), 1)
    return before.x1 + wide < right - 0.25 * row.height


def _short(row: Row, now: Paragraph, share: float) -> bool:
    return row.x1 < now.right - max(share * (now.right - now.left), 1.5 * row.height)


def _indented(row: Row, now: Paragraph) -> bool:
    return row.x0 > now.left + 0.7 * row.height


def _like(a: float, b: float) -> bool:
    return max(a, b) < SIZES * max(min(a, b), 0.1)
