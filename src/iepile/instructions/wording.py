"""The wording of prompts, by task and language, from the data files in `wording/`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from iepile.errors import InputError


@cache
def _wordings() -> dict[str, dict[str, str]]:
    folder = files("iepile.instructions").joinpath("wording")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): tomllib.loads(f.read_text("utf-8")) for f in found}


def languages() -> tuple[str, ...]:
    """Languages that have a wording."""
    return tuple(_wordings())


def prompt(task: str, language: str) -> str:
    """The prompt of a task in a language, as the IEPile corpus words it (formats.md 1.4).

    Raises:
        InputError: no wording for that language or task.
    """
    if language not in _wordings():
        raise InputError(f"no wording for language {language!r}", field="language",
                         expected=", ".join(languages()))
    try:
        return _wordings()[language][task]
    except KeyError:
        raise InputError(f"no {language} wording for task {task}", field="task",
                         expected=", ".join(_wordings()[language])) from None


def tasks_of(text: str) -> tuple[tuple[str, str], ...]:
    """(task, language) pairs whose prompt is exactly `text`: tells what a bare instruction asks."""
    return tuple((t, lang) for lang, of in _wordings().items() for t, p in of.items() if p == text)
