"""Where a model comes from: the run that trained it, the data it was trained on, the scores it got.

Nothing is guessed. What no file says is left out here, and is `unknown` in the model card.
"""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.instruction import read_instruction
from iepile.jsonl import open_bytes, read_bytes, read_rows
from iepile.language import language_of
from iepile.models.card import model_folder
from iepile.training.checkpoint import RUN

PATHS = ("model_name_or_path", "train_file", "valid_file", "dev_file", "checkpoint_dir", "deepspeed", "cache_path",
         "cache_dir")
"""Settings that name places of the machine: of these only the last part is told."""
_DATA = ("train_file", "valid_file", "dev_file")


class DataFile(msgspec.Struct, frozen=True):
    """A file of rows that a run read."""

    setting: str
    """The setting that named it."""
    name: str
    sha256: str = ""
    """Of its contents without compression; empty: unknown."""
    rows: int | None = None
    """None: the file is not here any more, or has changed."""
    tasks: dict[str, int] = {}
    """Rows by task."""
    languages: dict[str, int] = {}
    """Rows by language, told by the script of their texts."""


class _Score(msgspec.Struct):
    tp: int
    pred: int
    gold: int
    precision: float
    recall: float
    f1: float


class ScoreRow(msgspec.Struct):
    """One score of a report."""

    task: str
    group: str
    score: _Score


class Scores(msgspec.Struct):
    """A report of `iepile evaluate`, as far as a model card tells it."""

    setting: str
    """Name and version of the rules: scores compare only under the same."""
    file: str
    scores: list[ScoreRow]


def read_run(model: str) -> dict[str, Any] | None:
    """`run.json` of the run that a model came from; None where there is none.

    Raises:
        InputError: there is one, and it cannot be read.
    """
    folder = model_folder(model)
    for place in (folder, folder.parent) if folder else ():
        if not (file := place / RUN).is_file():
            continue
        try:
            run = json.loads(file.read_text("utf-8"))
            if not isinstance(run["settings"], dict) or not isinstance(run["data"], dict):
                raise ValueError("settings or data is no object")
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise InputError(f"is damaged: {e}", file=file, fix="remove it: the card will say unknown") from None
        return dict(run)
    return None


def data_files(run: dict[str, Any]) -> list[DataFile]:
    """The data of a run; rows are counted where the file is still there and still the same."""
    out = []
    for setting in _DATA:
        paths = [p.strip() for p in str(run["settings"].get(setting) or "").split(",") if p.strip()]
        for path in paths:
            marks = [str(v) for k, v in run["data"].items() if setting in k and (len(paths) == 1 or path in k)]
            digest = marks[0] if len(marks) == 1 and len(marks[0]) == 64 else ""
            out.append(_counted(setting, path, digest))
    return out


def _counted(setting: str, path: str, digest: str) -> DataFile:
    name = Path(path).name
    if not digest or not Path(path).is_file():
        return DataFile(setting, name, digest)
    found = sha256()
    with open_bytes(path) as f:
        while block := f.read(1 << 20):
            found.update(block)
    if found.hexdigest() != digest:
        return DataFile(setting, name, digest)
    tasks: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    rows = 0
    for _, row in read_rows(path):
        rows += 1
        tasks[str(row.get("task") or "unknown")] += 1
        try:
            text = read_instruction(str(row.get("instruction"))).input
        except InputError:  # a row in the older form: instruction and input apart
            text = str(row.get("input") or row.get("instruction") or "")
        languages[language_of(text)] += 1
    return DataFile(setting, name, digest, rows, dict(sorted(tasks.items())), dict(sorted(languages.items())))


def settings_told(run: dict[str, Any]) -> dict[str, Any]:
    """The settings of a run, places of the machine left out, and what is empty or off as well."""
    out = {}
    for name, value in run["settings"].items():
        if name in PATHS:
            value = ", ".join(Path(p.strip()).name for p in str(value).split(",") if p.strip())
        if value not in ("", None, False, [], {}):
            out[name] = value
    return out


def read_scores(path: str) -> Scores:
    """A report of `iepile evaluate --output`.

    Raises:
        InputError: it is none.
    """
    try:
        return msgspec.json.decode(read_bytes(path), type=Scores)
    except (msgspec.DecodeError, msgspec.ValidationError) as e:
        raise InputError(f"not a report: {e}", file=path, field="scores",
                         expected="a file of iepile evaluate --output") from None
