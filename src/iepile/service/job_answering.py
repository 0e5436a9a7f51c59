"""The documents of a job are answered: by `predict`, with its journal, so that a job that was cut off goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iepile.errors import InputError
from iepile.extraction.engines.engine import Engine
from iepile.extraction.polls import SchemaPolls
from iepile.extraction.predict import PredictConfig, SchemaConfig, gathering_options, predict
from iepile.jsonl import read_rows
from iepile.schema import Schema
from iepile.service.job import Asked, Job
from iepile.service.job_folder import JobFolder
from iepile.service.job_reading import TEXT_FIELD
from iepile.service.settings import read_settings

KINDS = ("entity", "relation", "event")


def check_asked(asked: Asked) -> None:
    """
    Raises:
        InputError: a task that cannot be asked of a text, a schema without labels for it, no such setting, or a value
            that means nothing.
    """
    settings = {**asked.settings}
    if not isinstance(settings.pop(TEXT_FIELD, ""), str):
        raise InputError("is no text", field=TEXT_FIELD, expected="the name of a column")
    config = SchemaConfig(**read_settings(settings))
    config.check()
    polls = SchemaPolls(Schema.from_dict(asked.schema), asked.tasks, config.split_num or None)
    if not polls.tasks:
        raise InputError("has no labels for what is asked", field="schema")
    gathering_options(config, polls.tasks)


def config_of(job: Job, folder: JobFolder, model: str) -> PredictConfig:
    """The job as `predict` takes it.

    Args:
        model: what the model is told by: a run that goes on must be of the same one.
    """
    own = read_settings({name: value for name, value in job.asked.settings.items() if name != TEXT_FIELD})
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
        folder.forget_graphs()


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
