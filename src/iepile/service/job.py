"""The job: documents that were handed in, what is asked of them, and how far that is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Nothing more is done for it unless it is asked for."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass
class JobFile:
    """A file of a job. It lies under its number; the given name is what people know it by."""

    name: str
    size: int
    """Bytes."""
    documents: int = 0
    """Read from it."""
    problem: str = ""
    """Why it could not be read; empty: it was, or has not been looked at."""
    read: bool = False


@dataclass
class FileCounts:
    """The files of a job in short."""

    given: int = 0
    read: int = 0
    """Looked at."""
    failed: int = 0
    first: str = ""
    """Name of the first."""


@dataclass
class Asked:
    """What is asked of the documents of a job."""

    schema: dict[str, Any]
    tasks: list[str] = field(default_factory=list)
    """Empty: as far as the schema has labels."""
    model: str = ""
    """The name under which the service holds it."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the questions and of what counts as found, by name."""


@dataclass
class Job:
    """A job as it is kept."""

    id: str
    asked: Asked
    files: list[JobFile]
    """Empty where documents were handed in as they are, or only `file_counts` were asked for."""
    created: float
    """Seconds since 1970, as all times."""
    state: State = State.WAITING
    done: int = 0
    """Documents answered."""
    total: int = 0
    """Documents; 0 until the files are read."""
    characters: int = 0
    """Of all texts."""
    started: float | None = None
    finished: float | None = None
    error: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    """What was found, where it is done."""
    file_counts: FileCounts = field(default_factory=FileCounts)


def new_id() -> str:
    """A name nobody can guess: 128 random bits, in hexadecimal digits."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Whether it could be one of ours: nothing else becomes part of a path."""
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)
