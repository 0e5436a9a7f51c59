"""A library that is not installed, met where no module looked for it first: which extra brings it."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from iepile.errors import MissingDependency


def extra_of(module: str) -> str:
    """The extra that brings a module of another package; empty where none does.

    >>> extra_of("torch.nn"), extra_of("iepile.nonsense")
    ('train', '')
    """
    table: dict[str, str] = tomllib.loads(files("iepile.cli").joinpath("doctor.toml").read_text("utf-8"))["modules"]
    return table.get(module.partition(".")[0], "")


def missing(error: ModuleNotFoundError, verb: str) -> MissingDependency | None:
    """The error for people; None where no extra would help: the fault is ours then, or the package is not whole."""
    extra = extra_of(error.name or "")
    return MissingDependency((error.name or "").partition(".")[0], extra, f"iepile {verb}") if extra else None
