"""Counting: which answered facts are in the gold, by task, group, source and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from iepile.evaluation.facts import Counts, Record
from iepile.evaluation.pairing import Key, pairs
from iepile.tasks.matching import BY_PLACE, Match

FEW = 16
"""Facts up to which looking through a list is quicker than hashing."""


class Cell:
    """Labels of the facts of one task, group and source, one entry a fact."""

    __slots__ = ("gold", "pred", "right", "spread")

    def __init__(self) -> None:
        self.right: list[str] = []
        self.pred: list[str] = []
        self.gold: list[str] = []
        self.spread: Counter[tuple[int, int, int]] = Counter()
        """(right, answered, gold) of a text -> texts: all that intervals need to know of them."""

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
            match_mode: `normal` or `set`; the field's groups are compared as sets in any case.
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
        for group in (*task.groups, *task.field_groups):
            gold, pred = gold_keys[group], pred_keys[group]
            if self.distinct or group in task.field_groups:
                gold, pred = list(dict.fromkeys(gold)), list(dict.fromkeys(pred))
            place = (task.name, group, record.source)
            if (cell := self.cells.get(place)) is None:
                cell = self.cells[place] = Cell()
            if gold:
                labels = [fact[0] for fact in gold]
                cell.gold += labels
                if group in task.groups and not (asked := record.labels_asked()).issuperset(labels):
                    self.counts.gold_not_asked += sum(label not in asked for label in labels)
            right: list[str] = []
            if pred:
                cell.pred += [fact[0] for fact in pred]
                if gold:
                    cell.right += (right := _right(pred, gold, self.match))
            cell.spread[len(right), len(pred), len(gold)] += 1
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
