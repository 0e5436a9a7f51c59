"""Questions to a store in SQL: the views `fact` and `thing` of store.sql, read only, values bound.

    with Store("graph.db") as store:
        answer = sql(store, "SELECT tail FROM fact WHERE head = :name", {"name": "Ada"})
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.store import Store

_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


class Answer(msgspec.Struct, frozen=True):
    """A table: what a query gives, in whatever language."""

    columns: tuple[str, ...]
    rows: Iterator[Sequence[Any]]
    """As they come."""


def sql(store: Store, query: str, values: Mapping[str, Any] | None = None) -> Answer:
    """Ask a store.

    Args:
        store: the graph.
        query: one SELECT (or WITH ... SELECT); `:name` stands for a value.
        values: those of the names.

    Raises:
        InputError: no SQL, more than reading, or a name without a value.
    """
    store.db.set_authorizer(_reads_only)
    try:
        cursor = store.db.execute(query, values or {})
        if cursor.description is None:
            raise InputError("asks nothing", field="query", expected="a SELECT")
        return Answer(tuple(name for name, *_ in cursor.description), _rows(cursor))
    except (sqlite3.Error, sqlite3.Warning) as e:
        hint = "graphs are changed by iepile kg, not by queries" if "not authorized" in str(e) else \
            "columns are those of the views fact and thing: iepile kg query GRAPH 'SELECT * FROM fact LIMIT 1'"
        raise InputError(f"cannot be asked: {e}", field="query", expected="a SELECT", fix=hint) from None
    finally:
        store.db.set_authorizer(None)


def _rows(cursor: sqlite3.Cursor) -> Iterator[Sequence[Any]]:
    try:
        for row in cursor:  # noqa: UP028 - `yield from` would close the cursor of a closed store
            yield row
    except sqlite3.Error as e:
        raise InputError(f"cannot be answered: {e}", field="query") from None


def _reads_only(action: int, name: str | None, *_: str | None) -> int:
    """The answer to SQLite's question whether a statement may do something: reading only, no file but this one."""
    if action == sqlite3.SQLITE_FUNCTION and name == "load_extension":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
