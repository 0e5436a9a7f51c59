"""The reading order of a page: columns are found and read one after the other, what stands on one line is a row.

A recursive cut as in Nagy and Seth, "Hierarchical representation of optically scanned documents" (1984): a page falls
apart at a gap that runs down it, and lines that cross the gap (titles, figures over both columns) cut it across.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from iepile.reading.line_ends import is_wide
from iepile.reading.pdf_letters import Stretch

LINES = 5
"""A column has so many lines at least."""
LETTERS = 12
"""And so many letters a line, Chinese ones counted twice: less are cells of a table."""
FILLED = 0.55
"""Its lines fill so much of its width, most of them."""
CROSSING = 0.4
"""At most so many of the lines may cross the gap between two columns."""
DEPTH = 3
STEP = 2.0
"""Points by which a gap is looked for."""


@dataclass
class Row:
    """A line of a column: stretches that stand beside each other."""

    stretches: list[Stretch]
    table: bool = False

    x0: float = field(init=False)
    x1: float = field(init=False)
    y0: float = field(init=False)
    y1: float = field(init=False)

    def __post_init__(self) -> None:
        self.x0, self.x1 = min(s.x0 for s in self.stretches), max(s.x1 for s in self.stretches)
        self.y0, self.y1 = min(s.y0 for s in self.stretches), max(s.y1 for s in self.stretches)

    @property
    def height(self) -> float:
        """Of its tallest letters."""
        return max(s.height for s in self.stretches)

    @property
    def text(self) -> str:
        """What it says; the cells of a table apart."""
        return (" | " if self.table else " ").join(s.text for s in self.stretches)


def regions(stretches: Sequence[Stretch], depth: int = 0) -> list[list[Row]]:
    """The regions of a page in reading order, each with its rows from top to bottom."""
    cut = None if depth >= DEPTH else _cut(stretches)
    if cut is None:
        return [rows] if (rows := _rows(stretches)) else []
    left, right, across = cut
    out: list[list[Row]] = []
    top = float("inf")
    for bar in [*_rows(across), None]:
        low = -float("inf") if bar is None else (bar.y0 + bar.y1) / 2
        for side in (left, right):
            band = [s for s in side if low < (s.y0 + s.y1) / 2 <= top]
            out += regions(band, depth + 1)
        if bar is not None:
            _append(out, bar)
            top = low
    return out


def _append(out: list[list[Row]], bar: Row) -> None:
    """A line over the whole width: with those right above it, it is one region."""
    if out and out[-1][-1].y0 - bar.y1 < bar.height and out[-1][-1].x1 - out[-1][-1].x0 > 0 and _spans(out[-1], bar):
        out[-1].append(bar)
    else:
        out.append([bar])


def _spans(region: list[Row], bar: Row) -> bool:
    """Whether the region is of lines over the whole width as well, and not a column above the bar."""
    return abs(region[0].x0 - bar.x0) < 4 * bar.height and max(r.x1 for r in region) > bar.x0 + 0.6 * (bar.x1 - bar.x0)


def _cut(stretches: Sequence[Stretch]) -> tuple[list[Stretch], list[Stretch], list[Stretch]] | None:
    """Left, right and what crosses; None: one column."""
    if len(stretches) < 2 * LINES:
        return None
    x0, x1 = min(s.x0 for s in stretches), max(s.x1 for s in stretches)
    steps = int((x1 - x0) / STEP)
    if steps < 20 or steps > 5000:
        return None
    # How many lines lie over each step, by where they begin and end.
    change = [0] * (steps + 2)
    for s in stretches:
        change[int((s.x0 - x0) / STEP)] += 1
        change[min(int((s.x1 - x0) / STEP) + 1, steps + 1)] -= 1
    cover, over = [], 0
    for n in range(steps + 1):
        over += change[n]
        cover.append(over)
    inner = range(int(steps * 0.2), int(steps * 0.8))
    least = min(cover[n] for n in inner)
    if least > CROSSING * len(stretches):
        return None
    at = [n for n in inner if cover[n] == least]
    middle = min(at, key=lambda n: abs(n - steps / 2))
    gap = x0 + (middle + 0.5) * STEP
    left = [s for s in stretches if s.x1 <= gap]
    right = [s for s in stretches if s.x0 >= gap]
    across = [s for s in stretches if s.x0 < gap < s.x1]
    return (left, right, across) if _column(left) and _column(right) and _alike(left, right) else None


def _column(side: Sequence[Stretch]) -> bool:
    if len(side) < LINES:
        return False
    width = max(s.x1 for s in side) - min(s.x0 for s in side)
    letters = median(len(s.text) + sum(map(is_wide, s.text)) for s in side)
    return letters >= LETTERS and median(s.x1 - s.x0 for s in side) >= FILLED * width


def _alike(left: Sequence[Stretch], right: Sequence[Stretch]) -> bool:
    wide = [max(s.x1 for s in side) - min(s.x0 for s in side) for side in (left, right)]
    return max(wide) < 2.5 * min(wide)


def _rows(stretches: Sequence[Stretch]) -> list[Row]:
    """What stands on one line is a row; rows that are split at the same places, one after another, are a table's."""
    lines: list[list[Stretch]] = []
    for s in sorted(stretches, key=lambda s: -(s.y0 + s.y1)):
        line = lines[-1] if lines else None
        # A line is looked at as its first stretch stands, so that it does not creep down the page.
        if line and min(s.y1, line[0].y1) - max(s.y0, line[0].y0) > 0.5 * min(s.height, line[0].height):
            line.append(s)
        else:
            lines.append([s])
    rows = [Row(sorted(line, key=lambda s: s.x0)) for line in lines]
    for above, below in pairwise(rows):
        if len(above.stretches) > 1 and len(below.stretches) > 1 and _aligned(above, below):
            above.table = below.table = True
    return rows


def _aligned(above: Row, below: Row) -> bool:
    """Whether a cell of one, not the first, stands under one of the other: by its left, its right or its middle."""
    near = max(above.height, below.height) * 0.5
    return any(
        min(abs(a.x0 - b.x0), abs(a.x1 - b.x1), abs(a.x0 + a.x1 - b.x0 - b.x1) / 2) < near
        for a in above.stretches[1:] for b in below.stretches[1:])
