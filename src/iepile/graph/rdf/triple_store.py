"""A graph in a store for triples, where SPARQL can ask it: in memory; on disk and kept beside the graph if it is large.

What is kept lies in the folder `graph.db.sparql` and is made anew when the graph has changed. It may be deleted.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from iepile.graph.build import graph_of
from iepile.graph.rdf import writing
from iepile.graph.rdf.vocabulary import pyoxigraph
from iepile.graph.store import Store

LARGE = 20_000
"""Edges above which triples are kept on disk."""
CHUNK = 300_000
"""Triples that are sorted at once: it bounds the memory."""
ABANDONED = 3600
"""Seconds after which what another process was making is taken for broken off."""
_MAKING = "making-"
_COUNTER = 24
"""Where an SQLite file counts its transactions, four bytes (its file format, 1.3.7)."""


@contextmanager
def triple_store(path: str) -> Iterator[Any]:
    """The triples of a graph: of a store, a graph in another form, or what graphs are made of.

    Raises:
        InputError: no such file, or one that is no graph.
        MissingDependency: pyoxigraph is not installed.
    """
    rdf = pyoxigraph()
    with ExitStack() as until_answered:
        with graph_of(path) as store:
            store.db.execute("BEGIN")  # the first question locks it: what is read is one state of it
            if store.one("SELECT count(*) FROM edge") <= LARGE:
                found = rdf.Store()
                found.extend(_triples(store))
            else:
                folder = _kept(store) if store.path == Path(path) else None
                if folder is None:
                    folder = Path(until_answered.enter_context(tempfile.TemporaryDirectory(prefix=".iepile-")))
                    _fill(folder, store)
                found = rdf.Store.read_only(str(folder))
        yield found


def _triples(store: Store) -> Iterator[Any]:
    quad = pyoxigraph().Quad
    return (quad(s, p, o) for s, p, o, _ in writing.Telling().graph(store))


def _fill(folder: Path, store: Store) -> None:
    filled = pyoxigraph().Store(str(folder))
    triples = _triples(store)
    while chunk := list(islice(triples, CHUNK)):
        filled.bulk_extend(chunk)
    filled.optimize()
    filled.flush()


def _kept(store: Store) -> Path | None:
    """The folder with the triples of the graph as it is now; None: none can be kept there."""
    place = store.path.with_name(f"{store.path.name}.sparql")
    folder = place / _stamp(store.path)
    if folder.is_dir():
        return folder
    try:
        place.mkdir(exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=_MAKING, dir=place))
    except OSError:
        return None
    try:
        _fill(made, store)
        for old in set(place.iterdir()) - {made, folder}:
            if not old.name.startswith(_MAKING) or time.time() - old.stat().st_mtime > ABANDONED:
                shutil.rmtree(old, ignore_errors=True)
        with suppress(OSError):  # another process may have been faster
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder if folder.is_dir() else None


def _stamp(path: Path) -> str:
    """What differs whenever the graph, or how it is told in triples, has changed."""
    with path.open("rb") as f:
        f.seek(_COUNTER)
        counted = f.read(4)
    about = path.stat()
    found = sha256(f"{about.st_size} {about.st_mtime_ns} ".encode() + counted)
    for told in ("writing.py", "terms.toml"):
        found.update(Path(writing.__file__).with_name(told).read_bytes())
    return found.hexdigest()[:32]
