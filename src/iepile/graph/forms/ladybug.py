"""A database file of ladybug, the kept fork of Kùzu: a property graph to query in Cypher, without a server.

Facts go in by bulk copies from Parquet files of our own making, so no name ever stands in a statement.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from iepile.errors import IepileError, InputError, MissingDependency
from iepile.graph.edge import Edge
from iepile.graph.forms.form import Form
from iepile.graph.property_graph import (
    DOCUMENT,
    ENTITY,
    EVENT,
    FACT,
    LABELS,
    MENTIONED_IN,
    NUMBERS,
    TRAIL,
    GraphNode,
    Relationship,
    edge_of,
    nodes,
    relationships,
    snapshot,
)
from iepile.graph.store import Store
from iepile.jsonl import check_target

ENDING = ".lbug"
MAGIC = b"LBUG"
POOL = 1 << 30
"""Bytes that the database may hold in memory."""
COPIED_ROWS, COPIED_BYTES = 300_000, 96 << 20
"""How much one copy takes in at most: it must fit the pool several times over."""
READ_ROWS = 50_000
"""Relationships read at a time."""
_NODES = {
    ENTITY: ("key", "name", "type", "aliases", "mentions"),
    EVENT: ("key", "name", "type", "aliases", "mentions", "event"),
    DOCUMENT: ("key", "name", "source"),
}
_PAIRS = {
    FACT: [(start, end) for start in (ENTITY, EVENT) for end in (ENTITY, EVENT)],
    MENTIONED_IN: [(start, DOCUMENT) for start in (ENTITY, EVENT)],
}
_TRAILS = {FACT: TRAIL, MENTIONED_IN: ("type", *TRAIL)}
_TYPES = {"aliases": "STRING[]", "mentions": "INT64", "position": "INT64", "ungrounded": "BOOL",
          "confidence": "DOUBLE"} | dict.fromkeys(NUMBERS, "INT64")
_Batch = dict[str, list[Any]]


@contextmanager
def connected(path: Path, write: bool = False) -> Iterator[Any]:
    """A connection to a database file; it is made where there is none and `write` is set.

    Raises:
        InputError: no such file, or one that ladybug cannot open.
    """
    if "kuzu" in sys.modules:
        raise IepileError("kuzu is loaded: it and ladybug break each other\n  do:       use one of them in a process")
    try:
        import ladybug
    except ImportError:
        raise MissingDependency("ladybug", "graph", "Cypher") from None
    if not write and not path.is_file():
        raise InputError("no such file", file=path, fix="check the path")
    try:
        # One thread: a copy needs a good deal of memory in each, and two would write the rows in no certain order.
        database = ladybug.Database(str(path), buffer_pool_size=POOL, max_num_threads=1 if write else 0,
                                    read_only=not write)
    except RuntimeError as e:
        raise InputError(f"cannot be opened: {e}", file=path, expected="a database of ladybug") from None
    try:
        connection = ladybug.Connection(database)
        try:
            yield connection
        finally:
            connection.close()
    finally:
        database.close()


def write_ladybug(store: Store, path: Path) -> int:
    """Write the graph of a store as a database file, whole or not at all. Returns the number of edges."""
    path = check_target(path)
    if path.suffix in (".gz", ".zst"):
        raise InputError("a database cannot be packed", file=path, fix="leave the ending away")
    with tempfile.TemporaryDirectory(prefix=".iepile-", dir=path.absolute().parent) as made:
        new = Path(made) / "graph.lbug"
        try:
            with connected(new, write=True) as connection, snapshot(store):
                count = _fill(connection, store, Path(made))
        except RuntimeError as e:
            raise IepileError(f"{path}: ladybug failed: {e}") from None
        target = path.resolve()
        for left in (".wal", ".shadow"):  # of a program that died: it would be played back on the new file
            target.with_name(target.name + left).unlink(missing_ok=True)
        new.replace(target)
    return count


def _fill(connection: Any, store: Store, folder: Path) -> int:
    for label, names in _NODES.items():
        columns = ", ".join(f"{n} {_TYPES.get(n, 'STRING')}" for n in names)
        connection.execute(f"CREATE NODE TABLE {label} ({columns}, PRIMARY KEY (key))").close()
    for kind, pairs in _PAIRS.items():
        columns = ", ".join(f"{n} {_TYPES.get(n, 'STRING')}" for n in ("position", *_TRAILS[kind]))
        ends = ", ".join(f"FROM {start} TO {end}" for start, end in pairs)
        connection.execute(f"CREATE REL TABLE {kind} ({ends}, {columns})").close()
    _copy(connection, folder, ((n.label, "", _node_row(n)) for n in nodes(store)))
    return _copy(connection, folder, ((r.kind, f" (from='{r.start[0]}', to='{r.end[0]}')", _row(r))
                                      for r in relationships(store)))


def _node_row(node: GraphNode) -> dict[str, Any]:
    return {name: getattr(node, name) for name in _NODES[node.label]}


def _row(relationship: Relationship) -> dict[str, Any]:
    return {"from": relationship.start[1], "to": relationship.end[1], "position": relationship.position,
            **relationship.properties()}


def _copy(connection: Any, folder: Path, rows: Iterable[tuple[str, str, dict[str, Any]]]) -> int:
    """Copy (table, options, row) in, in portions that are small in rows and bytes. Returns how many."""
    held: dict[tuple[str, str], _Batch] = {}
    count = size = 0
    flush = partial(_copy_batch, connection, folder / "rows.parquet")
    for n, (table, options, row) in enumerate(rows, 1):
        batch = held.get((table, options))
        if batch is None:
            batch = held[table, options] = {name: [] for name in row}
        for name, value in row.items():
            batch[name].append(value)
            if value.__class__ is str:
                size += len(value)
        count = n
        if not n % COPIED_ROWS or size >= COPIED_BYTES // 3:  # a Chinese letter is three bytes
            for key, batch in held.items():
                flush(*key, batch)
            held.clear()
            size = 0
    for key, batch in held.items():
        flush(*key, batch)
    return count


def _copy_batch(connection: Any, file: Path, table: str, options: str, batch: _Batch) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise MissingDependency("pyarrow", "graph", "writing a ladybug database") from None
    types = {"STRING": pa.string(), "INT64": pa.int64(), "BOOL": pa.bool_(), "DOUBLE": pa.float64(),
             "STRING[]": pa.list_(pa.string())}
    schema = pa.schema([(name, types[_TYPES.get(name, "STRING")]) for name in batch])
    parquet.write_table(pa.table(batch, schema=schema), file)
    quoted = str(file).replace("\\", "\\\\").replace("'", "\\'")
    connection.execute(f"COPY {table} FROM '{quoted}'{options}").close()
    file.unlink()


def read_ladybug(path: str | Path) -> Iterator[Edge]:
    """The edges of a database that `write_ladybug` wrote, in their order.

    Raises:
        InputError: no database of ladybug, or none of ours.
    """
    with connected(Path(path)) as connection:
        try:
            tables = {row[1] for row in _rows(connection, "CALL show_tables() RETURN *")}
            if not {*LABELS, *_PAIRS} <= tables:
                raise InputError("is no graph of ours", file=path, expected="a database that `iepile kg` wrote")
            trails = {kind: _columns(connection, kind) for kind in _TRAILS}
            ends = [row[0] for kind in _PAIRS
                    for row in _rows(connection, f"MATCH ()-[r:{kind}]->() RETURN max(r.position)")]
            last = max((e for e in ends if e is not None), default=-1)
            start, size = 0, READ_ROWS
            while start <= last:
                try:
                    found = _window(connection, trails, start, start + size)
                except RuntimeError as e:
                    if "buffer pool is full" not in str(e) or size == 1:
                        raise
                    size = max(1, size // 4)
                    continue
                yield from (edge for _, edge in found)
                start += size
        except RuntimeError as e:
            raise InputError(f"cannot be read: {e}", file=path) from None


def _columns(connection: Any, kind: str) -> tuple[str, ...]:
    """What a table tells of the trail: a database of an older iepile has not all of it."""
    there = {row[1] for row in _rows(connection, f"CALL table_info('{kind}') RETURN *")}
    return tuple(name for name in _TRAILS[kind] if name in there)


def _window(connection: Any, trails: dict[str, tuple[str, ...]], start: int, end: int) -> list[tuple[int, Edge]]:
    """The edges with positions from `start` up to `end`, in order."""
    found = []
    for kind, trail in trails.items():
        columns = ", ".join(f"r.{name}" for name in ("position", *trail))
        tail_type = "b.type" if kind == FACT else "NULL"
        labels = "" if kind == FACT else ":Document"
        for head, head_type, tail, tail_of, position, *values in _rows(
                connection, f"MATCH (a)-[r:{kind}]->(b{labels}) WHERE r.position >= $low AND r.position < $high "
                f"RETURN a.name, a.type, b.name, {tail_type}, {columns}", {"low": start, "high": end}):
            about = dict(zip(trail, values, strict=True))
            found.append((position, edge_of(head, head_type, tail, tail_of, about)))
    found.sort(key=lambda numbered: numbered[0])
    return found


def _rows(connection: Any, query: str, parameters: dict[str, Any] | None = None) -> Iterator[list[Any]]:
    result = connection.execute(query, parameters)
    try:
        while result.has_next():
            yield result.get_next()
    finally:
        result.close()


def is_ladybug(path: Path) -> bool:
    """Whether a file is a database of ladybug, by its ending or its first bytes."""
    if path.suffix.lower() == ENDING:
        return True
    with suppress(OSError), path.open("rb") as f:
        return f.read(len(MAGIC)) == MAGIC
    return False


FORM = Form("ladybug", "a property graph to query in Cypher without a server", (ENDING,), write_ladybug, read_ladybug,
            is_ladybug)
