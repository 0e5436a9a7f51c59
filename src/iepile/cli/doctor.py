"""`iepile doctor`: what is installed, what is missing and how to get it, and on which device models will run."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import msgspec

from iepile.cli import show
from iepile.cli.command import run_command
from iepile.errors import IepileError, InputError
from iepile.version import __version__

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*(?:;.*\bextra\s*==\s*['\"](?P<extra>[\w-]+)['\"])?")
_NOT_FOR_USERS = {"dev"}


@dataclass
class DoctorConfig:
    """What is installed, what is missing and how to get it, and on which device models will run."""

    extras: list[str] = field(default_factory=list)
    """Extras that must be whole, such as `train graph`; exit code 1 if one is not."""


class Extra(msgspec.Struct):
    """What one extra holds."""

    name: str
    about: str
    installed: dict[str, str]
    """Package -> version."""
    missing: list[str]


class Health(msgspec.Struct):
    """What was found."""

    iepile: str
    python: str
    system: str
    cores: int
    sqlite: str
    device: str
    """Where models run; empty: torch is not installed, or does not start."""
    device_problem: str
    encoding: str
    """Of the terminal."""
    free_gb: float
    """In this folder."""
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
    health = look()
    known = {e.name: e for e in health.extras}
    for name in config.extras:
        if name not in known:
            raise InputError(f"no extra {name!r}", field="extras", expected=", ".join(known))
    if show.as_json:
        show.summary(health)
    else:
        _print(health)
    lacking = [name for name in config.extras if known[name].missing]
    if lacking:
        raise IepileError(f"not whole: {', '.join(lacking)}\n  do:       pip install 'iepile[{','.join(lacking)}]'")


def look() -> Health:
    """Everything that is told; torch is loaded for it, where it is installed."""
    device, problem = _device()
    return Health(
        __version__, platform.python_version(), platform.platform(terse=True), os.cpu_count() or 1,
        sqlite3.sqlite_version, device, problem, sys.stdout.encoding or "", shutil.disk_usage(".").free / 1e9, extras())


def extras() -> list[Extra]:
    """The extras of the package, and which of their packages are here."""
    about = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["extras"]
    out = {name: Extra(name, text, {}, []) for name, text in about.items()}
    for requirement in metadata.requires("iepile") or ():
        found = _REQUIREMENT.match(requirement)
        if found is None or (extra := found["extra"]) is None or extra in _NOT_FOR_USERS:
            continue
        to = out.setdefault(extra, Extra(extra, "", {}, []))
        try:
            to.installed[found["name"]] = metadata.version(found["name"])
        except metadata.PackageNotFoundError:
            to.missing.append(found["name"])
    return [e for e in out.values() if e.installed or e.missing]


def _device() -> tuple[str, str]:
    """(where models run, why not)."""
    try:
        import torch
    except ImportError:
        return "", "torch is not installed"
    except OSError as e:  # a library of it does not fit this machine
        return "", f"torch does not start: {e}"
    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name(0)} ({torch.cuda.device_count()})", ""
    if torch.backends.mps.is_available():
        return "mps", ""
    return "cpu", "" if torch.version.cuda is None else "this torch is made for CUDA, but no GPU answers"


def _print(health: Health) -> None:
    shown = {"iepile": health.iepile, "Python": health.python, "system": f"{health.system}, {health.cores} cores",
             "SQLite": health.sqlite, "models run on": health.device or "-", "": health.device_problem,
             "terminal": health.encoding, "free here": f"{health.free_gb:,.1f} GB"}
    width = max(map(len, shown))
    for name, value in shown.items():
        if value:
            print(f"  {name:<{width}}  {value}")
    rows = []
    for e in health.extras:
        here = "yes" if not e.missing else "in part" if e.installed else "no"
        cure = f"pip install 'iepile[{e.name}]'  ({', '.join(e.missing)})" if e.missing else ""
        rows.append((e.name, e.about, here, cure))
    show.table(("extra", "for", "here", "to get what is missing"), rows)
    if health.encoding.lower().replace("-", "") != "utf8":
        print("The terminal does not take UTF-8: set PYTHONUTF8=1, or Chinese names cannot be shown.")
