"""Engines for worker processes to open: they must stand in a module that such a process can import."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion, Request
from iepile.instruction import read_instruction
from iepile.jsonl import dumps


class NamesEngine:
    """Finds capitalised words, four requests at a time; log-probabilities tell which requests stood together."""

    name = "names"
    stretch = 4

    def __init__(self, folder: Path | None = None, wait: float = 0.0) -> None:
        """Leaves a file in `folder` for each process it was opened in and each request it was asked."""
        self.folder, self.wait = folder, wait
        self._note("opened", str(os.getpid()))

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        stream = iter(requests)
        while batch := list(islice(stream, self.stretch)):
            total = -sum(len(r.instruction) for r in batch) / 1e4
            for request in batch:
                if not request.done:
                    yield self._answer(request, total)

    def _answer(self, request: Request, total: float) -> Completion:
        time.sleep(self.wait)
        self._note("asked", request.key)
        ask = read_instruction(request.instruction)
        if "broken" in ask.input:
            raise InputError("a text that breaks the engine", field="text")
        found = re.findall(r"[A-Z]\w+", ask.input)
        text = dumps(dict.fromkeys(ask.schema, found))
        return Completion(request.key, text, string_logprobs=(total,) * (len(ask.schema) * (1 + len(found))))

    def _note(self, what: str, name: str) -> None:
        if self.folder is not None:
            (self.folder / f"{what}-{name}-{time.monotonic_ns()}").touch()

    def close(self) -> None:
        pass


def names_engine(folder: str | None = None, wait: float = 0.0) -> NamesEngine:
    return NamesEngine(None if folder is None else Path(folder), wait)


def no_engine() -> NamesEngine:
    raise InputError("no such model", field="model")
