"""Prediction rows as they stand in a file: hardly anything is demanded of one, so that it can be counted."""

from __future__ import annotations

from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.evaluation.answers import Question
from iepile.evaluation.grouping import Key
from iepile.jsonl import BROKEN_JSON
from iepile.tasks.task import Task


class Row(msgspec.Struct):
    """The fields of a row that scoring looks at."""

    instruction: Any = None
    id: Any = None
    task: Any = None
    source: Any = None
    label: Any = None
    output: Any = None
    finish: Any = None
    facts: msgspec.Raw = msgspec.Raw(b"")
    input: Any = None
    """The text, where the question is plain words beside it."""
    completed: Any = None
    """Triples of the label that are not in the text, of a text that lacks a piece."""


class Wire(msgspec.Struct, gc=False):
    """What scoring looks at in an instruction."""

    input: str
    schema: msgspec.Raw


class AskedRow(msgspec.Struct):
    """A row of a text: what it asked, and what it holds."""

    task: Task
    key: Key
    question: Question
    label: str | None
    line: int
    row: Row
    text: str


read_row = msgspec.json.Decoder(Row).decode
"""A row of a line. Raises what `BROKEN_JSON` names."""
decode_wire = msgspec.json.Decoder(Wire).decode
"""`read_wire` of text, raising what `BROKEN_JSON` names."""


def read_wire(text: object) -> Wire:
    """The `instruction` of a row.

    Raises:
        InputError: it is none.
    """
    if not isinstance(text, str):
        raise InputError("no `instruction`")
    try:
        return decode_wire(text)
    except BROKEN_JSON as e:
        raise InputError(f"the instruction cannot be read: {e}") from None


def as_json(value: object) -> str:
    """A value that stands in a row as it is, as the JSON text that stands there usually."""
    return msgspec.json.encode(value).decode()
