"""A text of a prediction file: what its rows asked, what is there, what was answered."""

from __future__ import annotations

from typing import Any

import msgspec

from iepile.evaluation.answers import Keys, Question, Reading
from iepile.records import Facts, Relation
from iepile.tasks.matching import BY_PLACE, Match
from iepile.tasks.task import Task


class Record(msgspec.Struct):
    """One text: its gold facts, and the answers of all its rows."""

    task: Task
    source: str
    label: str | None
    asked: list[Question]
    """What each row asked."""
    rows: list[tuple[int, Any, Any, bytes]]
    """Line, `output`, `finish` and `facts` of each row, not yet read."""
    id: str = ""
    text: str = ""
    """Only where details are wanted."""
    label_line: int = 0
    gold: Facts | None = None
    answers: list[Reading] = []
    """What each row answered."""
    placed: list[Facts] = []
    """The `facts` of each row, where places or details are wanted."""
    invalid: int = 0
    completed: frozenset[tuple[str, ...]] | None = None
    """Triples of the gold that are not in the text, where the rows say so (completion.py); the text is kept then."""

    def keys(self, match: Match) -> Keys:
        """Scoring keys of all answers."""
        if match in BY_PLACE:
            return self.task.keys(self.task.join(self.placed), match)
        if len(self.asked) > 1 and self._in_parts():
            return self.task.keys(self.task.join(a.facts for a in self.answers), match)
        parts = [part.keys for answer in self.answers for part in answer.parts]
        groups = (*self.task.groups, *self.task.field_groups)
        return {group: [key for keys in parts for key in keys[group]] for group in groups}

    def relations(self, match: Match) -> tuple[Relation, ...]:
        """The relations of all answers, in the order of their keys."""
        facts = self.placed if match in BY_PLACE else (a.facts for a in self.answers)
        return self.task.join(facts).relations

    def labels_asked(self) -> frozenset[str]:
        """Every label that a row of the record asks."""
        if len(self.asked) == 1:
            return self.asked[0].labels
        return frozenset().union(*(q.labels for q in self.asked))

    def _in_parts(self) -> bool:
        """Whether a label was asked in several rows, each about other roles."""
        names = [i.name for q in self.asked for i in q.items if i.roles]
        return len(names) != len(set(names))

    def repeats(self, question: Question, label: str | None) -> bool:
        """Whether a row with this question and label is of another text."""
        if label is not None and self.label is not None and label != self.label:
            return True
        # A big event type may be asked in parts, each with other roles.
        close = [q for q in self.asked if not q.labels.isdisjoint(question.labels)]
        return any(i.name == old.name and (not i.roles or not set(i.roles).isdisjoint(old.roles))
                   for q in close for old in q.items for i in question.items)
