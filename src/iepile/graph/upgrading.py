"""Stores that an older iepile wrote: brought up to the tables of today when they are written to; read as they are.

Version 2 (places of edges) added the column `place`.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

SQL = Path(__file__).with_name("store.sql")
"""The tables of today."""


def upgrade(db: sqlite3.Connection, version: int, write: bool) -> None:
    """Make a store of version 1 one of today.

    Args:
        write: change the file; else only what this connection sees of it.
    """
    if not write:
        # A view of this connection alone, which stands before that of the file.
        db.execute("CREATE TEMP VIEW fact AS SELECT *, NULL AS place FROM main.fact")
        return
    fact = re.search(r"CREATE VIEW fact AS.*?;", SQL.read_text("utf-8"), re.DOTALL)
    assert fact is not None
    db.execute("BEGIN EXCLUSIVE")
    # Another process may have been first.
    if db.execute("PRAGMA user_version").fetchone()[0] == version:
        for statement in ("ALTER TABLE edge ADD COLUMN place TEXT", "DROP VIEW fact", fact.group(),
                          f"PRAGMA user_version = {version + 1}"):
            db.execute(statement)
    db.execute("COMMIT")
