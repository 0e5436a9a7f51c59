"""Which prompts are answered together: those that begin alike, and of like length.

In IEPile's own order the schema stands before the text. Documents that come one after the other, each with all its
questions, are therefore put in order of the questions where that saves reading (see shared_prefix.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from iepile.extraction.answer_row import Row
from iepile.extraction.shared_prefix import groups_of


def in_batches(rows: list[Row], size: int, most_tokens: int, share: bool) -> Iterator[list[Row]]:
    """Rows as batches, the longest prompts first; the same rows make the same batches in whatever order they come.

    Args:
        size: rows a batch.
        most_tokens: most tokens a batch, padding and answers included; 0: any number.
        share: put prompts that begin alike together.
    """
    rows = sorted(rows, key=lambda r: (-len(r.ids), r.ids, r.request.key))
    most = most_tokens or math.inf
    batch: list[Row] = []
    widest = 0
    for group in _together(rows, size) if share else ([row] for row in rows):
        if len(batch) + len(group) > size:
            yield batch
            batch, widest = [], 0
        for row in group:
            wide = max(widest, len(row.ids) + row.budget)
            if batch and wide * (len(batch) + 1) > most:
                yield batch
                batch, wide = [], len(row.ids) + row.budget
            batch.append(row)
            widest = wide
    if batch:
        yield batch


def _together(rows: list[Row], size: int) -> list[list[Row]]:
    """Rows that one batch had better hold. Those that share come first: alone, they would not stand side by side."""
    groups = groups_of([row.ids for row in rows], size)
    return [[rows[i] for i in group] for group in sorted(groups, key=lambda g: (len(g) == 1, g))]
