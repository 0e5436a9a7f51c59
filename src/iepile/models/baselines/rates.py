"""How often what was seen meant what: counts, and the threshold that is best where each text is judged by the others.

The rate of a label under a key is `stated / (seen + 1)`: the one more keeps what was seen once from being certain.
Left out one at a time (Mosteller and Tukey 1968), a text's own counts are taken away before it is judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from iepile.models.baselines.labelled import Label

NEVER = 1.0
"""No rate reaches it: where nothing found in other texts was right."""


class Trial(msgspec.Struct, frozen=True, order=True):
    """Something that would be answered from a certain threshold down."""

    score: float
    right: int
    answered: int = 1


class Chosen(msgspec.Struct, frozen=True):
    """A threshold, and how the training texts are answered with it when each is judged by the others."""

    threshold: float = NEVER
    right: int = 0
    answered: int = 0
    gold: int = 0

    @property
    def f1(self) -> float:
        """0 to 100."""
        return 200 * self.right / (self.answered + self.gold) if self.right else 0.0


def choose(trials: Iterable[Trial], gold: int) -> Chosen:
    """The threshold of the highest F1; of equally good ones the highest.

    Args:
        gold: facts there are, found or not.
    """
    best = Chosen(gold=gold)
    right = answered = 0
    ordered = sorted(trials, key=lambda t: -t.score)
    for n, trial in enumerate(ordered):
        right, answered = right + trial.right, answered + trial.answered
        if n + 1 < len(ordered) and ordered[n + 1].score == trial.score:
            continue
        now = Chosen(trial.score, right, answered, gold)
        if now.f1 > best.f1:
            best = now
    return best


class Own:
    """What one text adds to the counts."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.stated: Counter[tuple[str, Label]] = Counter()


class Rates:
    """Counts of keys, and of labels under them."""

    def __init__(self, asked: Mapping[str, frozenset[Label]]) -> None:
        """`asked`: source -> labels that its texts were asked."""
        self.asked = asked
        self.stated: dict[str, Counter[Label]] = {}
        self.seen: dict[str, Counter[str]] = {source: Counter() for source in asked}
        self._sources: dict[Label, list[str]] = {}
        for source, labels in asked.items():
            for label in labels:
                self._sources.setdefault(label, []).append(source)

    def state(self, own: Own) -> None:
        """Add what a text states. First for all texts: keys that never stated anything are not counted."""
        for (key, label), n in own.stated.items():
            self.stated.setdefault(key, Counter())[label] += n

    def see(self, source: str, own: Own) -> None:
        """Add what a text shows."""
        seen = self.seen[source]
        for key, n in own.seen.items():
            if key in self.stated:
                seen[key] += n

    def scores(self, keys: Iterable[str], source: str, own: Own) -> dict[Label, float]:
        """Label -> best rate under one of the keys by all other texts, for labels that the source asks."""
        best: dict[Label, float] = {}
        for key in keys:
            for label, n in self.stated.get(key, {}).items():
                if n > (mine := own.stated[key, label]) and label in self.asked[source]:
                    rate = (n - mine) / (self._seen(key, label) - own.seen[key] + 1)
                    if rate > best.get(label, 0.0):
                        best[label] = rate
        return best

    def kept(self, threshold: float) -> dict[str, dict[Label, float]]:
        """Key -> label -> rate, of all that reach the threshold, in a fixed order."""
        out: dict[str, dict[Label, float]] = {}
        for key in sorted(self.stated):
            rates = {label: n / (self._seen(key, label) + 1) for label, n in sorted(self.stated[key].items())}
            if reached := {label: round(r, 4) for label, r in rates.items() if r >= threshold}:
                out[key] = reached
        return out

    def _seen(self, key: str, label: Label) -> int:
        return sum(self.seen[source][key] for source in self._sources.get(label, ()))


def best_of(kept: Mapping[str, Mapping[Label, float]], keys: Sequence[str]) -> dict[Label, float]:
    """Label -> best rate under one of the keys."""
    best: dict[Label, float] = {}
    for key in keys:
        for label, rate in kept.get(key, {}).items():
            if rate > best.get(label, 0.0):
                best[label] = rate
    return best
