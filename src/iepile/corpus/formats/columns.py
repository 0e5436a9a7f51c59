"""Files of columns, a token a line; shared by the formats that tag tokens in columns."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from iepile.corpus.formats.reading import ReadOptions
from iepile.corpus.formats.tags import TAG

_NUMBER = re.compile(r"\d{1,6}", re.ASCII)


def sentences(path: Path, options: ReadOptions) -> Iterator[list[list[str]]]:
    """Yield the cells of each sentence's lines; a blank line or -DOCSTART- ends it.

    `options` names the last line of the sentence then; cells are parted by tabs, else by single spaces.
    """
    rows: list[list[str]] = []
    for _, line in options.lines(path):
        line = line.rstrip()
        if line and not line.startswith("-DOCSTART-"):
            rows.append(cells_of(line))
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


def cells_of(line: str) -> list[str]:
    """The cells of a line that is not blank."""
    separator = "\t" if "\t" in line else " "
    cells = line.split(separator)
    # A column file of characters holds blanks too, and they look like a separator.
    cells[0] = cells[0] or separator
    return cells


def rows_of(lines: Sequence[str]) -> list[list[str]]:
    """The lines of several cells, without those that only open a document; none of binary data. For guessing."""
    if any("\0" in line for line in lines):
        return []
    rows = [cells_of(line) for line in map(str.rstrip, lines) if line]
    return [cells for cells in rows if len(cells) > 1 and cells[0] != "-DOCSTART-"]


def is_tag(cell: str) -> bool:
    """O, or a mark and a label."""
    return cell == "O" or TAG.fullmatch(cell) is not None


def in_layers(rows: Sequence[Sequence[str]]) -> bool:
    """Several columns of tags after the token, none of them syntactic chunks: nested mentions."""
    tags = {tag for cells in rows for tag in cells[1:]}
    return min(map(len, rows), default=0) > 2 and all(map(is_tag, tags)) and not tags & {"B-NP", "I-NP"}


def numbers_tokens(rows: Sequence[Sequence[str]]) -> bool:
    """The first of three or more columns numbers the tokens of a sentence from 0 or 1."""
    if not rows or not all(len(cells) > 2 and _NUMBER.fullmatch(cells[0]) for cells in rows):
        return False
    return all(int(b[0]) in (0, 1, int(a[0]) + 1) for a, b in itertools.pairwise(rows))
