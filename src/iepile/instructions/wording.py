"""The wording of prompts, by task and language, from the data files in `wording/` or a file of the user's.

A user's file is TOML, a table a language: `[en]`, then lines like `NER = "Find the entities of the types in
schema."`. What it does not word stays as it is; a language that it alone has needs all tasks that are used.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from iepile.errors import InputError
from iepile.jsonl import read_bytes
from iepile.tasks.task import get_task, task_names

Wordings = Mapping[str, Mapping[str, str]]
"""Language -> task -> prompt."""
_EARLIER = "_earlier"
"""Ends the names of files with wordings that older rows have; they are understood, never written."""


@cache
def _files() -> dict[str, dict[str, str]]:
    folder = files("iepile.instructions").joinpath("wording")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): tomllib.loads(f.read_text("utf-8")) for f in found}


@cache
def _wordings() -> dict[str, dict[str, str]]:
    return {language: of for language, of in _files().items() if not language.endswith(_EARLIER)}


def languages() -> tuple[str, ...]:
    """Languages that have a wording."""
    return tuple(_wordings())


def prompt(task: str, language: str, own: Wordings | None = None) -> str:
    """The prompt of a task in a language, as the IEPile corpus words it (formats.md 1.4).

    Args:
        own: prompts that go before (`read_wordings`).

    Raises:
        InputError: no wording for that language or task.
    """
    own = own or {}
    if (mine := own.get(language, {}).get(task)) is not None:
        return mine
    if language not in _wordings():
        if language in own:
            raise InputError(f"the wording has no {language} prompt for task {task}", field="wording",
                             fix=f'add {task} = "..." under [{language}]')
        raise InputError(f"no wording for language {language!r}", field="language",
                         expected=", ".join(dict.fromkeys((*languages(), *own))))
    try:
        return _wordings()[language][task]
    except KeyError:
        raise InputError(f"no {language} wording for task {task}", field="task",
                         expected=", ".join(_wordings()[language])) from None


def read_wordings(path: str) -> Wordings:
    """A user's file of prompts.

    Raises:
        InputError: not TOML, an unknown task, a prompt that is not text.
    """
    expected = '[en]\nNER = "the prompt"'
    try:
        data = tomllib.loads(read_bytes(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise InputError(f"not TOML: {e}", file=path, expected=expected) from None
    for language, of in data.items():
        if not isinstance(of, dict):
            raise InputError(f"{language!r} stands outside a language", file=path, field=language, expected=expected,
                             fix="put the tasks under the language of their prompts, [en] or [zh]")
        for task, text in of.items():
            field = f"{language}.{task}"
            if task not in task_names():
                raise InputError(f"unknown task {task!r}", file=path, field=field, expected=", ".join(task_names()))
            if not isinstance(text, str) or not text.strip():
                raise InputError(f"the prompt is {text!r}", file=path, field=field, expected="text")
    if not data:
        raise InputError("has no prompt", file=path, expected=expected)
    return data


def tasks_of(text: str, schema: Sequence[Any] | None = None) -> tuple[tuple[str, str], ...]:
    """(task, language) pairs whose prompt is exactly `text`: tells what a bare instruction asks.

    Args:
        schema: the entries of the instruction's schema: RE and SPO share their prompts and differ in these.
    """
    found = [(t, name.removesuffix(_EARLIER)) for name, of in _files().items() for t, p in of.items() if p == text]
    return tuple((t, lang) for t, lang in found if schema is None or _asks(t, schema))


def _asks(task: str, schema: Sequence[Any]) -> bool:
    try:
        get_task(task).read_items(schema)
    except InputError:
        return False
    return True
