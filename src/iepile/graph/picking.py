"""Part of a graph as a graph of its own: some edges, with all that belongs to them.

Merges, types and flags stay as they were; edges that checks took out are not picked.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from iepile.graph.store import Store

_WORDS = " UNION ".join(f"SELECT {c} FROM main.edge WHERE {c} IS NOT NULL"
                        for c in ("relation", "tail_word", "question", "model"))
# A node that stands for others comes with them, though no edge that was picked names it.
_NODES = """
  WITH RECURSIVE named (node) AS (
    SELECT head FROM main.edge UNION SELECT tail FROM main.edge WHERE tail IS NOT NULL
    UNION SELECT w.same_as FROM named JOIN whole.node w ON w.id = named.node
    UNION SELECT m.kept FROM named JOIN whole.merge m ON m.gone = named.node
  ) SELECT node FROM named"""
_TABLES = {
    "edge": "id IN picked", "violation": "edge IN picked", "word": f"id IN ({_WORDS})",
    "quotation": "id IN (SELECT quotation FROM main.edge)", "part": "id IN (SELECT part FROM main.edge)",
    "document": "id IN (SELECT document FROM main.part)", "run": "id IN (SELECT run FROM main.part)",
    "node": f"id IN ({_NODES})", "merge": "gone IN (SELECT id FROM main.node) AND kept IN (SELECT id FROM main.node)",
    "apart": "one IN (SELECT id FROM main.node) AND other IN (SELECT id FROM main.node)",
}
"""What is taken over of each table, in this order."""


def pick(store: Store, path: str | Path, where: Sequence[str], values: Sequence[Any],
         relations: Sequence[str] = ()) -> int:
    """Write a store with the edges that fit. Returns how many.

    Args:
        store: the whole graph.
        path: of the new one; there is none yet.
        where: conditions on the columns of the view `fact`, which all must hold.
        values: those of the conditions' `?`, in order.
        relations: where given, only edges of these, and the types of their ends.
    """
    fits = " AND ".join(f"({condition})" for condition in where) or "1"
    with Store(path, write=True, scratch=True) as part:
        db = part.db
        db.execute("ATTACH ? AS whole", (f"{store.path.absolute().as_uri()}?mode=ro",))
        db.execute("BEGIN")
        db.execute("CREATE TEMP TABLE picked (edge INTEGER PRIMARY KEY)")
        of = f" AND kind != 'type' AND relation IN ({', '.join('?' * len(relations))})" if relations else ""
        db.execute(f"INSERT INTO picked SELECT id FROM whole.fact WHERE {fits}{of}", (*values, *relations))
        if relations:
            db.execute(f"""
                INSERT OR IGNORE INTO picked SELECT id FROM whole.fact WHERE {fits} AND kind = 'type' AND head_node IN (
                  SELECT n.same_as FROM picked p JOIN whole.edge e ON e.id = p.edge JOIN whole.node n ON n.id = e.head
                  UNION SELECT n.same_as FROM picked p JOIN whole.edge e ON e.id = p.edge
                    JOIN whole.node n ON n.id = e.tail)""", values)
        for table, taken in _TABLES.items():
            db.execute(f"INSERT INTO main.{table} SELECT * FROM whole.{table} WHERE {taken}")
        for (index,) in db.execute("SELECT sql FROM whole.sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
                                   "AND name NOT IN (SELECT name FROM main.sqlite_master)").fetchall():
            db.execute(index)
        db.execute("COMMIT")
        db.execute("DETACH whole")
        return part.one("SELECT count(*) FROM picked")


def place(made: Path, target: Path) -> None:
    """Put a finished file where it belongs, whole or not at all."""
    with made.open("rb+") as f:
        os.fsync(f.fileno())
    made.replace(target)
