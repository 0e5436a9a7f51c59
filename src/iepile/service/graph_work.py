"""Graphs are built beside the requests: in folders that go away, a few at a time, and not for ever."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iepile.errors import IepileError, InputError, MissingDependency
from iepile.graph.build import KgConfig, build
from iepile.graph.forms import Form
from iepile.graph.forms.form import forms
from iepile.graph.store import Store
from iepile.jsonl import write_rows
from iepile.schema import Schema
from iepile.service.job_folder import SCRATCH
from iepile.service.refusals import Busy, NotHere, TooLong

AT_ONCE = 2
"""Graphs in work at once."""
PATIENCE = 20.0
"""Seconds that a request waits for its turn."""
SECONDS = 30.0
"""Seconds that a look into a graph may take."""
BLOCK = 1 << 18
STEPS = 100_000
"""Steps of SQLite's machine between two looks at the clock."""


@dataclass(frozen=True)
class GraphOptions:
    """How a graph is made of documents."""

    merge: bool = False
    """Merge the things that are one."""
    model: str = ""
    """Noted on every edge."""
    schema: Schema | None = None
    """Hold the graph against it."""
    prune: tuple[str, ...] = ()
    """Rules whose violations take the edge out."""


class GraphWork:
    """Builds graphs and looks into them."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._building: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the places to work at.

        Raises:
            Busy: none became free in time.
        """
        if not self._places.acquire(timeout=PATIENCE):
            raise Busy("too many graphs are in work", fix="try again in a moment")
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def made(self, rows: Iterator[Mapping[str, Any]], options: GraphOptions, beside: Path) -> Iterator[Store]:
        """The graph of documents, as long as the block runs, built in a folder in `beside`.

        Raises:
            InputError: rules that are none, or documents that cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=beside) as folder:
            _build(rows, options, Path(folder))
            with opened(Path(folder) / "graph.db") as store:
                yield store

    def kept(self, target: Path, rows: Iterator[Mapping[str, Any]], options: GraphOptions) -> Path:
        """The graph at `target`, made if it is not there; only one thread makes it."""
        with self._lock:
            lock = self._building.setdefault(str(target), threading.Lock())
        with lock:
            if not target.exists():
                with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=target.parent.parent) as folder:
                    _build(rows, options, Path(folder))
                    (Path(folder) / "graph.db").replace(target)
        with self._lock:
            self._building.pop(str(target), None)
        return target


def _build(rows: Iterator[Mapping[str, Any]], options: GraphOptions, folder: Path) -> None:
    source, schema = folder / "documents.jsonl", ""
    if options.schema is not None:
        schema = str(folder / "schema.json")
        options.schema.write(schema)
    graph = folder / "graph.db"
    if not write_rows(source, rows):
        Store(graph, write=True).close()
        return
    build(KgConfig(str(source), str(graph), model=options.model, merge=options.merge, schema_path=schema,
                   prune=",".join(options.prune)))


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """A graph to look into, for a bounded time.

    Raises:
        TooLong: the look took too long.
    """
    until = time.monotonic() + SECONDS
    with Store(path) as store:
        store.db.set_progress_handler(lambda: time.monotonic() > until, STEPS)
        try:
            yield store
        except (sqlite3.OperationalError, IepileError) as e:
            if isinstance(e, InputError) or time.monotonic() <= until:
                raise
            raise TooLong(f"takes longer than {SECONDS:g} seconds", fix="ask for less") from None


class Written:
    """A graph in a form, as a file that nobody else can see: whatever becomes of the request, nothing is left."""

    def __init__(self, path: Path) -> None:
        self.name, self.size, self._file = path.name, path.stat().st_size, path.open("rb")

    def blocks(self) -> Iterator[bytes]:
        """Its content, once."""
        with self._file as file:
            while block := file.read(BLOCK):
                yield block


def form_named(name: str) -> Form:
    """A form.

    Raises:
        InputError: there is none of that name.
    """
    if name not in forms():
        raise InputError(f"no graph format {name[:40]!r}", field="form", expected=", ".join(forms()))
    return forms()[name]


def written(store: Store, form: Form, beside: Path) -> Written:
    """A graph in a form, made in a folder in `beside`; forms that are folders are packed into a zip file.

    Raises:
        NotHere: a library for the form is not installed.
    """
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=beside) as made:
        folder = Path(made)
        path = folder / (f"graph{form.endings[0]}" if form.endings else f"{form.name}.csv")
        try:
            form.write(store, path)
        except MissingDependency as e:
            raise NotHere(f"the form {form.name} needs {e.library}, which is not installed", field="form",
                          fix="choose another form") from None
        if path.is_dir():
            path = Path(shutil.make_archive(str(path), "zip", folder, path.name))
        return Written(path)
