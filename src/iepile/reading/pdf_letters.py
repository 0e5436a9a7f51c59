"""The letters of a page of a PDF as lines: PDFium says what each letter is and where it stands.

A PDF holds no lines or words, only letters at places. PDFium gives them in the order of the file, with spaces where
letters stand apart; here they are cut into stretches of one line, also where a gap may be that between two columns.
Places are points from the lower left corner, turned so that most text of the page runs to the right.
"""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any

GAP = 1.0
"""Empty space that ends a stretch, in heights of its letters."""
_HYPHENS = (0x02, 0xFFFE)
"""What PDFium gives for a hyphen at the end of a line that the word has not itself."""
_LOOKALIKES = {c: unicodedata.normalize("NFKC", chr(c)) for c in (*range(0xFB00, 0xFB07), *range(0x2F00, 0x2FD6))}
_LOOKALIKES |= dict(zip(map(ord, "⺠⻅⻋⻓⻔⻚⻛⻜⻝⻢⻥⻦⻨⻩⻬⻰"), "民见车长长页风飞食马鱼鸟麦黄齐龙", strict=True))
"""Ligatures, and radicals that the tables of many Chinese PDFs give for the characters which look the same."""


@dataclass
class Stretch:
    """Letters that stand beside each other on one line."""

    text: str
    x0: float
    x1: float
    y0: float
    """Lower edge."""
    y1: float

    @property
    def height(self) -> float:
        """Of its letters, about 1.2 times the size of the font."""
        return self.y1 - self.y0


@dataclass
class Letters:
    """What a page says."""

    stretches: list[Stretch]
    aside: list[Stretch]
    """Text that runs another way than most: stamps at the edge, names of axes."""
    letters: int = 0
    unknown: int = 0
    """Letters whose meaning the file does not tell."""


def letters_of(textpage: Any, raw: Any) -> Letters:
    """The stretches of a page, in the order of the file.

    Args:
        textpage: of PDFium.
        raw: its functions.
    """
    handle, count = textpage.raw, textpage.count_chars()
    box, unicode_of, box_of = raw.FS_RECTF(), raw.FPDFText_GetUnicode, raw.FPDFText_GetLooseCharBox
    at = ctypes.byref(box)
    found = Letters([], [], 0, 0)
    lines: list[tuple[int, list[tuple[str, float, float, float, float]]]] = []
    line: list[tuple[str, float, float, float, float]] = []
    first = 0
    for n in range(count):
        code = unicode_of(handle, n)
        if code in (10, 13):
            if line:
                lines.append((_turn(handle, first, raw), line))
                line = []
            continue
        if not box_of(handle, n, at):
            continue
        if not line:
            first = n
        line.append((_letter(code, found), box.left, box.right, box.bottom, box.top))
    if line:
        lines.append((_turn(handle, first, raw), line))
    turns = Counter(turn for turn, letters in lines for _ in letters)
    main = turns.most_common(1)[0][0] if turns else 0
    for turn, letters in lines:
        out = found.stretches if turn == main else found.aside
        out += _stretches([_turned(letter, turn) for letter in letters] if turn else letters)
    return found


def _letter(code: int, found: Letters) -> str:
    if 0x20 < code < 0x2E80 and code != 0xA0:
        found.letters += 1
        return chr(code)
    if code in _HYPHENS:
        return "\u00ad"
    if code in (0x20, 0xA0):
        return " "
    found.letters += 1
    # The private use areas: what a font means there, only the font knows.
    if code == 0 or code == 0xFFFD or 0xE000 <= code <= 0xF8FF or code > 0xF0000:
        found.unknown += 1
        return "\ufffd"
    return _LOOKALIKES.get(code) or chr(code)


def _turn(handle: Any, index: int, raw: Any) -> int:
    """Quarter turns of a letter."""
    angle = raw.FPDFText_GetCharAngle(handle, index)
    return 0 if angle < 0 else round(angle / (math.pi / 2)) % 4


def _turned(letter: tuple[str, float, float, float, float], turn: int) -> tuple[str, float, float, float, float]:
    text, x0, x1, y0, y1 = letter
    if turn == 1:
        return text, -y1, -y0, x0, x1
    if turn == 2:
        return text, -x1, -x0, -y1, -y0
    if turn == 3:
        return text, y0, y1, -x1, -x0
    return letter


def _stretches(line: list[tuple[str, float, float, float, float]]) -> list[Stretch]:
    """A line of PDFium's, cut where there is a gap, or where the next letter stands on another line."""
    out: list[Stretch] = []
    now: Stretch | None = None
    space = False
    for text, x0, x1, y0, y1 in line:
        if text == " ":
            space = True
            continue
        if now is not None and y0 == now.y0 and y1 == now.y1 and -1.0 < x0 - now.x1 < y1 - y0:
            # Most letters: of the font of the one before, right beside it.
            now.text += " " + text if space else text
            now.x1, space = max(x1, now.x1), False
            continue
        if now is not None:
            height = max(now.y1 - now.y0, y1 - y0, 1.0)
            apart = x0 - now.x1 > GAP * height or x0 < now.x0 - height
            if apart or min(y1, now.y1) - max(y0, now.y0) < 0.3 * min(y1 - y0, now.y1 - now.y0):
                now = None
        if now is None:
            now = Stretch(text, x0, x1, y0, y1)
            out.append(now)
        else:
            now.text += " " + text if space else text
            now.x1 = max(now.x1, x1)
            if y1 - y0 > now.y1 - now.y0:  # a raised or lowered letter is smaller
                now.y0, now.y1 = y0, y1
        space = False
    return out
