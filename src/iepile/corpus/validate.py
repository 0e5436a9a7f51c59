"""What is wrong with a data file, by line: documents, training rows, test rows or predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.evaluation.completion import read_completed
from iepile.instruction import read_instruction
from iepile.jsonl import BROKEN_JSON, decode_row, read_lines
from iepile.schema import Schema
from iepile.tasks.task import get_task
from iepile.unified import document_from_row


@dataclass(kw_only=True)
class ValidateConfig:
    """Check a data file line by line and say what is wrong with it."""

    file: str
    """The file: documents in the unified format, instruction rows, or predictions."""
    schema_path: str | None = None
    """Check the labels against this schema as well."""
    limit: int = 20
    """Problems to report; all are counted."""


class ValidateSummary(msgspec.Struct):
    """The result of a check."""

    kind: str
    """`documents` or `instruction rows`."""
    records: int
    bad: int
    problems: list[str]


def validate(config: ValidateConfig) -> ValidateSummary:
    """Check the file; see `ValidateConfig`.

    Raises:
        InputError: the file as a whole cannot be read.
    """
    schema = Schema.read(config.schema_path) if config.schema_path else None
    lines = read_lines(config.file)
    first = next(lines)
    rows = b'"instruction"' in first[1][:100_000]
    known = _known(schema)
    check = _check_row if rows else _check_document
    summary = ValidateSummary("instruction rows" if rows else "documents", 0, 0, [])
    for n, line in chain([first], lines):
        summary.records += 1
        try:
            check(decode_row(line, config.file, n), known)
        except InputError as e:
            summary.bad += 1
            if len(summary.problems) < config.limit:
                summary.problems.append(str(e.at(config.file, n)))
    return summary


def validated(config: ValidateConfig) -> ValidateSummary:
    """The same, for those who go on only with a file that is sound.

    Raises:
        InputError: the file as a whole cannot be read.
        IepileError: some of its records are bad; the message tells which.
    """
    result = validate(config)
    if not result.bad:
        return result
    shown = "\n".join(result.problems)
    more = result.bad - len(result.problems)
    raise IepileError(f"{result.bad} of {result.records} records are bad\n{shown}"
                      + (f"\nand {more} more (--limit)" if more else ""))


_Known = Mapping[str, Mapping[str, frozenset[str]]]
"""Task -> label -> its roles, of the tasks for which the schema has labels."""


def _known(schema: Schema | None) -> _Known:
    if schema is None:
        return {}
    # The labels themselves: what SPO and KG ask is made of them.
    items = {name: get_task(name).items(schema) for name in ("NER", "RE", "EE")}
    return {name: {i.name: frozenset(i.roles) for i in of} for name, of in items.items() if of}


def _check_labels(task: str, labels: Mapping[str, Iterable[str]], known: _Known, field: str) -> None:
    if task not in known:
        return
    for label, roles in labels.items():
        if label not in known[task]:
            raise InputError(f"the schema has no {task} label {label!r}", field=field)
        if odd := [r for r in roles if r not in known[task][label]]:
            raise InputError(f"the schema gives {label!r} no role {odd[0]!r}", field=field)


def _check_document(row: dict[str, Any], known: _Known) -> None:
    doc = document_from_row(row)
    for name in known:
        task = get_task(name)
        _check_labels(name, task.positives(doc.facts), known, task.annotation)


def _check_row(row: dict[str, Any], known: _Known) -> None:
    for key in ("task", "instruction"):
        if not isinstance(row.get(key), str):
            raise InputError(f"the row has no {key}", field=key, expected="text")
    task = get_task(row["task"])
    if task.in_words:
        if not isinstance(row.get("input"), str):
            raise InputError("the row has no input", field="input", expected="text")
        items = task.read_words(row["instruction"])
    else:
        items = task.read_items(read_instruction(row["instruction"]).schema)
    _check_labels("RE" if task.in_words else task.name, {i.name: i.roles for i in items}, known, "instruction")
    if isinstance(row.get("output"), str):
        answer = task.parse(row["output"], items)
        if answer.problems:
            p = answer.problems[0]
            raise InputError(
                f"the answer: {p.kind}: {p.detail}",
                field="output",
                expected="the triples that the instruction asks for" if task.in_words
                else "the JSON that the schema of the instruction asks for",
            )
    elif "output" in row:
        raise InputError("the output is not text", field="output", expected="a JSON string")
    if "label" in row:
        try:
            task.read_label_rows(msgspec.json.decode(row["label"]))
        except (TypeError, *BROKEN_JSON) as e:
            raise InputError(f"the label is not JSON: {e}", field="label") from None
    if row.get("completed") is not None and read_completed(row["completed"]) is None:
        raise InputError("no list of triples", field="completed", expected='[["head", "relation", "tail"], ...]')
