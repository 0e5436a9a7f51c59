"""Layout `packed`: several examples one after the other in a row, each with positions from 0, so that there is
little padding. They do not see each other: transformers and flash attention read from the positions where an example
begins, if there is no mask and no cache (a cache, on by default, would let them leak into each other silently).

It saves padding on a GPU; on a processor `padded` is faster.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any

from iepile.training.layouts.batch import IGNORE, STRETCH, Batch, Laid
from iepile.training.layouts.layout import Unit, lengths_of

ROW = 1024
"""Tokens of a row, where the settings say nothing."""


class Packed:
    """Rows filled up with examples.

    Args:
        model: the model without adapter.
        max_row_tokens: most tokens of a row, but for an example that has more; 0: 1024.
    """

    name = "packed"

    def __init__(self, model: Any, max_row_tokens: int = 0) -> None:
        self.most = max_row_tokens or ROW
        # Flash attention looks for borders in batches of one row only.
        self.flat = "flash" in str(getattr(model.config, "_attn_implementation", ""))

    def units(self, examples: Sequence[Laid], seed: int, epoch: int) -> list[Unit]:
        """Fill rows: the longest first, each into the row with the least room that holds it."""
        lengths = lengths_of(examples)
        order = list(range(len(lengths)))
        random.Random(f"pack {seed} {epoch}").shuffle(order)
        usual = max(1, self.most * len(lengths) // max(sum(lengths), 1)) * STRETCH
        units: list[Unit] = []
        for start in range(0, len(order), usual):
            filled: list[list[int]] = []
            room: list[tuple[int, int]] = []
            for i in sorted(order[start : start + usual], key=lambda i: -lengths[i]):
                at = bisect_left(room, (lengths[i], -1))
                left, row = room.pop(at) if at < len(room) else (self.most, len(filled))
                if row == len(filled):
                    filled.append([])
                filled[row].append(i)
                insort(room, (left - lengths[i], row))
            units += [Unit(tuple(row), sum(lengths[i] for i in row)) for row in filled]
        return units

    def collate(self, examples: Sequence[Laid], pad: int) -> Batch:
        """Put examples into tensors; for flash attention into one row."""
        import torch

        rows = [list(examples)] if self.flat else self._rows(examples)
        places = max(sum(len(e.ids) for e in row) for row in rows)
        ids = torch.full((len(rows), places), pad, dtype=torch.long)
        positions, next_ids = torch.zeros_like(ids), torch.full_like(ids, IGNORE)
        targets = 0
        for i, row in enumerate(rows):
            at = 0
            for e in row:
                n = len(e.ids)
                ids[i, at : at + n] = torch.tensor(e.ids.tolist())
                positions[i, at : at + n] = torch.arange(n)
                next_ids[i, at + e.prompt - 1 : at + n - 1] = ids[i, at + e.prompt : at + n]
                at += n
                targets += n - e.prompt
            # What fills up counts from 0 as well, and so is an example of its own that nothing is learned from.
            positions[i, at:] = torch.arange(places - at)
        tokens = sum(len(e.ids) for e in examples)
        return Batch({"input_ids": ids, "position_ids": positions}, next_ids, targets, tokens)

    def _rows(self, examples: Sequence[Laid]) -> list[list[Laid]]:
        """The rows again: in order, as many as fit, which never takes more rows than there were units."""
        rows: list[list[Laid]] = []
        length = 0
        for e in examples:
            if not rows or length + len(e.ids) > self.most:
                rows.append([])
                length = 0
            rows[-1].append(e)
            length += len(e.ids)
        return rows
