"""Questions to a graph in Cypher, read only, values bound.

    with cypher("graph.db", "MATCH (a:Entity {name: $name})-[f:FACT]->(b) RETURN f.relation, b.name", {"name": "林小雨"}
                ) as answer:
        print(answer.columns, list(answer.rows))

Asked is a database of ladybug. Of any other graph one is made; that of a large store is kept in the folder
`graph.db.cypher` beside it, and made anew when the store has changed. It may be deleted. Labels and properties are told
in property_graph.py.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from iepile.errors import IepileError, InputError
from iepile.graph.build import graph_of
from iepile.graph.forms.ladybug import connected, is_ladybug, write_ladybug
from iepile.graph.sql import Answer
from iepile.graph.store import Store

LARGE = 20_000
"""Edges above which the database made of a store is kept."""
MODEL = 1
"""Version of the property graph; what is kept is made anew when it changes."""
_READING = ("MATCH", "OPTIONAL", "UNWIND", "WITH", "RETURN", "CALL")
_FUNCTIONS = ("SHOW_TABLES", "TABLE_INFO", "SHOW_CONNECTION", "SHOW_FUNCTIONS", "SHOW_INDEXES", "DB_VERSION")
"""What CALL may ask; of the others some read any file, change settings, or bring the process down."""
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<comment>//[^\r\n]*|/\*.*?\*/)|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)"""
    r"""|(?P<open>['"`]|/\*)|(?P<word>\w+)|(?P<sign>.)""", re.S)
_INTERNAL = ("_ID", "_SRC", "_DST")


@contextmanager
def cypher(path: str | Path, query: str, values: Mapping[str, Any] | None = None) -> Iterator[Answer]:
    """Ask a graph.

    Args:
        path: a database of ladybug, a store, or a graph in any form.
        query: one statement; `$name` stands for a value.
        values: those of the names.

    Raises:
        InputError: no such graph, no Cypher, more than reading, or a value of a kind that Cypher lacks.
        IepileError: the answer does not fit the memory that the database may use.
    """
    values = dict(values or {})
    names = check_reading(query)
    for name in sorted(names ^ values.keys()):  # the database would take what is missing for null
        raise InputError(f"no value for ${name}" if name in names else f"${name} is not in the query", field="values",
                         expected="a value for each $name in the query")
    with database_of(Path(path)) as database, connected(database) as connection:
        try:
            result = connection.execute(query, values)
        except (RuntimeError, UnicodeEncodeError) as e:
            raise _refused(e) from None
        try:
            yield Answer(tuple(result.get_column_names()), _rows(result))
        finally:
            result.close()


def _rows(result: Any) -> Iterator[Sequence[Any]]:
    try:
        while result.has_next():
            yield tuple(map(_plain, result.get_next()))
    except RuntimeError as e:
        raise _refused(e) from None


def _refused(error: Exception) -> IepileError:
    told = str(error)
    if "buffer pool is full" in told:
        return IepileError("the answer needs more memory than the database may use\n"
                           "  do:       narrow the query by WHERE or LIMIT")
    if "Unable to cast Python instance" in told or isinstance(error, UnicodeError):
        return InputError("a value cannot be bound", field="values", expected="text, whole numbers below 2^63, "
                          "numbers, true, false, null, or lists of one kind of them")
    return InputError(f"cannot be asked: {told}", field="query",
                      fix="labels are Entity, Event, Document; relationships FACT and MENTIONED_IN: "
                          "docs/en/property_graph.md")


def check_reading(query: str) -> set[str]:
    """Refuse what is more than one statement that reads the graph. Returns the names that values are bound to.

    A database that is opened for reading refuses to change, but would still write files (COPY ... TO), read any file of
    this machine (LOAD FROM), fetch extensions from the network and change its settings.

    Raises:
        InputError: such a query, an empty one, or one with an open quotation or comment.
    """
    words: list[str] = []
    names: set[str] = set()
    over = False
    for found in _TOKEN.finditer(query):
        kind, text = found.lastgroup, found[0]
        if kind in ("space", "comment"):
            continue
        if kind == "open":
            raise _no_reading(f"opens {text} and does not close it", "one statement, quotations closed")
        if over:
            raise _no_reading("is more than one statement", "one statement")
        over = text == ";"
        if words[-1:] == ["$"] and kind in ("word", "text"):
            names.add(text.strip("`"))
        if not over:
            words.append(text.upper() if kind == "word" else text)
    if not words:
        raise _no_reading("is empty", "a statement, such as MATCH (n) RETURN n LIMIT 10")
    called = [words[n + 1:n + 3] for n, word in enumerate(words) if word == "CALL"]
    if any(c[:1] == [] or c[0] not in _FUNCTIONS or c[1:] != ["("] for c in called):
        raise _no_reading("calls what may do more than read the graph", f"CALL of {', '.join(_FUNCTIONS).lower()}")
    if words[0] not in _READING or "LOAD" in words:  # a name that reads so may stand in backticks
        raise _no_reading("does more than read the graph", "MATCH ... RETURN ..., or CALL of a function")
    return names


def _no_reading(problem: str, expected: str) -> InputError:
    return InputError(problem, field="query", expected=expected)


def _plain(value: Any) -> Any:
    """As JSON can hold it: nodes and relationships as their properties, with `_label`, without numbers of rows."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, dict):
        if "_LABEL" in value:
            kept = {k: _plain(v) for k, v in value.items() if k not in (*_INTERNAL, "_LABEL") and v is not None}
            return {"_label": value["_LABEL"], **kept}
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    return str(value)


@contextmanager
def database_of(path: Path) -> Iterator[Path]:
    """The database to ask: the file itself, or one made of the graph at `path`."""
    if path.is_file() and is_ladybug(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="iepile-") as folder:
        made = Path(folder) / "graph.lbug"
        with graph_of(str(path)) as store:
            kept = _kept(store) if store.path == path and store.one("SELECT count(*) FROM edge") > LARGE else None
            if kept is None:
                write_ladybug(store, made)
        yield kept or made


def _kept(store: Store) -> Path | None:
    """The database of the store as it is now; None: none can be kept beside it."""
    place = store.path.with_name(f"{store.path.name}.cypher")
    # Taken before the store is read: a change after this leaves a database whose name is never asked for again.
    file = place / f"{_stamp(store.path)}.lbug"
    if file.is_file():
        return file
    try:
        place.mkdir(exist_ok=True)
    except OSError:
        return None
    if not os.access(place, os.W_OK):
        return None
    write_ladybug(store, file)
    for old in place.glob("*.lbug"):
        if old != file:
            with suppress(OSError):
                old.unlink()
    return file


def _stamp(store: Path) -> str:
    """What differs whenever the store, or how it is told in Cypher, has changed."""
    about = [MODEL]
    for part in (store, store.with_name(f"{store.name}-wal")):
        with suppress(FileNotFoundError):
            state = part.stat()
            with part.open("rb") as f:
                counted = f.read(28)[24:]  # SQLite counts its transactions there (its file format, 1.3.7)
            about += [state.st_size, state.st_mtime_ns, int.from_bytes(counted, "big")]
    return sha256(repr(about).encode()).hexdigest()[:32]
