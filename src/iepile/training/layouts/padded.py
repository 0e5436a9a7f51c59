"""Layout `padded`: an example a row, filled up on the right.

What fills a row up comes after everything else, so that a causal model never looks at it: no mask is needed, and
attention runs its fast path.
"""

from __future__ import annotations

from collections.abc import Sequence

from iepile.training.layouts.batch import IGNORE, Batch, Laid
from iepile.training.layouts.layout import Unit, lengths_of


class Padded:
    """Rows of like length side by side."""

    name = "padded"

    def units(self, examples: Sequence[Laid], seed: int, epoch: int) -> list[Unit]:
        """Each example by itself."""
        return [Unit((i,), n) for i, n in enumerate(lengths_of(examples))]

    def collate(self, examples: Sequence[Laid], pad: int) -> Batch:
        """Put examples into tensors."""
        return collate(examples, pad)


def collate(rows: Sequence[Laid], pad: int) -> Batch:
    """Put examples into tensors.

    Args:
        pad: token id to fill up with.
    """
    import torch

    places = max(len(r.ids) for r in rows)
    ids = torch.full((len(rows), places), pad, dtype=torch.long)
    next_ids = torch.full_like(ids, IGNORE)
    for i, r in enumerate(rows):
        n = len(r.ids)
        ids[i, :n] = torch.tensor(r.ids.tolist())
        next_ids[i, r.prompt - 1 : n - 1] = ids[i, r.prompt : n]
    return Batch({"input_ids": ids}, next_ids, sum(len(r.ids) - r.prompt for r in rows), sum(len(r.ids) for r in rows))
