"""Labels that a model confuses, counted in its predictions on texts whose labels are known.

    found = Confusions(task, labels).add(["dev.pred.json"])     # rows with `label` and `output`
    found.same["city"]["country"]                               # gold city, answered country: how often

The errors that `iepile evaluate --errors` writes are read as well: some may have been taken out by hand. Predict
texts that the model was not trained on: on those it was, it knows the answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from iepile.corpus.mining.labels import Label, Scored, Scores
from iepile.errors import InputError
from iepile.evaluation.errors.mistaken import Mistaken, mistaken, true_labels
from iepile.evaluation.errors.rows import GOLD_FACTS, GoldFacts
from iepile.evaluation.facts import Record, RecordReader
from iepile.jsonl import BROKEN_JSON, read_lines
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
        """Count files of predictions, or of their errors; returns itself.

        Raises:
            InputError: an unreadable file, or one without a text that has both label and answer.
        """
        for path in paths:
            before = self.records
            rows = self._errors(path) if _holds_errors(path) else self._predictions(path)
            if self.records == before:
                raise InputError(f"none of the {rows} rows has a {self.task.name} label and an answer",
                                 file=path, field="predictions", expected="rows with `label` and `output`",
                                 fix="convert the dev set with --split test, and run `iepile predict` on it")
        return self

    def _predictions(self, path: str | Path) -> int:
        reader = RecordReader(self.task.name)
        for record in reader.read(str(path)):
            if record.gold is not None:
                self.records += 1
                self._count(record)
        return reader.counts.rows

    def _errors(self, path: str | Path) -> int:
        rows, whole = 0, False
        for line, raw in read_lines(path):
            rows += 1
            try:
                row = _error.decode(raw)
                if row.task != self.task.name:
                    continue
                if row.kind == GOLD_FACTS:
                    whole = True
                    told = _gold.decode(raw)
                    self.records += told.texts
                    self.gold.update({label: n for label, n in told.labels.items() if label in self.same})
                elif row.mistaken is not None:
                    self._take(row.mistaken)
            except BROKEN_JSON as e:
                raise InputError(f"not a row of errors: {e}", file=path, line=line, field="predictions",
                                 fix="write the errors again with `iepile evaluate --errors`") from None
        if not whole:
            raise InputError(f"no row of kind {GOLD_FACTS!r} for {self.task.name}", file=path, field="predictions",
                             expected="the last rows that `iepile evaluate --errors` writes",
                             fix="keep these rows when taking errors out, and check --task")
        return rows

    def _count(self, record: Record) -> None:
        answered = self.task.canonical(self.task.join(a.facts for a in record.answers))
        gold = record.gold or Facts()
        self.gold.update(label for label, _ in true_labels(self.task, gold) if label in self.same)
        for wrong in mistaken(self.task, gold, answered):
            self._take(wrong)

    def _take(self, wrong: Mistaken) -> None:
        label = wrong.label
        if label not in self.same:
            return
        # Labels that the schema lacks are no part of it, not even where their mention is the same.
        meant = [x for x in wrong.same if x in self.same] or [x for x in wrong.within if x in self.same]
        for other in meant:
            self.same[other][label] += 1
            self.examples.setdefault((other, label), Counter())[" | ".join(wrong.surface)] += 1
        if meant or wrong.border:
            return  # confused, or the right label with other borders
        others = [x for x in wrong.present if x != label and x in self.same]
        for other in others:
            self.spurious[other][label] += 1
            self.shares[other].setdefault(label, []).append(1 / len(others))

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


class _Error(msgspec.Struct):
    task: str
    kind: str
    mistaken: Mistaken | None = None


_error = msgspec.json.Decoder(_Error)
_gold = msgspec.json.Decoder(GoldFacts)


def _holds_errors(path: str | Path) -> bool:
    """Whether the first row has the fields of an error, and not those of a prediction."""
    for _, raw in read_lines(path):
        try:
            row = msgspec.json.decode(raw)
        except BROKEN_JSON:
            return False
        return isinstance(row, dict) and "kind" in row and "instruction" not in row
    return False
