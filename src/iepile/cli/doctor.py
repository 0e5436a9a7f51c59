"""`iepile doctor`: what is installed, what is missing and how to get it, and on which device models will run."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import msgspec

from iepile.cli import show
from iepile.cli.command import run_command
from iepile.cli.doctor_checks import Check, checks, device
from iepile.errors import IepileError, InputError
from iepile.version import __version__

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*(?:;.*\bextra\s*==\s*['\"](?P<extra>[\w-]+)['\"])?")
_LEAST = re.compile(r">=\s*([\w.]+)")
ALL = "all"
"""The extra that holds several others."""
_NOT_FOR_USERS = {"dev"}


@dataclass
class DoctorConfig:
    """What is installed, what is missing and how to get it, and on which device models will run."""

    extras: list[str] = field(default_factory=list)
    """Extras that must be whole, such as `train graph`, or `all`; exit code 1 if one is not."""
    port: int = 8000
    """Port at which the service is to listen."""
    data_dir: str = "runs/serve"
    """Folder in which the service is to keep its data."""


class Extra(msgspec.Struct):
    """What one extra holds."""

    name: str
    about: str
    installed: dict[str, str]
    """Package -> version."""
    missing: list[str]
    too_old: dict[str, str]
    """Package -> what is needed of it."""


class Health(msgspec.Struct):
    """What was found."""

    iepile: str
    python: str
    system: str
    cores: int
    sqlite: str
    device: str
    """Where models run; empty: torch is not installed, or does not start."""
    checks: list[Check]
    extras: list[Extra]


def doctor(argv: Sequence[str]) -> int:
    """Look, and say what to do."""
    return run_command("doctor", DoctorConfig, examine, argv, ("extras*",))


def examine(config: DoctorConfig) -> None:
    """Print what is found.

    Raises:
        InputError: an extra that does not exist.
        IepileError: one that was asked for is not whole.
    """
    if not 0 <= config.port < 65_536:
        raise InputError(f"port {config.port}", field="port", expected="0 to 65535")
    health = look(config.port, config.data_dir)
    known = {e.name: e for e in health.extras}
    for name in config.extras:
        if name not in known:
            raise InputError(f"no extra {name!r}", field="extras", expected=", ".join(known))
    if show.as_json:
        show.summary(health)
    else:
        _print(health)
    lacking = [name for name in config.extras if known[name].missing or known[name].too_old]
    if lacking:
        raise IepileError(f"not whole: {', '.join(lacking)}\n  do:       pip install 'iepile[{','.join(lacking)}]'")


def look(port: int, data_dir: str) -> Health:
    """Everything that is told; torch is loaded for it, where it is installed."""
    name, of_device = device()
    return Health(__version__, platform.python_version(), platform.platform(terse=True), os.cpu_count() or 1,
                  sqlite3.sqlite_version, name, checks(port, data_dir, of_device), extras())


def extras() -> list[Extra]:
    """The extras of the package, and which of their packages are here."""
    about = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["extras"]
    out = {name: Extra(name, text, {}, [], {}) for name, text in about.items()}
    for name, least, extra in _requirements():
        if extra in _NOT_FOR_USERS:
            continue
        to = out.setdefault(extra, Extra(extra, "", {}, [], {}))
        try:
            version = to.installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            to.missing.append(name)
            continue
        if least and _numbers(version) < _numbers(least):
            to.too_old[name] = f">={least}"
    return [e for e in out.values() if e.installed or e.missing]


def _requirements() -> Iterator[tuple[str, str, str]]:
    """(package, lowest version or "", extra) of what extras bring."""
    for requirement in metadata.requires("iepile") or ():
        found = _REQUIREMENT.match(requirement)
        if found is not None and found["extra"]:
            least = _LEAST.search(requirement)
            yield found["name"], least[1] if least else "", found["extra"]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition("+")[0])[:3]))


def _print(health: Health) -> None:
    shown = {"iepile": health.iepile, "Python": health.python, "system": f"{health.system}, {health.cores} cores",
             "SQLite": health.sqlite} | {check.name: check.found for check in health.checks}
    width = max(map(len, shown))
    for name, value in shown.items():
        print(f"  {name:<{width}}  {value}")
    rows = []
    for e in health.extras:
        if e.name == ALL:
            continue  # its packages are told with the others
        wrong = [*e.missing, *(f"{name}{least}" for name, least in e.too_old.items())]
        here = "yes" if not wrong else "in part" if e.installed else "no"
        rows.append((e.name, e.about, here, f"pip install 'iepile[{e.name}]'  ({', '.join(wrong)})" if wrong else ""))
    show.table(("extra", "for", "here", "to get what is missing"), rows)
    for check in health.checks:
        if check.state != "well":
            print(f"{check.name}: {check.found}\n  do:       {check.fix}")
