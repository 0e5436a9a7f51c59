"""From a config dataclass to a command: its fields are the flags, its field docs the help.

Every verb gets `--config FILE.yaml` (same names; flags on the command line win) and `--json`. `_` and `-`
are the same in flag names. A switch may be followed by `true` or `false`.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

from iepile.cli import show
from iepile.cli.plain_flags import plain_settings
from iepile.errors import IepileError, InputError

if TYPE_CHECKING:
    from cyclopts import App


class Taken(NamedTuple):
    """What a command takes."""

    name: str
    config: type[Any]
    """The dataclass of its settings."""
    positional: tuple[str, ...]


_asked: list[Taken] | None = None
"""While it is a list, commands are not run: each says in it what it takes."""


def what_it_takes(verb: Callable[[Sequence[str]], int], argv: Sequence[str] = ()) -> Taken:
    """What `verb` would read `argv` as, without running it."""
    global _asked
    _asked = []
    try:
        verb(argv)
        (taken,) = _asked
    finally:
        _asked = None
    return taken


def run_command(
    name: str,
    config_type: type[Any],
    function: Callable[[Any], object],
    argv: Sequence[str],
    positional: Sequence[str] = (),
) -> int:
    """Parse `argv` into `config_type`, call `function`, return the exit code.

    Args:
        name: the verb, for the help.
        config_type: a keyword-only dataclass with field docs.
        function: gets the config object.
        positional: fields that may be given without their flags, first of all (`iepile run RECIPE`);
            a last one that ends in `*` takes all that follow (`iepile stats A B`).
    """
    if _asked is not None:
        _asked.append(Taken(name, config_type, tuple(positional)))
        return 0
    argv = [_dashed(a) for a in argv]
    show.as_json = "--json" in argv
    argv = [a for a in argv if a != "--json"]
    for n, arg in enumerate(argv):
        many = bool(positional) and positional[-1].endswith("*")
        if (arg.startswith("-") and arg != "-") or (n >= len(positional) and not many):
            break
        argv[n] = f"--{positional[min(n, len(positional) - 1)].rstrip('*')}={arg}"
    if (settings := plain_settings(argv, config_type)) is not None:
        try:
            return guarded(partial(function, config_type(**settings)))
        except InputError as e:  # settings that check themselves
            print(f"error: {e}", file=sys.stderr)
            return e.exit_code
        finally:
            show.as_json = False
    from cyclopts import CycloptsError

    result: list[int] = []
    argv = _switches(argv, {n for n, hint in get_type_hints(config_type).items() if hint is bool})
    try:
        app = parser(name, config_type, lambda config: result.append(guarded(lambda: function(config))),
                     _yaml_source(argv, config_type))
    except InputError as e:
        print(f"error: {e}", file=sys.stderr)
        return 2
    try:
        app(argv, exit_on_error=False, print_error=False)
    except CycloptsError as e:
        print(f"error: {e}\n  do:       iepile {name} --help", file=sys.stderr)
        return 2
    except InputError as e:  # settings that check themselves
        print(f"error: {e}", file=sys.stderr)
        return e.exit_code
    except BrokenPipeError:  # the help
        return _nobody_reads()
    finally:
        show.as_json = False  # of this command only, where one process runs several
    return result[0] if result else 0


def parser(name: str, config_type: type[Any], function: Callable[[Any], object], sources: Sequence[Any] = ()) -> App:
    """What reads the flags of a dataclass and calls `function` with it.

    Args:
        sources: of settings that are not on the command line.
    """
    from cyclopts import App, Parameter

    def command(*, config: Any) -> None:
        function(config)

    # An inherited field is of a type that its own module imported: cyclopts looks in the module of the heir.
    hints: dict[str, Any] = get_type_hints(config_type, include_extras=True)
    config_type.__init__.__annotations__ = {**hints, "return": None}
    command.__annotations__ = {"config": Annotated[config_type, Parameter(name="*")], "return": None}
    command.__doc__ = config_type.__doc__
    if all(f.default is not MISSING or f.default_factory is not MISSING for f in fields(config_type)):
        command.__kwdefaults__ = {"config": config_type()}
    app = App(name=f"iepile {name}", config=sources, result_action="return_value",
              default_parameter=Parameter(negative=()))
    app.default(command)
    return app


def _dashed(arg: str) -> str:
    """`--src_path=a_b` as `--src-path=a_b`: messages of the parser then name the flag as it was meant."""
    name, eq, value = arg.partition("=")
    return name.replace("_", "-").lower() + eq + value if name.startswith("--") else arg


def _switches(argv: Sequence[str], names: set[str]) -> list[str]:
    """`--flag true` as `--flag`, `--flag false` as `--flag=false`: the scripts of the guides take both forms.

    `--input_file -`, standard input, as `--input_file=-`.
    """
    out: list[str] = []
    for arg in argv:
        flag = out[-1] if out else ""
        if flag.startswith("--") and flag[2:].replace("-", "_") in names and arg.lower() in ("true", "false"):
            out[-1] = f"{flag}={arg.lower()}"
        elif flag.startswith("--") and "=" not in flag and arg == "-":
            out[-1] = f"{flag}=-"  # the parser takes a dash for a flag
        else:
            out.append(arg)
    return out


def _yaml_source(argv: list[str], config_type: type[Any]) -> tuple[Any, ...]:
    """Take `--config FILE` out of `argv`; the file as a source of defaults."""
    for i, arg in enumerate(argv):
        flag, eq, value = arg.partition("=")
        if flag != "--config":
            continue
        path = value if eq else (argv[i + 1] if i + 1 < len(argv) else "")
        del argv[i : i + (1 if eq else 2)]
        if not Path(path).is_file():
            problem = "is a folder" if path and Path(path).is_dir() else "no such file"
            raise InputError(problem, file=path or None, field="config", expected="a YAML file")
        from cyclopts.config import Dict

        settings = read_yaml(path)
        known = [f.name.replace("_", "-").lower() for f in fields(config_type)]
        for key in settings:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                raise InputError(f"no such option {key!r}", file=path, field="config",
                                 fix=f"did you mean {near[0]}?" if near else "see --help")
        return (Dict(settings, source=path, use_commands_as_keys=False),)
    return ()


def read_yaml(path: str) -> dict[str, Any]:
    """A YAML mapping.

    Raises:
        InputError: not YAML, or not a mapping.
    """
    import yaml

    try:
        data = yaml.safe_load(Path(path).read_text("utf-8"))
    except RecursionError:
        raise InputError("too deeply nested", file=path, expected="option: value, one a line") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise InputError(f"not YAML: {e}", file=path) from None
    if not isinstance(data, dict):
        raise InputError("not a mapping", file=path, expected="option: value, one a line")
    return {str(k).replace("_", "-").lower(): v for k, v in data.items()}


def _nobody_reads() -> int:
    """The other end of the pipe is closed, as by `head`: what is still to come goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def guarded(work: Callable[[], object]) -> int:
    """Run `work`; print errors of ours plainly and turn them into exit codes."""
    try:
        work()
    except IepileError as e:
        print(f"error: {e}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt:
        print("stopped; nothing is left half done: give the same command again", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return _nobody_reads()
    except OSError as e:
        where = f"{e.filename}: " if e.filename else ""
        print(f"error: {where}{e.strerror or e}", file=sys.stderr)
        return 1
    return 0
