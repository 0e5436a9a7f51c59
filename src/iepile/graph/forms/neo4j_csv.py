"""A folder that `neo4j-admin database import` loads into a new database: nodes.csv, relationships.csv, and the command.

Much faster than a push, but only into a database that does not exist yet. The keys are those of a push, so later pushes
update what was imported. Text stands in quotes, numbers do not, and where a value is missing nothing stands: so an
empty name stays a name. The flags that this needs are in import.sh.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.forms.delimited import records
from iepile.graph.forms.form import Form
from iepile.graph.forms.jsonl import edge_of as checked
from iepile.graph.forms.text_values import text_of, value_of
from iepile.graph.property_graph import (
    DOCUMENT,
    FACT,
    GRAPH,
    NEO4J_SCHEMA,
    NUMBERS,
    TRAIL,
    GraphNode,
    Relationship,
    nodes,
    relationships,
    snapshot,
    type_of,
)
from iepile.graph.store import Store
from iepile.jsonl import check_folder

NODES, RELATIONSHIPS, SCRIPT, SCHEMA = "nodes.csv", "relationships.csv", "import.sh", "constraints.cypher"
PUSHED = "imported"
"""Stands where a push notes its time: a push with `--remove` knows by it what is not its own."""
_OF_NODE = ("name", "type", "aliases", "mentions", "event", "source")
_TYPES = {"aliases": "string[]", "mentions": "long", "ungrounded": "boolean", "confidence": "double"} | dict.fromkeys(
    NUMBERS, "long")
_NEEDED = {NODES: {"key", "name", ":LABEL"}, RELATIONSHIPS: {":START_ID", ":END_ID"}}
_MARKS = ("graph", "pushed")
_DELIMITERS = (*map(chr, range(0x1F, 0x1B, -1)), *map(chr, range(0xE000, 0xF900)))
_IMPORT = """#!/bin/sh
# Loads this graph into a new database of Neo4j 5 or later, which must not exist yet. On the server's machine:
#     sh import.sh [DATABASE]
# then start the database, and let it know the keys, which later pushes look nodes up by:
#     cypher-shell -d DATABASE -f constraints.cypher
set -eu
cd "$(dirname "$0")"
exec "${{NEO4J_ADMIN:-neo4j-admin}}" database import full "${{1:-neo4j}}" \\
  --nodes={nodes} --relationships={relationships} --id-type=string --input-encoding=UTF-8 \\
  --multiline-fields=true --array-delimiter=U+{delimiter:04X} --legacy-style-quoting=false \\
  --ignore-empty-strings=false --trim-strings=false
