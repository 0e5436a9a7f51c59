"""Tables of what the commands take, in the language of each shell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iepile.cli.shell_completion import Command


def _posix(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _children(commands: Sequence[Command]) -> dict[str, list[Command]]:
    """A verb -> its actions; what is above all verbs is the empty name."""
    out: dict[str, list[Command]] = {}
    for command in commands:
        out.setdefault(command.name.rpartition(" ")[0], []).append(command)
    return out


def _values(commands: Sequence[Command]) -> dict[tuple[str, ...], list[str]]:
    """Values -> the places where they may stand, `command --flag` or `command`."""
    out: dict[tuple[str, ...], list[str]] = {}
    for command in commands:
        if command.operands:
            out.setdefault(command.operands, []).append(command.name)
        for flag in command.flags:
            if flag.values:
                out.setdefault(flag.values, []).append(f"{command.name} --{flag.name}")
    return out


def _switches(command: Command) -> list[str]:
    return [f"--{f.name}" for f in command.flags if f.values is None]


def _bash(commands: Sequence[Command]) -> str:
    """Three functions that set variables: `words` below a command, `flags` and `switches`, `words` for a flag."""
    below = ((_posix(name), f"words={_posix(' '.join(c.name.split()[-1] for c in found))}")
             for name, found in _children(commands).items())
    flags = ((_posix(c.name), f"flags={_posix(' '.join(f'--{f.name}' for f in c.flags))} "
                              f"switches={_posix(' '.join(_switches(c)))}") for c in commands if c.flags)
    values = (("|".join(map(_posix, places)), f"words={_posix(' '.join(given))}")
              for given, places in _values(commands).items())
    return _cases("_iepile_below", below) + _cases("_iepile_flags", flags) + _cases("_iepile_values", values)


def _zsh(commands: Sequence[Command]) -> str:
    """As for bash, but the words are arrays of `name:description`."""
    def described(pairs: Iterable[tuple[str, str]]) -> str:
        return "(" + " ".join(_posix(f"{name}:{about}") for name, about in pairs) + ")"

    below = ((_posix(name), f"words_=({' '.join(_posix(f'{c.name.split()[-1]}:{c.about}') for c in found)})")
             for name, found in _children(commands).items())
    flags = ((_posix(c.name), f"flags={described((f'--{f.name}', f.about) for f in c.flags)} "
                              f"switches=({' '.join(map(_posix, _switches(c)))})") for c in commands if c.flags)
    values = (("|".join(map(_posix, places)), f"words_=({' '.join(map(_posix, given))})")
              for given, places in _values(commands).items())
    return _cases("_iepile_below", below) + _cases("_iepile_flags", flags) + _cases("_iepile_values", values)


def _fish_tables(commands: Sequence[Command]) -> str:
    """Functions that print one candidate a line, with a tab before its description."""
    def printed(pairs: Iterable[tuple[str, str]]) -> str:
        return "printf '%s\\t%s\\n' " + " ".join(f"{_fish(name)} {_fish(about)}" for name, about in pairs)

    def switch(function: str, cases: Iterable[tuple[Sequence[str], str]]) -> str:
        lines = [f"        case {' '.join(map(_fish, places))}\n            {work}" for places, work in cases]
        return "\n".join([f"function {function}", "    switch $argv[1]", *lines, "    end", "end", ""])

    below = (([name], printed((c.name.split()[-1], c.about) for c in found))
             for name, found in _children(commands).items())
    flags = (([c.name], printed((f"--{f.name}", f.about) for f in c.flags)) for c in commands if c.flags)
    switches = (([c.name], f"printf '%s\\n' {' '.join(map(_fish, _switches(c)))}") for c in commands if c.flags)
    values = ((places, f"printf '%s\\n' {' '.join(map(_fish, given))}") for given, places in _values(commands).items())
    return (switch("__iepile_below", below) + switch("__iepile_flags", flags) + switch("__iepile_switches", switches)
            + switch("__iepile_values", values))


def _cases(function: str, cases: Iterable[tuple[str, str]]) -> str:
    lines = [f"    {pattern}) {work} ;;" for pattern, work in cases]
    return "\n".join([f"{function}() {{", '    case "$1" in', *lines, "    esac", "}", ""])


TABLES: dict[str, Callable[[Sequence[Command]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish_tables}
"""Shell -> what writes its tables."""
