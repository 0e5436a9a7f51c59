"""Folders by name, however the name is written: where the data sets of a root lie."""

from __future__ import annotations

import os
import re
from pathlib import Path

from iepile.errors import InputError


class Folders:
    """The folders of a root and of its two top levels, by name; scanned once, for many cards."""

    def __init__(self, root: str | Path) -> None:
        """Scan.

        Raises:
            InputError: not a folder.
        """
        self.root = Path(root)
        if not self.root.is_dir():
            raise InputError("no such folder", file=root, field="root", expected="a folder of data sets")
        self._named: dict[str, list[Path]] = {}
        top = _subfolders(self.root)
        for folder in (*top, *(f for parent in top for f in _subfolders(parent)), self.root.absolute()):
            self._named.setdefault(key(folder.name), []).append(folder)

    def named(self, name: str) -> list[Path]:
        """Folders of that name, the upper ones first."""
        return self._named.get(key(name), [])


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and e.is_dir()]
    except PermissionError:
        return []
    return [folder / name for name in sorted(names)]


def key(name: str) -> str:
    """The name without case, blanks and punctuation."""
    return re.sub(r"[\W_]+", "", name).casefold()


def matches(folder: Path, pattern: str) -> list[Path]:
    """What matches a pattern in the folder, sorted; else what matches it packed (.gz, .zst)."""
    for ending in ("", ".gz", ".zst"):
        if found := sorted(folder.glob(pattern + ending)):
            return found
    return []
