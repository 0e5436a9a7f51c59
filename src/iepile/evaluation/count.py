"""Counting: which answered facts are in the gold, by task, group, source and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

from iepile.evaluation.facts import Counts, Record
from iepile.tasks.task import Match

FEW = 16
"""Facts up to which looking through a list is quicker than hashing."""


class Cell:
    """Labels of the facts of one task, group and source, one entry a fact."""

    __slots__ = ("gold", "pred", "right")

    def __init__(self) -> None:
        self.right: list[str] = []
        self.pred: list[str] = []
        self.gold: list[str] = []

    def by_label(self) -> Iterator[tuple[str, tuple[int, int, int]]]:
        """(label, (right, answered, gold)), by label."""
        right, pred, gold = Counter(self.right), Counter(self.pred), Counter(self.gold)
        for label in sorted({*pred, *gold}):
            yield label, (right[label], pred[label], gold[label])


class Tally:
    """Counts the facts of records."""

    def __init__(self, match_mode: str, match: Match, counts: Counts) -> None:
        """
        Args:
            match_mode: `normal` or `set`.
            match: what mentions are compared by.
            counts: where gold facts that nobody asked for, or without a place, are told.
        """
        self.distinct, self.match, self.counts = match_mode == "set", match, counts
        self.cells: dict[tuple[str, str, str], Cell] = {}
        """By task, group and source."""

    def add(self, record: Record) -> None:
        """Count a record that has gold."""
        task, gold_facts = record.task, record.gold
        assert gold_facts is not None
        gold_keys, pred_keys = task.keys(gold_facts, self.match), record.keys(self.match)
        for group in task.groups:
            gold, pred = gold_keys[group], pred_keys[group]
            if self.distinct:
                gold, pred = list(dict.fromkeys(gold)), list(dict.fromkeys(pred))
            place = (task.name, group, record.source)
            if (cell := self.cells.get(place)) is None:
                cell = self.cells[place] = Cell()
            if gold:
                labels = [fact[0] for fact in gold]
                cell.gold += labels
                asked = record.labels_asked()
                if not asked.issuperset(labels):
                    self.counts.gold_not_asked += sum(label not in asked for label in labels)
            if pred:
                cell.pred += [fact[0] for fact in pred]
                if gold:
                    cell.right += _right(pred, gold)
        if self.match == "offset":
            spans = gold_facts.spans()
            self.counts.gold_mentions += len(spans)
            self.counts.gold_without_place += sum(not s.grounded for s in spans)


def _right(pred: list[tuple[str, Hashable]], gold: list[tuple[str, Hashable]]) -> list[str]:
    """Labels of the answered facts that are in the gold, each gold fact used once."""
    if len(gold) > FEW:
        left = Counter(gold)
        right = []
        for fact in pred:
            if left[fact] > 0:
                left[fact] -= 1
                right.append(fact[0])
        return right
    rest = list(gold)
    right = []
    for fact in pred:
        if fact in rest:
            rest.remove(fact)
            right.append(fact[0])
    return right
