"""What a file states of its documents, task by task: predictions, answers of others, triples in words, documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.placing import placed
from iepile.instruction import read_instruction
from iepile.jsonl import decode_row, read_lines
from iepile.places import places_of
from iepile.records import Facts, text_id
from iepile.tasks.task import Item, Task, get_task
from iepile.unified import document_from_row

ANNOTATIONS = {"entity": "NER", "relation": "RE", "event": "EE"}
"""Which task the annotation of a document goes to."""
IN_WORDS = "TRIPLES"
"""The task of rows that name none and have their text beside the question: files of the CCKS2023 contest."""
SHOWN = 5
"""Faults told in full."""


class Reading(msgspec.Struct, frozen=True):
    """What one document states for one task."""

    task: Task
    facts: Facts
    text: str
    document: str
    source: str | None
    asked: dict[str, str]
    """Label -> hash of the question that asked it."""
    line: int
    places: Sequence[Mapping[str, Any]] = ()
    """Where the pieces of the text stood in its file."""


class Faults:
    """Rows that could not be read, and answers without sense in rows that could."""

    def __init__(self) -> None:
        self.rows = 0
        """Rows read, good or bad."""
        self.malformed = 0
        self.first: list[InputError] = []
        self.invalid = 0
        """Answers that could not be read."""

    def add(self, error: InputError) -> None:
        """Note a row that is left out."""
        self.malformed += 1
        if len(self.first) < SHOWN:
            self.first.append(error)


def readings(path: str, faults: Faults | None = None) -> Iterator[Reading]:
    """What the documents of a file state; the rows that ask one document are put together.

    Args:
        path: predictions or documents in the unified format, one a line.
        faults: bad rows are noted there and left out.

    Raises:
        InputError: the file cannot be read; without `faults`, a row that cannot.
    """
    faults, strict = (Faults(), True) if faults is None else (faults, False)
    for (kind, *_), rows in groupby(_rows(path, faults, strict), lambda numbered: _group(numbered[1])):
        if kind == "document":
            for line, row in rows:
                try:
                    yield from _of_document(row, line)
                except InputError as e:
                    _note(e.at(path, line), faults, strict)
        elif reading := _of_predictions(rows, path, faults, strict):
            yield reading


def _note(error: InputError, faults: Faults, strict: bool) -> None:
    if strict:
        raise error
    faults.add(error)


def _rows(path: str, faults: Faults, strict: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, raw in read_lines(path):
        faults.rows += 1
        try:
            yield line, decode_row(raw, path, line)
        except InputError as e:
            _note(e, faults, strict)


def _group(row: Mapping[str, Any]) -> tuple[Any, ...]:
    if isinstance(row.get("instruction"), str):
        # Without an id, rows that ask one text differ in their question only, so each stands alone.
        own = (row["instruction"], row.get("input")) if row.get("id") is None else None
        return ("prediction", row.get("task"), row.get("source"), row.get("id"), own)
    return ("document",)


def _of_document(row: dict[str, Any], line: int) -> Iterator[Reading]:
    if not isinstance(row.get("text"), str):
        raise InputError("neither a prediction nor a document",
                         expected="`instruction` and `output` or `facts`; or `text` and annotation")
    doc = document_from_row(row)
    facts = placed(doc.facts, doc.text)
    parts = {"entity": Facts(entities=facts.entities), "relation": Facts(relations=facts.relations),
             "event": Facts(events=facts.events)}
    for annotation, of in parts.items():
        # Nothing, where somebody looked, replaces what was there before.
        if of or annotation in doc.annotated:
            yield Reading(get_task(ANNOTATIONS[annotation]), of, doc.text, doc.key, doc.source, {}, line,
                          places_of(doc.meta))


def _of_predictions(rows: Iterator[tuple[int, dict[str, Any]]], path: str, faults: Faults, strict: bool
                    ) -> Reading | None:
    """Rows of one document and task as one reading."""
    parts: list[Facts] = []
    asked: dict[str, str] = {}
    about: tuple[Task, str, dict[str, Any], int] | None = None
    for line, row in rows:
        try:
            task, items, text = _question(row)
            parts.append(_facts(row, task, items, text, faults))
        except InputError as e:
            _note(e.at(path, line), faults, strict)
            continue
        digest = sha256(row["instruction"].encode("utf-8", "surrogatepass")).hexdigest()[:16]
        for item in items:
            # An SPO fact goes by its predicate, a KG fact by its attribute.
            for label in (task.key(item), *task.labels(item)):
                asked.setdefault(label, digest)
        about = about or (task, text, row, line)
    if about is None:
        return None
    task, text, first, line = about
    key = text_id(text) if first.get("id") is None else str(first["id"])
    source = None if first.get("source") is None else str(first["source"])
    meta = first.get("meta")
    return Reading(task, task.join(parts), text, key, source, asked, line,
                   places_of(meta) if isinstance(meta, Mapping) else ())


def _question(row: dict[str, Any]) -> tuple[Task, tuple[Item, ...], str]:
    """The task, what is asked, and the text."""
    beside = isinstance(row.get("input"), str)
    task = get_task(str(row.get("task") or (IN_WORDS if beside else "")))
    if task.in_words:
        if not beside:
            raise InputError("no text beside the question", field="input", expected="the text, in `input`")
        return task, task.read_words(row["instruction"]), row["input"]
    instruction = read_instruction(row["instruction"])
    return task, task.read_items(instruction.schema), instruction.input


def _facts(row: dict[str, Any], task: Task, items: tuple[Item, ...], text: str, faults: Faults) -> Facts:
    if "facts" in row:
        try:
            return msgspec.convert(row["facts"], Facts)
        except msgspec.ValidationError as e:
            raise InputError(f"not facts: {e}", field="facts") from None
    if not isinstance(row.get("output"), str):
        raise InputError("neither `facts` nor `output`", field="facts", fix="give the file that `iepile predict` wrote")
    answer = task.parse(row["output"], items)
    faults.invalid += any(p.kind == "invalid" for p in answer.problems)
    return placed(answer.facts, text)
