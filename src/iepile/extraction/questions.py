"""The questions of a file: instruction rows of ours with their task, rows that ask in plain words as the 2023 guide
has them, and texts that are asked by a schema.

A plain row asks in `instruction` and holds the text in `input`. It is answered as it stands, and what is answered is
kept as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.extraction.polls import Poll, SchemaPolls, poll_of_row
from iepile.instruction import EXPECTED, read_instruction
from iepile.instructions.wording import tasks_of
from iepile.jsonl import read_rows
from iepile.language import language_of
from iepile.tasks.task import get_task

PLAIN = ""
"""The task of a plain row."""
DOCUMENT = "document"
"""What stands for the task of a text that is asked by a schema: it may be asked several."""


class Question(msgspec.Struct, frozen=True):
    """One row to answer."""

    row: dict[str, Any]
    task: str
    """Name of the task; `PLAIN` for a plain row, `DOCUMENT` for a text."""
    instruction: str
    input: str = ""
    """The text of a plain row or a document; elsewhere the instruction holds it."""
    polls: tuple[Poll, ...] = ()
    """What is asked of a document."""

    def asked(self) -> tuple[str, tuple[Poll, ...]]:
        """Text and polls."""
        if self.task == DOCUMENT:
            return self.input, self.polls
        text, poll = poll_of_row(self.task, self.instruction, self.input)
        return text, (poll,)


class QuestionReader:
    """Makes questions of rows, each checked."""

    def __init__(self, default: str = "", polls: SchemaPolls | None = None, language: str = "") -> None:
        """
        Args:
            default: task of rows that name none and whose prompt has a wording of its own.
            polls: asked of rows that hold a text and no instruction.
            language: of the prompts of texts; empty: that of each text.
        """
        self.default, self.polls, self.language = default, polls, language
        self._known: dict[tuple[str | None, str], str] = {}

    def read(self, row: dict[str, Any]) -> Question:
        """
        Raises:
            InputError: no readable instruction or task, and no text that a schema could be asked of.
        """
        text, more = row.get("instruction"), row.get("input")
        if not isinstance(text, str):
            return self._document(row)
        name = row.get("task")
        if (asked := name or self.default) and isinstance(more, str) and get_task(str(asked)).in_words:
            # From here on the row says what it asks, so that its answer is read and scored.
            return Question(row if name else row | {"task": asked}, PLAIN, text, more)
        if isinstance(more, str) and not name and not self.default and not text.lstrip().startswith("{"):
            return Question(row, PLAIN, text, more)
        instruction = read_instruction(text)
        key = (row.get("task") or None, instruction.prompt)
        if key not in self._known:
            self._known[key] = _task_name(*key, self.default, instruction.schema)
        get_task(self._known[key]).read_items(instruction.schema)
        return Question(row, self._known[key], text)

    def _document(self, row: dict[str, Any]) -> Question:
        text = row.get("text")
        if self.polls is None:
            fix = "convert the data with `iepile convert --split test`"
            fix += ", or give --schema with the labels to look for" if isinstance(text, str) else ""
            raise InputError("no `instruction`", field="instruction", expected=EXPECTED, fix=fix)
        if not isinstance(text, str):
            raise InputError("no `text`", field="text", expected='"text": "..."',
                             fix="name the field that holds the text with --text_field")
        if not text.strip():
            return Question(row, DOCUMENT, "", text)
        return Question(row, DOCUMENT, "", text, self.polls.polls(self.language or language_of(text)))


def read_questions(path: str, limit: int = 0, default: str = "") -> Iterator[Question]:
    """The instruction rows of a file of JSON lines.

    Args:
        limit: only the first rows, this many; 0: all.
        default: task of rows that name none and whose prompt has a wording of its own.

    Raises:
        InputError: a row without a readable instruction or task, with file and line.
    """
    return questions_of(read_rows(path), path, QuestionReader(default), limit)


def questions_of(
    rows: Iterable[tuple[int, dict[str, Any]]], path: str, reader: QuestionReader, limit: int = 0
) -> Iterator[Question]:
    """The questions of rows with their lines; see `read_questions`."""
    for n, (line, row) in enumerate(rows):
        if limit and n >= limit:
            return
        try:
            question = reader.read(row)
        except InputError as e:
            raise e.at(path, line) from None
        yield question


def _task_name(named: object, prompt: str, default: str, schema: list[Any]) -> str:
    if named is not None:
        return get_task(str(named)).name
    found = list(dict.fromkeys(task for task, _ in tasks_of(prompt, schema)))
    if default:
        return get_task(default).name
    if len(found) == 1:
        return found[0]
    why = "its prompt is of several tasks: " + ", ".join(found) if found else "its prompt is no wording we know"
    raise InputError(f"the row names no task, and {why}", field="task", expected='"task": "NER"',
                     fix="name the task in the rows, or give --task")
