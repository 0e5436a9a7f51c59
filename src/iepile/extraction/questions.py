"""The questions of a file of rows: an instruction of ours with its task, or plain words as the 2023 guide has them.

A plain row asks in `instruction` and holds the text in `input`. It is answered as it stands: without a grammar, and
what is answered is kept as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.instruction import EXPECTED, read_instruction
from iepile.instructions.wording import tasks_of
from iepile.jsonl import read_rows
from iepile.tasks.task import get_task

PLAIN = ""
"""The task of a plain row."""


class Question(msgspec.Struct, frozen=True):
    """One row to answer."""

    row: dict[str, Any]
    task: str
    """Name of the task; `PLAIN` for a plain row."""
    instruction: str
    input: str = ""
    """The text of a plain row; elsewhere the instruction holds it."""


def read_questions(path: str, limit: int = 0, default: str = "") -> Iterator[Question]:
    """The rows of a file, each checked.

    Args:
        limit: only the first rows, this many; 0: all.
        default: task of rows that name none and whose prompt has a wording of its own.

    Raises:
        InputError: a row without a readable instruction or task, with file and line.
    """
    known: dict[tuple[str | None, str], str] = {}
    for n, (line, row) in enumerate(read_rows(path)):
        if limit and n >= limit:
            return
        try:
            text, more = row.get("instruction"), row.get("input")
            if not isinstance(text, str):
                raise InputError("no `instruction`", field="instruction",
                                 expected=EXPECTED, fix="convert the data with `iepile convert --split test`")
            if isinstance(more, str) and not row.get("task") and not default and not text.lstrip().startswith("{"):
                question = Question(row, PLAIN, text, more)
            else:
                instruction = read_instruction(text)
                key = (row.get("task") or None, instruction.prompt)
                if key not in known:
                    known[key] = _task_name(*key, default, instruction.schema)
                get_task(known[key]).read_items(instruction.schema)
                question = Question(row, known[key], text)
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
