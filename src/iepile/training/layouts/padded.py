"""Layout `padded`: rows side by side, filled up to the longest on the left, so that the answers end together."""

from __future__ import annotations

from collections.abc import Iterable

from iepile.training.data import Example
from iepile.training.layouts.batch import IGNORE, Batch


def collate(examples: Iterable[Example], pad: int) -> Batch:
    """Put examples into tensors.

    Args:
        pad: token id to fill up with.
    """
    import torch

    rows = list(examples)
    longest = max(len(r.ids) for r in rows)
    ids = torch.full((len(rows), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORE)
    for i, r in enumerate(rows):
        n, answer = len(r.ids), len(r.ids) - r.prompt
        ids[i, longest - n :] = torch.tensor(r.ids.tolist())
        mask[i, longest - n :] = 1
        labels[i, longest - answer :] = ids[i, longest - answer :]
    keep = min(max(len(r.ids) - r.prompt for r in rows) + 1, longest)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return Batch(ids, mask, positions, labels, keep, sum(len(r.ids) - r.prompt for r in rows))
