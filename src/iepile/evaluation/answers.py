"""Answers read value by value, each distinct value once.

Most rows of a polled file answer `[]` to most labels, and names recur: what a value means for scoring
is kept, so that a row costs a few look-ups. The result is that of `Task.parse`.

>>> from iepile.tasks.task import get_task
>>> reader = AnswerReader(get_task("NER"))
>>> reader.read('{"person": ["Ada"]}', reader.question((Item("person"),))).facts.entities[0].span.text
'Ada'
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence

import msgspec

from iepile.jsonl import BROKEN_JSON
from iepile.records import Facts
from iepile.tasks.task import Item, Match, Problem, Task

Keys = dict[str, list[tuple[str, Hashable]]]
"""Score group -> (label, key) of each fact."""
LONGEST = 400
"""Bytes of a value that is kept; longer ones hardly recur."""
MOST = 200_000
"""Values kept in all."""

_values = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Part(msgspec.Struct, frozen=True, gc=False):
    """What one value of an answer states."""

    facts: Facts
    keys: Keys
    problems: tuple[Problem, ...]


class Reading(msgspec.Struct, frozen=True, gc=False):
    """An answer in parts, and what is odd about it as a whole."""

    parts: tuple[Part, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def facts(self) -> Facts:
        """The facts of all parts."""
        return sum((p.facts for p in self.parts), Facts())


class Question:
    """What a row asks, prepared for reading many answers to it."""

    __slots__ = ("items", "known", "labels")

    def __init__(
        self,
        items: tuple[Item, ...],
        known: dict[str, tuple[Item, dict[bytes, Part]]],
        labels: Iterable[str] = (),
    ) -> None:
        self.items, self.known = items, known
        self.labels = frozenset(labels)


class AnswerReader:
    """Reads the answers to a task's questions."""

    def __init__(self, task: Task, match: Match = "string") -> None:
        """
        Args:
            task: whose answers are read.
            match: what the keys of the parts compare.
        """
        self.task, self.match = task, match
        self._known: dict[Item, dict[bytes, Part]] = {}
        self._kept = 0
        # A task that parses in a way of its own is left to do so.
        self._by_value = type(task).parse is Task.parse

    def question(self, items: tuple[Item, ...]) -> Question:
        """Prepare a question about these items; answers to equal values of an item share what is kept."""
        if len(self._known) > MOST:  # every EEA question is an item of its own
            self._known.clear()
        known = {self.task.key(i): (i, self._known.setdefault(i, {})) for i in items}
        return Question(items, known, (label for i in items for label in self.task.labels(i)))

    def read(self, text: str, question: Question) -> Reading:
        """Read an answer to a question. Never raises."""
        if not self._by_value:
            return self._whole(text, question.items)
        try:
            values = _values.decode(text)
        except BROKEN_JSON:
            return self._whole(text, question.items)
        asked = question.known
        parts: list[Part] = []
        problems: list[Problem] | None = None
        for key, raw in values.items():
            entry = asked.get(key)
            if entry is None:
                problems = [*(problems or ()), Problem("not asked", key)]
                continue
            part = entry[1].get(value := bytes(raw))
            if part is None:
                try:
                    part = self._part(entry, value)
                except (ValueError, RecursionError):
                    return self._whole(text, question.items)
            parts.append(part)
        if len(parts) < len(asked):
            problems = [*(problems or ()), *(Problem("missing", key) for key in asked if key not in values)]
        return Reading(tuple(parts), tuple(problems) if problems else ())

    def _part(self, entry: tuple[Item, dict[bytes, Part]], value: bytes) -> Part:
        item, known = entry
        answer = self.task.read_value(json.loads(value), item)
        part = Part(answer.facts, self.task.keys(answer.facts, self.match), answer.problems)
        if len(value) <= LONGEST and self._kept < MOST:
            self._kept += 1
            known[value] = part
        return part

    def _whole(self, text: str, items: Sequence[Item]) -> Reading:
        answer = self.task.parse(text, items)
        return Reading((Part(answer.facts, self.task.keys(answer.facts, self.match), ()),), answer.problems)
