"""The graph in one SQLite file: the system of record that everything else is made from.

    with Store("graph.db") as store:
        for edge in store.edges():
            print(edge.head, edge.relation, edge.tail, edge.snippet)

Facts are put in by loading.py. Merges and violations lie over the facts and can be taken back: `edges` and `nodes` give
merged names and leave out what was pruned. The tables are told in store.sql.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.graph.edge import Edge
from iepile.graph.node import Node
from iepile.graph.upgrading import SQL, upgrade

APPLICATION = 0x69654B47
"""Marks our files among those of SQLite ("ieKG")."""
VERSION = 2
"""Of the tables; of an older one the file is brought up to it, see upgrading.py, of a newer one it is refused."""
PATIENCE = 30
"""Seconds to wait for another process that is changing the graph."""
ENDINGS = (".db", ".sqlite", ".sqlite3")
_FACT = ("head, relation, tail, kind, head_type, tail_type, head_start, head_end, tail_start, tail_end, "
         "head_mention, tail_mention, event, ungrounded, confidence, document, source, instruction, model, snippet, "
         "snippet_start, place")
_FIELDS = _FACT.split(", ")
_UNGROUNDED = _FIELDS.index("ungrounded")


class StoreSummary(msgspec.Struct):
    """What a graph holds."""

    file: str
    documents: int
    facts: int
    """Edges that were read, those of types left out."""
    mentions: int
    """Statements that a mention or event is of a type."""
    entities: int
    events: int
    ungrounded: int
    """Edges with an end that is not in the text."""
    placed: int
    """Edges whose place in a file is known: page, paragraph, row."""
    merges: int
    """Nodes that stand under another name."""
    pruned: int
    """Edges that checks took out."""
    flagged: int
    """Edges that checks told of and left."""
    relations: dict[str, int]
    """Edges by relation, the 20 most frequent."""
    types: dict[str, int]
    """Entities by type, the 20 most frequent."""
    sources: dict[str, int]
    """Documents by source, the 20 most frequent."""
    unfinished: list[str]
    """Inputs whose reading was broken off; give the same command again."""


class Store:
    """A graph on disk.

    Args:
        path: the file.
        write: whether it will be changed; it is then made where there is none.
        must_exist: it is not made.
        scratch: it is thrown away at the end, so a crash may lose it: faster.

    Raises:
        InputError: no such file, or one that is no graph of ours, or of another version.
    """

    def __init__(self, path: str | Path, *, write: bool = False, scratch: bool = False,
                 must_exist: bool = False) -> None:
        self.path = Path(path)
        is_file = self.path.is_file()
        if self.path.exists() and not is_file:
            raise InputError("is no file", file=path, expected="a graph that `iepile kg` wrote")
        if not is_file and (must_exist or not write):
            raise InputError("no such file", file=path, fix="make it with `iepile kg --output_file`")
        if write and not self.path.parent.is_dir():
            self.path.parent.mkdir(parents=True, exist_ok=True)
        new = not must_exist and (not is_file or self.path.stat().st_size == 0)
        uri = f"{self.path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}"
        try:
            self.db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=PATIENCE)
            self._check(new, write)
            self.db.execute(f"PRAGMA synchronous = {'OFF' if scratch else 'NORMAL'}")
            self.db.execute("PRAGMA cache_size = -65536")
            if scratch:
                self.db.execute("PRAGMA journal_mode = OFF")
        except sqlite3.DatabaseError as e:
            if "locked" in str(e) or "disk is full" in str(e):
                raise self._failed(e) from None
            raise InputError(f"is no graph: {e}", file=path, expected="a graph that `iepile kg` wrote") from None

    def _check(self, new: bool, write: bool) -> None:
        (application,), (version,) = (self.db.execute(f"PRAGMA {name}").fetchone()
                                      for name in ("application_id", "user_version"))
        if new and write and (application, version) == (0, 0):
            self.db.executescript(f"BEGIN EXCLUSIVE; {SQL.read_text('utf-8')} PRAGMA application_id = {APPLICATION}; "
                                  f"PRAGMA user_version = {VERSION}; COMMIT;")
        elif application != APPLICATION:
            raise InputError("is no graph of ours", file=self.path, expected="a graph that `iepile kg` wrote",
                             fix="give another output file")
        elif 0 < version < VERSION:
            upgrade(self.db, version, write)
        elif version != VERSION:
            raise InputError(f"is a graph of version {version}", file=self.path, expected=f"version {VERSION}",
                             fix="export it to JSON lines with the iepile that wrote it, and read those")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.close()
        if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.DatabaseError) -> IepileError:
        return IepileError(f"{self.path}: {error}\n  do:       " + (
            "another process is changing the graph: wait for it" if "locked" in str(error) else
            "the file is damaged: take a copy of it that is whole, or make it again" if "malformed" in str(error) else
            "what was committed is there: mend the cause and give the same command again"))

    def close(self) -> None:
        """Close the file; what was not committed is not in it."""
        self.db.close()

    def edges(self, where: str = "", values: Sequence[Any] = ()) -> Iterator[Edge]:
        """The edges in the order they were put in, with merged names, without those pruned.

        Args:
            where: a condition on the columns of the view `fact`, in SQL; values go in by `?`.
            values: those of the condition.
        """
        sql = f"SELECT {_FACT} FROM fact {f'WHERE {where} ' if where else ''}ORDER BY id"
        for row in self.rows(sql, values):
            about = dict(zip(_FIELDS, row, strict=True))
            about["ungrounded"] = bool(row[_UNGROUNDED])
            yield Edge(**about)

    def nodes(self) -> Iterator[Node]:
        """The nodes in the order they were first named; those merged into another are its aliases."""
        aliases: dict[int, list[str]] = {}
        for node, name in self.rows("SELECT n.same_as, n.name FROM node n JOIN node k ON k.id = n.same_as "
                                    "WHERE n.id != k.id AND n.name != k.name ORDER BY n.id"):
            aliases.setdefault(node, []).append(name)
        counted = """
            SELECT k.id, k.name, k.type, k.event, c.places FROM node k JOIN (
              SELECT node, count(*) AS places FROM (
                SELECT n.same_as AS node, p.document, e.head_start
                  FROM edge e JOIN part p ON p.id = e.part JOIN node n ON n.id = e.head
                UNION SELECT n.same_as, p.document, e.tail_start
                  FROM edge e JOIN part p ON p.id = e.part JOIN node n ON n.id = e.tail
              ) GROUP BY node) c ON c.node = k.id ORDER BY k.id"""
        for id_, name, type_, event, places in self.rows(counted):
            yield Node(f"n{id_}", name, type_, tuple(dict.fromkeys(aliases.get(id_, ()))), places, event=event)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query of our own making, as they come."""
        try:
            for row in self.db.execute(sql, values):  # noqa: UP028 - `yield from` would close the cursor of a closed store
                yield row
        except sqlite3.DatabaseError as e:
            raise self._failed(e) from None

    def one(self, sql: str, values: Sequence[Any] = ()) -> int:
        """The number that a query gives."""
        return int(next(self.rows(sql, values))[0])

    def summary(self) -> StoreSummary:
        """What it holds."""
        def top(sql: str) -> dict[str, int]:
            return dict(self.rows(f"{sql} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20"))

        count = "SELECT count(*) FROM "
        return StoreSummary(
            str(self.path), self.one(count + "document"), self.one(count + "edge WHERE kind != 'type'"),
            self.one(count + "edge WHERE kind = 'type'"), self.one(count + "thing WHERE event IS NULL"),
            self.one(count + "thing WHERE event IS NOT NULL"), self.one(count + "edge WHERE ungrounded"),
            self.one(count + "fact WHERE place IS NOT NULL"),
            self.one(count + "node WHERE same_as != id"),
            self.one("SELECT count(DISTINCT edge) FROM violation WHERE action = 'prune'"),
            self.one("SELECT count(DISTINCT edge) FROM violation WHERE action = 'flag'"),
            top("SELECT w.text, count(*) FROM edge e JOIN word w ON w.id = e.relation WHERE e.kind != 'type'"),
            top("SELECT type, count(*) FROM thing WHERE event IS NULL AND type IS NOT NULL"),
            top("SELECT source, count(*) FROM document WHERE source IS NOT NULL"),
            [name for (name,) in self.rows("SELECT input FROM run WHERE NOT finished ORDER BY id")],
        )
