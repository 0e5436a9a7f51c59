"""A batch of training rows, and which of them go together.

>>> for batch in plan_batches([12, 40, 7], 2, 0, seed=42, epoch=0): ...  # doctest: +SKIP
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

IGNORE = -100
"""Label of a token that is not learned."""
STRETCH = 50
"""Batches' worth of rows among which rows of like length are put together."""


class Laid(Protocol):
    """What a layout needs of an example; `Example` in data.py is one."""

    @property
    def ids(self) -> Any:
        """Token ids, an array."""
    @property
    def prompt(self) -> int:
        """How many of them come before the first one that is learned, 1 or more."""
    @property
    def group(self) -> int:
        """The same for all questions about one text."""


@dataclass(frozen=True)
class Batch:
    """What a model is given in one pass, and what it is to say. Made by a layout."""

    inputs: dict[str, Any]
    """Tensors for the model, by the name of its argument. Shape (rows, places), a mask with four dimensions aside."""
    next_ids: Any
    """What is to be predicted at each place, already shifted: the id that follows there; `IGNORE` where nothing is.
    Shape (rows, places) of what the model writes: the decoder's places in an encoder-decoder model."""
    targets: int
    """Tokens to be predicted."""
    tokens: int
    """Tokens that the batch stands for: of all examples, as if each were alone in its row."""


def plan_batches(lengths: Sequence[int], rows: int, tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Numbers of the units (or rows) of each batch of an epoch; the same for the same seed and epoch.

    They are shuffled, then put together by length within stretches, so that there is little padding and the
    order of batches still is random. The batch with the longest comes first: what does not fit in memory
    shows at once.

    Args:
        lengths: places each one takes.
        rows: how many a batch has, where `tokens` is 0.
        tokens: most tokens of a batch, padding included; one alone may have more.
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