"""


def write_neo4j_csv(store: Store, path: Path) -> int:
    """Write the folder, whole or not at all; one that was written before is replaced. Returns the number of edges.

    Raises:
        InputError: something else stands there, or it cannot be written.
    """
    if path.suffix in (".gz", ".zst"):
        raise InputError("a folder cannot be packed", file=path, fix="leave the ending away")
    if path.exists() and not is_neo4j_csv(path) and not (path.is_dir() and not any(path.iterdir())):
        raise InputError("exists already and is no folder for neo4j-admin", file=path, fix="choose another name")
    check_folder(path.absolute().parent)
    with tempfile.TemporaryDirectory(prefix=".iepile-", dir=path.absolute().parent) as made:
        new = Path(made) / "new"
        new.mkdir()
        with snapshot(store):
            delimiter = _delimiter(store)
            _write(new / NODES, ["key:ID", ":LABEL", *_header(_OF_NODE)],
                   ([n.key, n.label, *_node_values(n, delimiter), GRAPH, PUSHED] for n in nodes(store)))
            count = _write(new / RELATIONSHIPS, [":START_ID", ":END_ID", ":TYPE", *_header(("key", "type", *TRAIL))],
                           map(_row, relationships(store)))
        (new / SCHEMA).write_text("".join(f"{s};\n" for s in NEO4J_SCHEMA), "utf-8")
        script = _IMPORT.format(nodes=NODES, relationships=RELATIONSHIPS, delimiter=ord(delimiter))
        (new / SCRIPT).write_text(script, "utf-8")
        (new / SCRIPT).chmod(0o755)
        if path.exists():
            path.rename(Path(made) / "old")
        new.rename(path)
    return count


def _header(names: Sequence[str]) -> list[str]:
    return [f"{name}:{_TYPES.get(name, 'string')}" for name in (*names, *_MARKS)]


def _delimiter(store: Store) -> str:
    """A sign that stands in no alias: neo4j-admin parts lists by it, and knows no way to quote it."""
    used = set(chain.from_iterable(alias for n in store.nodes() for alias in n.aliases))
    return next(d for d in _DELIMITERS if d not in used)


def _node_values(node: GraphNode, delimiter: str) -> Iterator[Any]:
    for name in _OF_NODE:
        value = getattr(node, name)
        yield (delimiter.join(value) if value else None) if name == "aliases" else value


def _row(relationship: Relationship) -> list[Any]:
    about = relationship.properties()
    kind = type_of(relationship.edge.relation) if relationship.kind == FACT else relationship.kind
    return [relationship.start[1], relationship.end[1], kind, relationship.key,
            *(about.get(name) for name in ("type", *TRAIL)), GRAPH, PUSHED]


def _write(path: Path, header: list[str], rows: Iterable[list[Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as f:
        f.write(",".join(header) + "\n")
        for row in rows:
            f.write(",".join(map(_cell, row)) + "\n")
            count += 1
    return count


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return "" if value is None else text_of(value)


def read_neo4j_csv(path: str | Path) -> Iterator[Edge]:
    """The edges of a folder that `write_neo4j_csv` wrote, in their order. The names of all nodes are held in memory.

    Raises:
        InputError: a file is missing, or a line that cannot be read, with its number.
    """
    folder = Path(path)
    known: dict[str, tuple[str, str | None]] = {}
    for _, row in _rows(folder / NODES):
        if row[":LABEL"] != DOCUMENT:
            known[row["key"]] = (row["name"], row.get("type"))
    file = folder / RELATIONSHIPS
    for line, row in _rows(file):
        is_type = row.get("kind") == "type"
        try:
            head = known[row[":START_ID"]]
            tail = (row.get("type", ""), None) if is_type else known[row[":END_ID"]]
        except KeyError as e:
            raise InputError(f"an end is no node of {NODES}: {e.args[0]!r}", file=file, line=line) from None
        try:
            trail = {name: value_of(name, row[name]) for name in TRAIL if name in row}
        except InputError as e:
            raise e.at(file, line) from None
        types = {name: value for name, value in (("head_type", head[1]), ("tail_type", tail[1])) if value is not None}
        yield checked({"head": head[0], "tail": tail[0], **types, **trail}, file, line)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a file as what stands under each name; what is missing is left out."""
    names: list[str] = []
    for line, cells in records(path, ","):
        values = [cell[1].replace('""', '"') if cell[0] else cell[2] or None for cell in cells]
        if not names:
            # `name:string` -> name; of `:TYPE` and the like all stays.
            names = [str(value).rpartition(":")[0] or str(value) for value in values]
            if missing := _NEEDED[path.name] - {*names}:
                raise InputError(f"has no column {min(missing)}", file=path, line=1)
            continue
        if len(values) != len(names):
            raise InputError(f"has {len(values)} values", file=path, line=line, expected=f"{len(names)}")
        yield line, {name: value for name, value in zip(names, values, strict=True) if value is not None}


def is_neo4j_csv(path: Path) -> bool:
    """Whether a path is a folder of this form."""
    return all((path / name).is_file() for name in (NODES, RELATIONSHIPS, SCRIPT))


FORM = Form("neo4j", "a folder for neo4j-admin database import", (".neo4j",), write_neo4j_csv, read_neo4j_csv,
            is_neo4j_csv)
