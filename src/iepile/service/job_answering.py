"""The documents of a job are answered: by `predict`, with its journal, so that a job that was cut off goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.extraction.engines.engine import Engine
from iepile.extraction.polls import SchemaPolls
from iepile.extraction.predict import PredictConfig, SchemaConfig, gathering_options, predict
from iepile.jsonl import read_rows
from iepile.schema import Schema
from iepile.service.job import Asked, Job
from iepile.service.job_folder import JobFolder
from iepile.service.job_reading import TEXT_FIELD

SETTINGS = ("language", "split_num", "descriptions", "fuzzy", "min_confidence", "window", "overlap", "orders",
            "min_support", "passes", "seed")
"""What a request may set; none of it names a file."""
BOUNDS = {"split_num": (0, 1000), "window": (0, 1 << 20), "overlap": (0, 16), "orders": (1, 32), "passes": (1, 32),
          "seed": (0, 2**31 - 1)}
"""Least and most: work without end cannot be asked for."""
LEAST_WINDOW = 32
KINDS = ("entity", "relation", "event")


def check_asked(asked: Asked) -> None:
    """
    Raises:
        InputError: a task that cannot be asked of a text, a schema without labels for it, no such setting, or a value
            that means nothing.
    """
    for name in asked.settings:
        if name not in (*SETTINGS, TEXT_FIELD):
            raise InputError(f"no setting {name[:40]!r}", field="settings", expected=", ".join((*SETTINGS, TEXT_FIELD)))
    if not isinstance(asked.settings.get(TEXT_FIELD, ""), str):
        raise InputError("is no text", field=TEXT_FIELD, expected="the name of a column")
    config = _settings(asked)
    config.check()
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(config, name) <= most:
            raise InputError(f"is {getattr(config, name)}", field=name, expected=f"{least} to {most}")
    if 0 < config.window < LEAST_WINDOW:
        raise InputError(f"is {config.window}", field="window", expected=f"0, or {LEAST_WINDOW} or more")
    if config.language not in ("", "zh", "en"):
        raise InputError(f"is {config.language[:40]!r}", field="language", expected="zh or en")
    polls = SchemaPolls(Schema.from_dict(asked.schema), asked.tasks, config.split_num or None)
    if not polls.tasks:
        raise InputError("has no labels for what is asked", field="schema")
    gathering_options(config, polls.tasks)


def _settings(asked: Asked) -> SchemaConfig:
    try:
        return msgspec.convert({k: v for k, v in asked.settings.items() if k != TEXT_FIELD}, SchemaConfig)
    except msgspec.ValidationError as e:
        problem, _, where = str(e).partition(" - at `$.")
        raise InputError(problem, field=where.rstrip("`") or "settings") from None


def config_of(job: Job, folder: JobFolder, model: str) -> PredictConfig:
    """The job as `predict` takes it.

    Args:
        model: what the model is told by: a run that goes on must be of the same one.
    """
    own = {name: value for name, value in job.asked.settings.items() if name in SETTINGS}
    # A journal of another model or version is begun anew: half a result of each would be worse.
    return PredictConfig(str(folder.input), str(folder.result), model=model, schema_path=str(folder.schema),
                         task=",".join(job.asked.tasks), overwrite=True, **own)


def answer(job: Job, folder: JobFolder, engine: Engine, model: str, progress: Callable[[int, int], None]) -> None:
    """Answer all documents of a job, or those that it has no answers to yet.

    Raises:
        IepileError: the engine failed or was stopped; what it answered so far is kept.
    """
    if not folder.finished():
        predict(config_of(job, folder, model), engine, progress)


def counts_of(folder: JobFolder) -> dict[str, int]:
    """What a result holds."""
    counts = dict.fromkeys(("documents", "entities", "relations", "events", "errors"), 0)
    names: dict[str, str] = {"entity": "entities", "relation": "relations", "event": "events"}
    for _, row in read_rows(folder.result):
        counts["documents"] += 1
        for kind in KINDS:
            found: list[Any] = row.get(kind) or []
            counts[names[kind]] += len(found)
        counts["errors"] += row.get("finish") == "error"
    return counts
