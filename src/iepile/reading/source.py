"""A file that is being read: its bytes, what it may take, and the errors that name it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NoReturn

from iepile.errors import InputError
from iepile.reading.limits import ReadLimits, ReadOptions


@dataclass
class Source:
    """What a form reads. Readers call `tick` in every loop over what the file holds."""

    data: bytes
    name: str
    limits: ReadLimits = field(default_factory=ReadLimits)
    options: ReadOptions = field(default_factory=ReadOptions)
    inflated: int = 0
    """Bytes unpacked so far."""
    characters: int = 0
    """Code points of text so far."""

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.limits.seconds

    def tick(self) -> None:
        """Raises `InputError` when the time is over."""
        if time.monotonic() > self._until:
            self.fail(f"takes longer than {self.limits.seconds:g} seconds to read", field="seconds",
                      fix="split the file, or allow more time")

    def take(self, characters: int) -> None:
        """Note text that was read; raises `InputError` when it is more than allowed."""
        self.characters += characters
        if self.characters > self.limits.characters:
            self.fail(f"holds more than {self.limits.characters:,} characters", field="characters",
                      fix="split the file, or allow more")

    def fail(self, problem: str, *, line: int | None = None, field: str | None = None, expected: str | None = None,
             fix: str | None = None) -> NoReturn:
        """Raise `InputError` about this file."""
        raise InputError(problem, file=self.name, line=line, field=field, expected=expected, fix=fix)
