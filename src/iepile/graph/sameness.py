"""Which nodes of a store are one thing: merges are recorded beside the nodes, and each node knows who stands for it."""

from __future__ import annotations

from collections.abc import Iterable

from iepile.graph.store import Store


def record(store: Store, merges: Iterable[tuple[int, int, float, str, str]]) -> None:
    """Record merges: (node that goes, node that stays, score, rule, reason). The caller commits."""
    store.db.executemany("INSERT OR REPLACE INTO merge VALUES (?, ?, ?, ?, ?)", merges)
    settle(store)


def settle(store: Store) -> None:
    """Let every node know who stands for its group: the one the others went into, or else one with a type."""
    parents: dict[int, int] = {}

    def root(node: int) -> int:
        while (parent := parents.get(node, node)) != node:
            parents[node] = parents.get(parent, parent)
            node = parent
        return node

    for gone, kept in store.db.execute("SELECT gone, kept FROM merge ORDER BY gone").fetchall():
        parents[root(gone)] = root(kept)
    store.db.execute("UPDATE node SET same_as = id WHERE same_as != id")
    groups: dict[int, list[int]] = {}
    for node in list(parents):
        groups.setdefault(root(node), []).append(node)
    for stands, members in groups.items():
        typed = [n for n in (stands, *sorted(members)) if store.db.execute(
            "SELECT type IS NOT NULL FROM node WHERE id = ?", (n,)).fetchone() == (1,)]
        best = typed[0] if typed else stands
        store.db.executemany("UPDATE node SET same_as = ? WHERE id = ?", ((best, n) for n in {stands, *members}))
