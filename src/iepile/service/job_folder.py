"""Where the parts of a job lie on disk. The folder is named by the id, which is ours; nothing in it by a request."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from iepile.extraction.journal import journal_path
from iepile.service.job import is_id

SCRATCH = ".graph-"
"""Begin of the names of folders beside those of jobs, in which graphs are built; none outlives the service."""


class JobFolder:
    """The folder of one job."""

    def __init__(self, jobs: Path, id_: str) -> None:
        """
        Args:
            jobs: the folder of all jobs.
            id_: one of ours (`is_id`).
        """
        if not is_id(id_):
            raise ValueError("no id of a job")
        self.path = jobs / id_
        self.files = self.path / "files"
        """What was handed in, until its text is in `input`."""
        self.texts = self.path / "texts"
        """The text of each file, until all are in `input`."""
        self.input = self.path / "input.jsonl"
        self.schema = self.path / "schema.json"
        self.result = self.path / "result.jsonl"
        """Whole or not there; answers so far are in the journal beside it."""

    def make(self) -> None:
        """Make it, new."""
        self.files.mkdir(parents=True)
        self.texts.mkdir()

    def keep(self) -> None:
        """See that what was handed in is on the disk: a power cut does not lose it then."""
        for path in (*self.files.glob("*"), self.files, self.path, self.path.parent):
            if not path.exists():
                continue
            fd = os.open(path, os.O_RDONLY)
            try:
                with suppress(OSError):  # some systems sync no folders
                    os.fsync(fd)
            finally:
                os.close(fd)

    def graph(self, merged: bool) -> Path:
        """Where the graph of the result lies, once it was asked for."""
        return self.path / ("graph-merged.db" if merged else "graph.db")

    def forget_graphs(self) -> None:
        """The result will be another."""
        for merged in (False, True):
            graph = self.graph(merged)
            graph.unlink(missing_ok=True)
            shutil.rmtree(graph.with_name(graph.name + ".sparql"), ignore_errors=True)

    def forget_files(self) -> None:
        """Take away what was handed in: the texts are in `input`."""
        for folder in (self.files, self.texts):
            shutil.rmtree(folder, ignore_errors=True)

    def finished(self) -> bool:
        """The result is whole, and nothing in it is to be asked again."""
        return self.result.exists() and not journal_path(self.result).exists()

    def remove(self) -> None:
        """Take all of it away."""
        shutil.rmtree(self.path, ignore_errors=True)
