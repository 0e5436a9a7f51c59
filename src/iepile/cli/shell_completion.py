"""`iepile shell-completion`: a script that completes verbs, flags, their values and file names as one types.

    iepile shell-completion bash > ~/.local/share/bash-completion/completions/iepile

The script holds tables of everything the commands take, so that no key press starts Python. They are read off the
commands themselves, when the script is made: make it again after an update.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from iepile.cli.command import Taken, parser, run_command, what_it_takes

ABOUT = 72
"""Characters of a description."""
EVERYWHERE = {"config": ("Settings from a YAML file.", ()), "json": ("Print JSON.", None),
              "help": ("Tell what it takes.", None)}
"""Flags that every command has."""


@dataclass
class ShellCompletionConfig:
    """Print a script that completes verbs, flags, their values and file names for a shell."""

    shell: Literal["bash", "zsh", "fish"]
    """Shell that the script is for."""


class Flag(NamedTuple):
    """A flag of a command."""

    name: str
    """With underscores and without dashes before it, as the documentation has it."""
    about: str
    values: tuple[str, ...] | None
    """What may follow; empty: anything, such as a file; None: nothing, it is a switch."""


class Command(NamedTuple):
    """A verb, or a verb and an action."""

    name: str
    about: str
    flags: tuple[Flag, ...]
    operands: tuple[str, ...]
    """What may stand without a flag; empty: anything, such as a file."""


def shell_completion(argv: Sequence[str]) -> int:
    """Print the script."""
    return run_command("shell-completion", ShellCompletionConfig,
                       lambda c: sys.stdout.write(script(c.shell)), argv, ("shell",))


def script(shell: str) -> str:
    """The script for `bash`, `zsh` or `fish`."""
    from iepile.cli.shell_tables import TABLES

    text = files("iepile.cli").joinpath("shell", f"iepile.{shell}").read_text("utf-8")
    before, line, after = text.partition("# tables\n")
    return before + TABLES[shell](commands()) + after if line else text


def commands() -> list[Command]:
    """Every command, verbs before their actions."""
    return list(_commands())


def _commands() -> Iterator[Command]:
    from iepile.cli.graph import ACTIONS
    from iepile.cli.main import VERBS

    settings = tomllib.loads(files("iepile.cli").joinpath("shell_completion.toml").read_text("utf-8"))
    values = {name: _spelt_out(given) for name, given in settings["values"].items()}
    for name, (module, about) in VERBS.items():
        if module == "lists":
            yield Command(name, about, (), ())
            continue
        verb = getattr(import_module(f"iepile.cli.{module}"), name.replace("-", "_") if name != "import" else "import_")
        ways = [[], *([way] for way in settings["variants"].get(name, ()))]
        yield _command(about, [what_it_takes(verb, way) for way in ways], values)
        if name == "kg":
            told = {action: a.about for action, a in ACTIONS.items()} | {"forms": "forms that a graph is written in"}
            for action, what in told.items():
                yield _command(what, [what_it_takes(verb, [action])], values)


def _command(about: str, ways: Sequence[Taken], values: dict[str, tuple[str, ...]]) -> Command:
    flags: dict[str, Flag] = {}
    name = ways[0].name
    for taken in ways:
        for flag in _flags(taken.config):
            known = values.get(f"{name} {flag.name}", values.get(flag.name))
            flags.setdefault(flag.name, flag._replace(values=known) if known and flag.values == () else flag)
    for extra, (what, given) in EVERYWHERE.items():
        flags.setdefault(extra, Flag(extra, what, given))
    first = ways[0].positional[0].rstrip("*") if ways[0].positional else ""
    return Command(name, about, tuple(flags.values()), (flags[first].values or ()) if first else ())


def _flags(config: type[Any]) -> Iterator[Flag]:
    """As the parser sees them: settings within settings too."""
    def command(config: Any) -> None:
        """Stands for the work; only what it takes is looked at."""

    app = parser("", config, command)
    for argument in app.assemble_argument_collection():
        if argument.show:
            name = argument.names[0].removeprefix("--").replace("-", "_")
            values = None if argument.is_flag() else tuple(argument.get_choices() or ())
            yield Flag(name, _first_sentence(argument.parameter.help or ""), values)


def _first_sentence(text: str) -> str:
    whole = " ".join(text.replace("`", "").split())
    found = re.match(r".*?[.:;](?=\s|$)", whole)
    short = (found.group() if found else whole).rstrip(".:;")
    return short if len(short) <= ABOUT else short[: ABOUT - 3].rsplit(" ", 1)[0] + "..."


def _spelt_out(given: Sequence[str]) -> tuple[str, ...]:
    """Names in capitals as the lists that they stand for."""
    return tuple(value for name in given for value in (_LISTS[name]() if name in _LISTS else (name,)))


def _extras() -> Sequence[str]:
    from iepile.cli.doctor import extras

    return [e.name for e in extras()]


def _of(module: str, function: str) -> Callable[[], Sequence[str]]:
    return lambda: tuple(getattr(import_module(module), function)())


_LISTS: dict[str, Callable[[], Sequence[str]]] = {
    "DATA SETS": _of("iepile.corpus.catalog", "cards"),
    "ENGINES": _of("iepile.extraction.engines.engine", "engine_names"),
    "EXTRAS": _extras,
    "FORMATS": _of("iepile.corpus.formats.format", "formats"),
    "GRAPH FORMS": _of("iepile.graph.forms.form", "form_names"),
    "TASKS": _of("iepile.tasks.task", "task_names"),
    "TEMPLATES": _of("iepile.models.template", "template_names"),
}
