"""Dictionaries of hard negatives on disk, in both forms of IEPile (formats.md 1.5).

Flat: `{label: [labels]}`. Three levels: `{task: {data set: {label: [labels]}}}`; to such a file a part is added
and every other part stays. `read_hard_negatives` in `instructions/polling.py` reads both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from iepile.corpus.mining.labels import Label, Scored
from iepile.errors import InputError
from iepile.instructions.polling import read_hard_negatives
from iepile.jsonl import BROKEN_JSON, atomic_writer, read_bytes
from iepile.tasks.task import Task

THREE_LEVELS = "task -> data set -> {label -> [labels]}"


def by_dictionary(labels: Sequence[Label], task: Task, path: str, dataset: str | None) -> Scored:
    """A dictionary that is there, made by hand perhaps, as a method: the n-th label of a list scores 1 / n.

    Raises:
        InputError: see `read_hard_negatives`.
    """
    names = {x.name for x in labels}
    table, _ = read_hard_negatives(path, dataset, task.name, names.__contains__)
    scores = {a: {b: 1 / n for n, b in enumerate((b for b in row if b != a), 1)} for a, row in table.items()}
    return Scored(scores, lambda a, b: (f"number {table[a].index(b) + 1} in {Path(path).name}",))


def write_dictionary(
    path: str | Path, table: Mapping[str, Sequence[str]], task: str = "", dataset: str | None = None
) -> None:
    """Write the flat form, or with `dataset` add or replace that part of a three-level file.

    Raises:
        InputError: a flat file where a part should be added, or a three-level one in the way of a flat one.
    """
    data = existing(path, dataset)
    if dataset is None:
        data = dict(table)
    else:
        data.setdefault(task, {})[dataset] = dict(table)
    with atomic_writer(path) as f:
        f.write((json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode())


def existing(path: str | Path, dataset: str | None) -> dict[str, Any]:
    """What the target holds and keeps; call it before the work, for it finds a target of the other form.

    Raises:
        InputError: see `write_dictionary`.
    """
    if not Path(path).is_file():
        return {}
    try:
        data = msgspec.json.decode(read_bytes(path))
    except BROKEN_JSON as e:
        raise InputError(f"exists and is not JSON: {e}", file=path, expected=THREE_LEVELS,
                         fix="choose another target, or remove it") from None
    deep = isinstance(data, dict) and all(
        isinstance(part, dict) and all(isinstance(table, dict) for table in part.values()) for part in data.values()
    )
    if dataset is not None and not deep:
        raise InputError("exists and has not the three-level form", file=path, expected=THREE_LEVELS,
                         fix="choose another target, or leave --dataset out to replace the file")
    if dataset is None and deep and data:
        raise InputError("holds the dictionaries of several data sets", file=path, field="dataset",
                         fix="say with --dataset which part to write, or choose another target")
    return data if deep and dataset is not None else {}
