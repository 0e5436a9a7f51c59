"""What is asked of a text: polls, each a batch of labels of one task, made of a schema or read from an instruction row.

A poll can be asked about any piece of the text and with its labels in any order; about the whole text in the order
given it is, to the byte, the instruction that it was read from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.extraction.engines.engine import Request
from iepile.instruction import read_fields
from iepile.instructions.draws import Draws
from iepile.instructions.polling import Polling, PollingOptions
from iepile.instructions.wording import Wordings, prompt
from iepile.jsonl import dumps
from iepile.records import Document
from iepile.schema import Schema
from iepile.tasks.task import Item, Task, get_task
from iepile.values import Values

TASKS = ("NER", "RE", "EE")
"""Asked of a document unless others are named: each asks one part of a schema."""
_INNER = ("arguments", "attributes")
"""Where an entry of a question lists roles or attributes."""


class Poll(msgspec.Struct, frozen=True):
    """Labels of one task that are asked together."""

    task: str
    fields: dict[str, Any]
    """The instruction as an object, in the order of its keys."""
    values: Mapping[str, Values] = {}
    """What need not be a piece of the text; see `Request.values`."""
    whole: str = ""
    """The instruction as it was read, if it was; said when the whole text is asked in the order given."""

    @property
    def plain(self) -> bool:
        """A question in plain words: asked once, as it stands."""
        return not self.task

    def request(self, key: str, sample: int = 0) -> Request:
        """The question as an engine takes it."""
        return Request(key, self.task, self.render(), self.fields["input"] if self.plain else "", sample, self.values)

    @property
    def entries(self) -> list[Any]:
        """The labels as the question writes them; with descriptions, pairs of label and description."""
        schema = self.fields["schema"]
        return list(schema.items()) if isinstance(schema, dict) else list(schema)

    @property
    def items(self) -> tuple[Item, ...]:
        """What is asked, in the order given."""
        return get_task(self.task).read_items(self.fields["schema"])

    def around(self, text: str) -> Poll:
        """The same question with another text in it, to see how long it is."""
        return Poll(self.task, self.fields | {"input": text}, self.values)

    def about(self, text: str) -> Poll | None:
        """The poll about a piece of the text: what it tells of the text (triggers) only as far as the piece holds it.

        Returns:
            None where nothing is left to ask.
        """
        poll = self.around(text)
        if get_task(self.task).poses_facts:
            left = [told for entry in self.entries if (told := _told(entry, text)) is not None]
            return Poll(self.task, poll.fields | {"schema": left}, self.values) if left else None
        return poll

    def orders(self, k: int, seed: int) -> list[Poll]:
        """The poll in up to k different orders of its labels, the order given first. Fewer where there are no more.

        The same labels are put in the same orders for every text. One label alone: its roles are put in other orders.
        """
        entries = self.entries
        names = [dumps(e) for e in entries]
        inner = next((key for key in _INNER if len(entries) == 1 and isinstance(entries[0], dict)
                      and len(entries[0].get(key) or ()) > 1), None)
        size = len(entries) if inner is None else len(entries[0][inner])
        most = min(k, math.factorial(min(size, 9)))
        out, seen = [self], {tuple(range(size))}
        draws = Draws("\x00".join((str(seed), *names)))
        while len(out) < most:
            order = draws.shuffled(range(size))
            if tuple(order) in seen:
                continue
            seen.add(tuple(order))
            mixed: list[Any] = [_reordered(entries[0], inner, order)] if inner else [entries[i] for i in order]
            schema = dict(mixed) if isinstance(self.fields["schema"], dict) else mixed
            out.append(Poll(self.task, self.fields | {"schema": schema}, self.values))
        return out

    def render(self) -> str:
        """The instruction as rows hold it."""
        return self.whole or dumps(self.fields)


def _told(entry: Any, text: str) -> Any:
    words = entry.get("trigger") if isinstance(entry, dict) else None
    if not isinstance(words, list):
        return entry
    left = [w for w in words if not w or w in text]
    return entry | {"trigger": left} if left or not words else None


def _reordered(entry: dict[str, Any], key: str, order: Sequence[int]) -> dict[str, Any]:
    inner = entry[key]
    if isinstance(inner, dict):
        pairs = list(inner.items())
        return entry | {key: dict(pairs[i] for i in order)}
    return entry | {key: [inner[i] for i in order]}


def poll_of_row(task: str, instruction: str, text: str = "") -> tuple[str, Poll]:
    """Text and poll of a row.

    Args:
        task: empty for a question in plain words, whose text is `text`.

    Raises:
        InputError: not an instruction.
    """
    fields = read_fields(instruction) if task else {"input": text}
    return fields["input"], Poll(task, fields, {}, instruction)


class SchemaPolls:
    """The polls of a schema, for texts of any language."""

    def __init__(
        self,
        schema: Schema,
        tasks: Sequence[str] = (),
        split_num: int | None = None,
        wordings: Wordings | None = None,
        descriptions: bool = False,
        examples: Sequence[Document] = (),
    ) -> None:
        """
        Args:
            tasks: asked; by default those that the schema has labels for.
            split_num: labels a poll; by default what each task advises.
            wordings: prompts that go before ours.
            descriptions: write the descriptions of labels into the questions.
            examples: solved examples that each question shows.

        Raises:
            InputError: an unknown task, one that cannot be asked of a plain text, or no place for descriptions.
        """
        self.wordings, self.examples = wordings, list(examples)
        self._polls: list[tuple[Task, tuple[Item, ...], list[Any] | dict[str, Any], Mapping[str, Values]]] = []
        self._made: dict[str, tuple[Poll, ...]] = {}
        for name in tasks or TASKS:
            task = get_task(name)
            if task.in_words:
                raise InputError(f"{task.name} asks in words of its own, not by a schema", field="task",
                                 fix="ask RE, or make rows with `iepile convert --split test` and give these")
            if task.poses_facts:
                raise InputError(f"{task.name} asks about facts of the text that must be told", field="task",
                                 fix="ask EE, or give instruction rows")
            options = PollingOptions(split_num=split_num or task.split_num)
            described = schema if descriptions and schema.described else None
            for batch in Polling(task.items(schema), options, task.key, task.attributes).every():
                self._polls.append((task, batch, task.questions(batch, described), task.values(schema)))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that are asked."""
        return tuple(dict.fromkeys(task.name for task, _, _, _ in self._polls))

    def polls(self, language: str) -> tuple[Poll, ...]:
        """All polls with prompts in a language; `input` is still empty."""
        if language not in self._made:
            self._made[language] = tuple(
                Poll(task.name, self._fields(task, items, entries, language), values)
                for task, items, entries, values in self._polls
            )
        return self._made[language]

    def _fields(self, task: Task, items: Sequence[Item], entries: list[Any] | dict[str, Any],
                language: str) -> dict[str, Any]:
        fields: dict[str, Any] = {"instruction": prompt(task.name, language, self.wordings), "schema": entries}
        shown = [{"input": d.text, "output": task.answer(task.about(d.facts, items), items, d.text)}
                 for d in self.examples]
        return fields | ({"example": shown} if shown else {}) | {"input": ""}


def tasks_named(names: str) -> tuple[str, ...]:
    """Tasks of a list with commas, each known.

    Raises:
        InputError: an unknown task.
    """
    return tuple(get_task(n.strip()).name for n in names.split(",") if n.strip())


def read_examples(rows: Iterable[tuple[int, Mapping[str, Any]]], file: str) -> list[Document]:
    """Solved examples, documents in the unified format.

    Raises:
        InputError: a row that is none.
    """
    from iepile.unified import document_from_row

    return [document_from_row(row, file, line) for line, row in rows]
