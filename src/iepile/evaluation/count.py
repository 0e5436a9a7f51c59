"""Counting: which answered facts are in the gold, by task, group, source and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from iepile.evaluation.completion import split
from iepile.evaluation.facts import Counts, Record
from iepile.evaluation.pairing import Key, pairs
from iepile.language import language_of
from iepile.tasks.matching import BY_PLACE, Match

FEW = 16
"""Facts up to which looking through a list is quicker than hashing."""


class Cell:
    """Facts of one task, group and source (or language), counted by label."""

    __slots__ = ("gold", "pred", "right", "spread")

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.pred: Counter[str] = Counter()
        self.gold: Counter[str] = Counter()
        self.spread: Counter[tuple[int, int, int]] = Counter()
        """(right, answered, gold) of a text -> texts: all that intervals need to know of them."""

    def add(self, right: list[str], pred: list[str], gold: list[str]) -> None:
        """Count the labels of a text's facts."""
        for counter, labels in ((self.right, right), (self.pred, pred), (self.gold, gold)):
            for label in labels:  # `update` takes longer to begin than these few take
                counter[label] += 1
        self.spread[len(right), len(pred), len(gold)] += 1

    def by_label(self) -> Iterator[tuple[str, tuple[int, int, int]]]:
        """(label, (right, answered, gold)), by label."""
        for label in sorted({*self.pred, *self.gold}):
            yield label, (self.right[label], self.pred[label], self.gold[label])


class Tally:
    """Counts the facts of records."""

    def __init__(self, match_mode: str, match: Match, counts: Counts, by_language: bool = False) -> None:
        """
        Args:
            match_mode: `normal` or `set`; the field's groups are compared as sets in any case.
            match: what mentions are compared by.
            counts: where gold facts that nobody asked for, or without a place, are told.
            by_language: count by language as well; the records must hold their texts.
        """
        self.distinct, self.match, self.counts, self.by_language = match_mode == "set", match, counts, by_language
        self.cells: dict[tuple[str, str, str], Cell] = {}
        """By task, group and source."""
        self.languages: dict[tuple[str, str, str], Cell] = {}
        """By task, group and language."""
        self.texts: dict[tuple[str, str], list[int]] = {}
        """Task and source -> texts scored, and answers in them that could not be read."""
        self.parts: dict[tuple[str, str], Cell] = {}
        """By task and part, of texts that lack a piece (completion.py)."""

    def cell(self, task: str, group: str, source: str) -> Cell:
        """Where the facts of a task, group and source are counted."""
        place = task, group, source
        if (cell := self.cells.get(place)) is None:
            cell = self.cells[place] = Cell()
        return cell

    def take(self, record: Record) -> None:
        """Count a record: one without gold only as such."""
        if record.gold is None:
            self.counts.unscored_records += 1
            return
        self.counts.records += 1
        texts = self.texts.setdefault((record.task.name, record.source), [0, 0])
        texts[0] += 1
        texts[1] += record.invalid
        self.add(record)

    def add(self, record: Record) -> None:
        """Count the facts of a record that has gold."""
        task, gold_facts = record.task, record.gold
        assert gold_facts is not None
        gold_keys, pred_keys = task.keys(gold_facts, self.match), record.keys(self.match)
        language = language_of(record.text) if self.by_language else ""
        for group in (*task.groups, *task.field_groups):
            gold, pred = gold_keys[group], pred_keys[group]
            if self.distinct or group in task.field_groups:
                gold, pred = list(dict.fromkeys(gold)), list(dict.fromkeys(pred))
            labels = [fact[0] for fact in gold]
            if labels and group in task.groups and not (asked := record.labels_asked()).issuperset(labels):
                self.counts.gold_not_asked += sum(label not in asked for label in labels)
            facts = _right(pred, gold, self.match) if pred and gold else [], [fact[0] for fact in pred], labels
            self.cell(task.name, group, record.source).add(*facts)
            if self.by_language:
                self.languages.setdefault((task.name, group, language), Cell()).add(*facts)
        if record.completed is not None:
            for part, facts in split(record, self.match, self.distinct):
                self.parts.setdefault((task.name, part), Cell()).add(*facts)
        if self.match in BY_PLACE:
            spans = gold_facts.spans()
            self.counts.gold_mentions += len(spans)
            self.counts.gold_without_place += sum(not s.grounded for s in spans)


def _right(pred: list[Key], gold: list[Key], match: Match) -> list[str]:
    """Labels of the answered facts that are in the gold, each gold fact used once."""
    if match == "overlap" or len(gold) > FEW:
        return [fact[0] for fact, found in zip(pred, pairs(pred, gold, match), strict=True) if found is not None]
    rest = list(gold)
    right = []
    for fact in pred:
        if fact in rest:
            rest.remove(fact)
            right.append(fact[0])
    return right
