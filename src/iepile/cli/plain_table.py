"""Tables of plain characters as the terminal library draws them, without loading it."""

from __future__ import annotations

from collections.abc import Sequence

_GAP = "   "


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], title: str,
                widest: int) -> str | None:
    """The table as text; None where a character, the width or the form is not plain.

    Args:
        right: columns that are aligned to the right.
        widest: columns of the terminal.
    """
    lines = [list(header), *map(list, rows)]
    if not header or not rows or any(len(line) != len(header) for line in lines):
        return None
    sizes = [[_width(cell) for cell in line] for line in lines]
    title_width = _width(title)
    if title_width is None or any(size is None for line in sizes for size in line):
        return None
    widths = [max(size or 0 for size in column) for column in zip(*sizes, strict=True)]
    total = sum(widths) + len(_GAP) * (len(widths) - 1) + 2
    if total > widest or title_width > total or 0 in widths:
        return None
    out = [title + " " * (total - title_width)] if title else []
    out.append(" " * total)
    for n, (line, size) in enumerate(zip(lines, sizes, strict=True)):
        cells = []
        for cell, own, width, to_right in zip(line, size, widths, right, strict=True):
            blanks = " " * (width - (own or 0))
            cells.append(blanks + cell if to_right else cell + blanks)
        out.append(" " + _GAP.join(cells) + " ")
        if n == 0:
            out.append(" " + "─" * (total - 2) + " ")
    return "\n".join([*out, " " * total, ""])


def _width(text: str) -> int | None:
    """Columns of a text; None where a character may be drawn in another way."""
    if text.isascii() and text.isprintable():
        return len(text)
    wide = sum("\u4e00" <= ch <= "\u9fff" for ch in text)
    narrow = sum(" " <= ch <= "~" for ch in text)
    return narrow + 2 * wide if narrow + wide == len(text) else None
