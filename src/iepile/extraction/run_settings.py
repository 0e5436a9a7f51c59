"""What decides the answers of a run besides its input: a run that goes on must be the same in all of it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from iepile.extraction.plan import AskingConfig
from iepile.extraction.polls import SchemaPolls
from iepile.version import __version__

if TYPE_CHECKING:
    from iepile.extraction.predict import PredictConfig


def run_settings(config: PredictConfig, engine: str, polls: SchemaPolls | None) -> dict[str, Any]:
    """All of it as plain data, for a fingerprint.

    Args:
        engine: name of the engine that answers.
        polls: the questions about texts.
    """
    asking = {f.name: getattr(config, f.name) for f in fields(AskingConfig) if f.name != "min_support"}
    return {
        # The top package names the verbs of all floors, so it is not imported by name here.
        "version": __version__,
        "engine": engine,
        "model": config.model,
        "files": _model_files(config.model),
        "options": config.engine_options,
        "task": config.task,
        "limit": config.limit,
        "asking": asking,
        "polls": [] if polls is None else [msgspec.to_builtins(p) for lang in ("zh", "en") for p in polls.polls(lang)],
        "texts": [config.text_field, config.each_line, config.language],
    }


def _model_files(model: str) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a model's files: a model trained anew must not answer half of a file."""
    folder = Path(model)
    if not model or not folder.is_dir():
        return []
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    return [(p.relative_to(folder).as_posix(), p.stat().st_size, p.stat().st_mtime_ns) for p in found]
