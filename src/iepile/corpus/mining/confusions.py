"""Labels that a model confuses, counted in its predictions on texts whose labels are known.

    found = Confusions(task, labels).add(["dev.pred.json"])     # rows with `label` and `output`
    found.same["city"]["country"]                               # gold city, answered country: how often

Predict texts that the model was not trained on: on those it was, it knows the answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from iepile.corpus.mining.labels import Label, Mention, Scored, Scores, mentions
from iepile.errors import InputError
from iepile.evaluation.facts import Record, RecordReader
from iepile.records import Facts
from iepile.tasks.task import Task

SPURIOUS = 0.1
"""What an answer that matches no gold mention counts, shared among the gold labels of its text."""
PRIOR = 1.0
"""Gold mentions' worth of belief that a label is confused with what the model answers wrongly in general."""
MOST_EVIDENCE = 3


class Confusions:
    """How often a gold label was answered as another one."""

    def __init__(self, task: Task, labels: Sequence[Label]) -> None:
        self.task = task
        self.records = 0
        """Texts with gold facts and answers."""
        self.gold: Counter[str] = Counter()
        """Gold facts by label."""
        self.same: dict[str, Counter[str]] = {x.name: Counter() for x in labels}
        """Gold label -> wrong label -> answers with the wrong label for the same mention, or one within the other."""
        self.spurious: dict[str, Counter[str]] = {x.name: Counter() for x in labels}
        """Gold label -> wrong label -> answers without a gold mention, in texts with that gold label."""
        self.shares: dict[str, dict[str, list[float]]] = {x.name: {} for x in labels}
        """The same, each answer shared among the gold labels of its text."""
        self.examples: dict[tuple[str, str], Counter[str]] = {}

    def add(self, paths: Iterable[str | Path]) -> Confusions:
        """Count files of predictions; returns itself.

        Raises:
            InputError: an unreadable file, or one without a text that has both label and answer.
        """
        for path in paths:
            reader = RecordReader(self.task.name)
            before = self.records
            for record in reader.read(str(path)):
                if record.gold is not None:
                    self.records += 1
                    self._count(record)
            if self.records == before:
                raise InputError(f"none of the {reader.counts.rows} rows has a {self.task.name} label and an answer",
                                 file=path, field="predictions", expected="rows with `label` and `output`",
                                 fix="convert the dev set with --split test, and run `iepile predict` on it")
        return self

    def _count(self, record: Record) -> None:
        answered = self.task.canonical(self.task.join(a.facts for a in record.answers))
        gold = self._known(record.gold or Facts())
        # Events without trigger have empty surfaces, which are equal: their types are compared within the text.
        right = {(m.label, m.surface) for m in gold}
        self.gold.update(label for label, _ in sorted(right))
        present = sorted({m.label for m in gold})
        for wrong in dict.fromkeys((m.label, m.surface) for m in self._known(answered)):
            if wrong in right:
                continue
            label, surface = wrong
            meant = [g for g in sorted(right) if g[0] != label and _overlap(g[1], surface)]
            if any(g[1] == surface for g in meant):
                meant = [g for g in meant if g[1] == surface]
            for other in dict.fromkeys(g[0] for g in meant):
                self.same[other][label] += 1
                self.examples.setdefault((other, label), Counter())[" | ".join(surface)] += 1
            if meant or any(g[0] == label and _overlap(g[1], surface) for g in right):
                continue  # confused, or the right label with other borders
            others = [x for x in present if x != label]
            for other in others:
                self.spurious[other][label] += 1
                self.shares[other].setdefault(label, []).append(1 / len(others))

    def _known(self, facts: Facts) -> list[Mention]:
        return [m for m in mentions(self.task, facts) if m.label in self.same]

    def scored(self) -> Scored:
        """Chance that a gold label is answered as the other one, smoothed.

        Counts are `same` plus `SPURIOUS` times the shares; the prior of a wrong label is its part of all wrong
        answers, so that a pair never seen still ranks by how freely the model answers that label.
        """
        counts = {
            a: {b: self.same[a][b] + SPURIOUS * sum(sorted(self.shares[a].get(b, ())))
                for b in sorted({*self.same[a], *self.shares[a]})}
            for a in self.same
        }
        wrong: dict[str, list[float]] = {}
        for row in counts.values():
            for b, n in row.items():
                wrong.setdefault(b, []).append(n)
        every = sum(sum(sorted(ns)) for ns in wrong.values())
        prior = {b: sum(sorted(wrong[b])) / every for b in self.same if b in wrong} if every else {}
        scores: Scores = {}
        for a, row in counts.items():
            size = self.gold[a] + PRIOR
            found = {b: (row.get(b, 0.0) + PRIOR * prior.get(b, 0.0)) / size for b in self.same if b != a}
            scores[a] = {b: min(s, 1.0) for b, s in found.items() if s > 0}

        def evidence(a: str, b: str) -> tuple[str, ...]:
            out = []
            if n := self.same[a][b]:
                best = sorted(self.examples[a, b].items(), key=lambda x: (-x[1], x[0]))[:MOST_EVIDENCE]
                out.append(f"answered so {n} times, of {self.gold[a]}: {', '.join(s for s, _ in best)}")
            if n := self.spurious[a][b]:
                out.append(f"answered {n} times where nothing is, in a text with {a}")
            return tuple(out) or ("never so; the model often answers it wrongly",)

        return Scored(scores, evidence)


def _overlap(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether the mentions are equal or one holds the other; of pairs, at both ends, in either order."""
    if a == b:
        return True
    if len(a) != len(b) or not a:
        return False
    return any(all(_within(x, y) for x, y in zip(a, order, strict=True)) for order in (b, b[::-1]))


def _within(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    start = long.find(short) if short else -1
    while start >= 0:
        end = start + len(short)
        # "ada" stands in "canada", but is no word of it; Chinese has no such borders.
        if not (_inside_word(long, start) or _inside_word(long, end)):
            return True
        start = long.find(short, start + 1)
    return False


def _inside_word(text: str, at: int) -> bool:
    around = text[at - 1 : at + 1] if 0 < at < len(text) else ""
    return around.isascii() and around.isalnum()
