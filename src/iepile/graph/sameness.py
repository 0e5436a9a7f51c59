"""Which nodes of a store are one thing: merges are recorded beside the nodes, and each node knows who stands for it.

Each row of `merge` leads from a node to the one it went into, so the rows make trees. The last of a tree stands for all
in it; where it has no type and another has, that one does. Taking a merge back is deleting its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from iepile.errors import InputError
from iepile.graph.store import Store

BY_HAND, AS_READ = "by hand", "as read"
STATED = f"('{BY_HAND}', '{AS_READ}')"
"""Rules of merges that somebody, or the input, states, for SQL. All others were found, and are found anew each time."""
WITHOUT_TYPE = "-"
"""Given as a type: the node of that name that has none."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def record(store: Store, merges: Iterable[tuple[int, int, float, str, str]]) -> None:
    """Record merges: (node that goes, node that stays, score, rule, reason). `settle` makes them hold.

    A node that had gone elsewhere goes there no more; where a circle would close, the one that stays comes out of it.
    The caller commits.
    """
    for row in dict.fromkeys(merges):
        gone, kept = row[:2]
        if gone == kept:
            continue
        if gone in chain(store, kept):
            store.db.execute("DELETE FROM merge WHERE gone = ?", (kept,))
        store.db.execute("INSERT OR REPLACE INTO merge VALUES (?, ?, ?, ?, ?)", row)


def chain(store: Store, node: int) -> list[int]:
    """The node, what it went into, and so on."""
    found = [node]
    while row := store.db.execute("SELECT kept FROM merge WHERE gone = ?", (found[-1],)).fetchone():
        found.append(row[0])
    return found


def settle(store: Store) -> None:
    """Let every node know who stands for it. Merges that would join what was set apart are taken out."""
    db = store.db
    parents: dict[int, int] = {}

    def root(node: int) -> int:
        while (parent := parents.get(node, node)) != node:
            parents[node] = parents.get(parent, parent)
            node = parent
        return node

    enemies: dict[int, set[int]] = {}
    for one, other in db.execute("SELECT one, other FROM apart"):
        enemies.setdefault(one, set()).add(other)
        enemies.setdefault(other, set()).add(one)
    refused: list[tuple[int]] = []
    # What somebody said comes first, so that what was found gives way.
    for gone, kept in db.execute(f"SELECT gone, kept FROM merge ORDER BY rule = '{BY_HAND}' DESC, "
                                 f"rule = '{AS_READ}' DESC, gone").fetchall():
        a, b = root(gone), root(kept)
        if any(root(enemy) == b for enemy in enemies.get(a, ())):
            refused.append((gone,))
            continue
        parents[a] = b
        if a in enemies and a != b:
            enemies.setdefault(b, set()).update(enemies.pop(a))
    db.executemany("DELETE FROM merge WHERE gone = ?", refused)
    known = {id_: (type_ is None, name, type_ or "") for id_, name, type_ in db.execute(
        "SELECT id, name, type FROM node WHERE id IN (SELECT gone FROM merge UNION SELECT kept FROM merge)")}
    groups: dict[int, list[int]] = {}
    for node in known:
        groups.setdefault(root(node), []).append(node)
    now = dict(db.execute("SELECT id, same_as FROM node WHERE same_as != id"))
    changed = {node: node for node in now}
    for stands, members in groups.items():
        # Not by their numbers: those depend on the order in which documents came.
        best = min(members, key=known.__getitem__) if known[stands][0] else stands
        best = stands if known[best][0] else best
        changed.update((n, best) for n in members)
    db.executemany("UPDATE node SET same_as = ? WHERE id = ?",
                   ((best, n) for n, best in changed.items() if now.get(n, n) != best))


def forget(store: Store) -> None:
    """Take out what was said of nodes that are gone. The caller filled the temporary table `named` with those in edges.

    A merge that was found goes with either of its nodes. A node that others were merged into by hand or as read stays,
    though nothing names it itself: it is put into `named`.
    """
    store.db.execute(f"""
        INSERT OR IGNORE INTO named
        WITH RECURSIVE alive (node) AS (
          SELECT kept FROM merge WHERE gone IN (SELECT node FROM named) AND rule IN {STATED}
          UNION SELECT m.kept FROM merge m JOIN alive a ON m.gone = a.node WHERE m.rule IN {STATED}
        ) SELECT node FROM alive""")
    for table, one, other in (("merge", "gone", "kept"), ("apart", "one", "other")):
        store.db.execute(f"DELETE FROM {table} WHERE {one} NOT IN (SELECT node FROM named) "
                         f"OR {other} NOT IN (SELECT node FROM named)")


def find_node(store: Store, name: str, type_: str, field: str) -> int:
    """The entity of that name, whatever stands for it. `type_`: its type, "" if any will do, "-" if it has none.

    Raises:
        InputError: there is none, or more than one.
    """
    name = _SURROGATE.sub("\ufffd", name)  # as loading.py writes it
    found = [(id_, kind) for id_, kind in store.rows(
        "SELECT id, type FROM node WHERE name = ? AND event IS NULL ORDER BY type", (name,))
        if type_ in ("", kind) or (type_ == WITHOUT_TYPE and kind is None)]
    if len(found) == 1:
        return int(found[0][0])
    if found:
        raise InputError(f"{len(found)} nodes have the name {name!r}: of type {', '.join(k or '-' for _, k in found)}",
                         file=store.path, field=field, expected="the type too; - for the one without a type")
    near = list(_near(store, name))
    raise InputError(f"no node {name!r}" + (f" of type {type_}" if type_ else ""), file=store.path, field=field,
                     fix=f"did you mean {' or '.join(near)}?" if near else "see the names with `iepile kg find`")


def _near(store: Store, name: str) -> Iterator[str]:
    for other, type_ in store.rows(
            "SELECT name, type FROM node WHERE event IS NULL AND name != '' AND (instr(lower(name), lower(?1)) OR "
            "instr(lower(?1), lower(name))) ORDER BY abs(length(name) - length(?1)), name, type LIMIT 3", (name,)):
        yield f"{other!r} ({type_ or '-'})"
