"""Validation loss, in all and by task and source: in a mixture one may get worse while the sum gets better.

Rows of one batch are of one part, so the loss of a part comes from the very batches that give the total.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from iepile.training.parallel.world import World

if TYPE_CHECKING:
    from iepile.training.data import Examples


@dataclass(frozen=True)
class ValidationLoss:
    """Mean loss per answer token."""

    total: float
    parts: dict[str, float] = field(default_factory=dict)
    """By name of the part; empty where there is only one."""


def measure_validation(
    names: Sequence[str], lengths: Sequence[int], rows: int, measure: Callable[[list[int]], tuple[float, int]],
    on_progress: Callable[[int, int], None] | None = None, world: World | None = None,
) -> ValidationLoss:
    """Measure the loss on validation rows; each process takes some batches, all get the sums.

    Args:
        names: of the part that each row belongs to; see `part_names`.
        lengths: tokens of each row.
        rows: rows of a batch.
        measure: sum of the losses of the answer tokens of some rows, by number, and how many tokens these are.
        on_progress: called with batches done, and all of them.
    """
    world = world or World()
    parts = sorted(set(names))
    batches: list[tuple[int, list[int]]] = []
    for number, name in enumerate(parts):
        # Rows of like length together: little padding. Nothing depends on a seed.
        mine = sorted((i for i, n in enumerate(names) if n == name), key=lambda i: -lengths[i])
        batches += ((number, mine[at : at + rows]) for at in range(0, len(mine), rows))
    sums = [0.0] * (2 * len(parts))
    for at in range(0, len(batches), world.size):
        turn = at + world.rank
        # Where weights are spread over processes, all must go through the model equally often: with nothing left to
        # do, the first batch is measured again and not counted.
        number, batch = batches[turn] if turn < len(batches) else batches[0]
        loss, tokens = measure(batch)
        if turn < len(batches):
            sums[2 * number] += loss
            sums[2 * number + 1] += tokens
        if on_progress is not None:
            on_progress(min(at + world.size, len(batches)), len(batches))
    sums = world.sum(sums)
    losses, tokens_of = sums[::2], sums[1::2]
    by_part = {n: x / t for n, x, t in zip(parts, losses, tokens_of, strict=True)} if len(parts) > 1 else {}
    return ValidationLoss(sum(losses) / sum(tokens_of), by_part)


def part_names(examples: Examples) -> list[str]:
    """Task and source of each example, as far as the rows named them; `other` where they named none."""
    table, order = examples.table, examples.order
    pairs = zip(table.task[order].tolist(), table.source[order].tolist(), strict=True)
    return [" ".join(filter(None, (table.tasks[t], table.sources[s]))) or "other" for t, s in pairs]
