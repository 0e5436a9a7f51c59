"""Schemas that requests may name: the files of a folder, and the ready ones of the package."""

from __future__ import annotations

from pathlib import Path

from iepile.errors import InputError
from iepile.schema import Schema


class Schemas:
    """Schemas by name. They are read once: a name is looked up, it never becomes a path."""

    def __init__(self, folder: str = "") -> None:
        self._schemas: dict[str, Schema] = {}
        for path in sorted(Path(folder).iterdir()) if folder else ():
            if path.suffix in (".yaml", ".yml", ".json"):
                self._schemas[path.stem] = Schema.read(path)

    def names(self) -> list[str]:
        """Names, in order."""
        return list(self._schemas)

    def __getitem__(self, name: str) -> Schema:
        """
        Raises:
            InputError: no such schema.
        """
        if name not in self._schemas:
            raise InputError(f"no schema {name!r}", field="schema",
                             expected=", ".join(self._schemas) or "none is served")
        return self._schemas[name]
