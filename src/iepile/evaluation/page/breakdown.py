"""Scores by parts of the texts (source, length, language, label), each with its interval.

    parts = Breakdown()
    parts.add(text, "entity", answered, gold, found)
    parts.rows(draws=1000, seed=0)["length"][0].value
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

import msgspec

from iepile.evaluation.bootstrap import interval
from iepile.evaluation.judged import Judged
from iepile.evaluation.pairing import Key
from iepile.evaluation.report import Intervals, Score

LENGTHS = (50, 100, 200, 400, 800)
"""Characters up to which a text belongs to a class of lengths; the last class has all that are longer."""
PARTS = ("all", "source", "length", "language", "label")


class PartRow(msgspec.Struct, frozen=True):
    """The score of a part."""

    task: str
    group: str
    value: str
    """Name of the source, the label or the language; of lengths the most characters, empty for those longer."""
    texts: int
    """Of a label: those in which it is annotated or answered."""
    score: Score
    intervals: Intervals


class Breakdown:
    """Counts right, answered and gold facts by part, in memory that grows with the number of parts alone."""

    def __init__(self) -> None:
        self.spreads: dict[tuple[str, str, str], dict[str, Counter[tuple[int, int, int]]]] = {}
        """(part, task, group) -> value -> (right, answered, gold) of a text -> texts."""

    def add(
        self, text: Judged, group: str, answered: Sequence[Key], gold: Sequence[Key], found: Sequence[int | None]
    ) -> None:
        """Count a score group of a text.

        Args:
            answered: its keys, as `gold` (`Judged.keys`).
            found: which stands for which (`pairs`).
        """
        right = sum(g is not None for g in found)
        counts = (right, len(answered), len(gold))
        border = bisect_left(LENGTHS, len(text.text))
        length = str(LENGTHS[border]) if border < len(LENGTHS) else ""
        for part, value in zip(PARTS, ("", text.source, length, text.language), strict=False):
            self._spread(part, text, group, value)[counts] += 1
        if group not in text.task.groups:
            return
        labels: dict[str, list[int]] = {}
        for (label, _), place in zip(answered, found, strict=True):
            cell = labels.setdefault(label, [0, 0, 0])
            cell[0] += place is not None
            cell[1] += 1
        for label, _ in gold:
            labels.setdefault(label, [0, 0, 0])[2] += 1
        for label, (r, a, g) in labels.items():
            self._spread("label", text, group, label)[r, a, g] += 1

    def rows(self, draws: int, seed: int) -> dict[str, list[PartRow]]:
        """Part -> its scores; lengths by size, all else by name."""
        out: dict[str, list[PartRow]] = {part: [] for part in PARTS}
        for (part, task, group), values in self.spreads.items():
            every = self.spreads["all", task, group][""].total()
            for value in sorted(values, key=lambda v: (int(v or 1 << 60), "") if part == "length" else (0, v)):
                spread = dict(values[value])
                texts = sum(spread.values())
                if texts < every and part == "label":
                    # A draw of the texts also draws those without the label.
                    spread[0, 0, 0] = every - texts
                sums = [sum(kind[n] * times for kind, times in spread.items()) for n in range(3)]
                out[part].append(PartRow(task, group, value, texts, Score.of(*sums), interval(spread, draws, seed)))
        return out

    def _spread(self, part: str, text: Judged, group: str, value: str) -> Counter[tuple[int, int, int]]:
        values = self.spreads.setdefault((part, text.task.name, group), {})
        if (spread := values.get(value)) is None:
            spread = values[value] = Counter()
        return spread
