"""Label confusion matrix: which label the answers gave to the facts of which label.

Facts that are right, and errors that pair a missed fact with an answered one (errors.py), stand under both labels, so
the diagonal holds every fact whose label is right, its mentions right or not. The sum of a row is the number of gold
facts of its label, that of a column the number of answered ones. Arguments stand under `type|role`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec


class Confusion(msgspec.Struct, frozen=True):
    """The matrix of a task's score group, without its zeros: labels may be thousands."""

    task: str
    group: str
    labels: tuple[str, ...]
    """Gold or answered, in order of their text."""
    cells: tuple[tuple[int, int, int], ...]
    """(gold label, answered label, facts), by number in `labels`; the number after the last is no fact at all."""

    @property
    def counts(self) -> list[list[int]]:
        """The whole matrix, [gold label][answered label]; the last row is of answers for which there is no gold
        fact, the last column of gold facts for which there is no answer."""
        size = len(self.labels) + 1
        matrix = [[0] * size for _ in range(size)]
        for g, a, n in self.cells:
            matrix[g][a] = n
        return matrix

    def most(self, n: int) -> list[tuple[str, str, int]]:
        """The pairs of two labels that were confused most: (gold, answered, facts)."""
        found = [(-count, self.labels[g], self.labels[a]) for g, a, count in self.cells
                 if g != a and max(g, a) < len(self.labels)]
        return [(gold, answered, -count) for count, gold, answered in sorted(found)[:n]]


def confusion(task: str, group: str, counts: Counter[tuple[str | None, str | None]]) -> Confusion:
    """The matrix of counted pairs (gold label, answered label), None where there is no fact."""
    labels = sorted({label for pair in counts for label in pair if label is not None})
    number: dict[str | None, int] = {label: n for n, label in enumerate(labels)} | {None: len(labels)}
    cells: Iterable[tuple[int, int, int]] = ((number[g], number[a], n) for (g, a), n in counts.items())
    return Confusion(task, group, tuple(labels), tuple(sorted(cells)))
