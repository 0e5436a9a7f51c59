"""A batch of training rows, and which rows go together.

>>> for batch in plan_batches([12, 40, 7], 2, 0, seed=42, epoch=0): ...  # doctest: +SKIP
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

IGNORE = -100
"""Label of a token that is not learned."""
STRETCH = 50
"""Batches' worth of rows among which rows of like length are put together."""


@dataclass(frozen=True)
class Batch:
    """Tensors of a batch, shape (rows, longest), padded on the left so that the answers end together."""

    input_ids: Any
    attention_mask: Any
    position_ids: Any
    labels: Any
    keep: int
    """Places at the end of the rows that hold everything to be predicted, and the place before."""
    targets: int
    """Tokens to be predicted."""


def plan_batches(lengths: Sequence[int], rows: int, tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Row numbers of each batch of an epoch; the same for the same seed and epoch.

    Rows are shuffled, then put together by length within stretches, so that there is little padding and the
    order of batches still is random. The batch with the longest row comes first: what does not fit in memory
    shows at once.

    Args:
        rows: rows of a batch, where `tokens` is 0.
        tokens: most tokens of a batch, padding included; one row alone may have more.
    """
    rng = random.Random(f"batches {seed} {epoch}")
    order = list(range(len(lengths)))
    rng.shuffle(order)
    mean = sum(lengths) / max(len(lengths), 1)
    usual = max(1, int(tokens / mean)) if tokens else rows
    batches: list[list[int]] = []
    for start in range(0, len(order), usual * STRETCH):
        part = sorted(order[start : start + usual * STRETCH], key=lambda i: -lengths[i])
        batch: list[int] = []
        for i in part:
            full = len(batch) == rows if not tokens else bool(batch) and (len(batch) + 1) * lengths[batch[0]] > tokens
            if full:
                batches.append(batch)
                batch = []
            batch.append(i)
        batches.append(batch)
    rng.shuffle(batches)
    first = max(range(len(batches)), key=lambda b: lengths[batches[b][0]])
    batches[0], batches[first] = batches[first], batches[0]
    return batches
