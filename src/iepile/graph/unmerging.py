"""`iepile kg unmerge`: take merges back. What somebody set apart is remembered, and never merged again by itself."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from iepile.errors import InputError
from iepile.graph.sameness import STATED, chain, find_node, settle
from iepile.graph.store import Store


@dataclass
class UnmergeConfig:
    """Take merges back: the facts stand under their own names again, as they were read."""

    graph: str = ""
    """The store, `.db`."""
    node: str = ""
    """Name of a node that is another thing than those it was merged with: it leaves them, and stays apart."""
    apart_from: str = ""
    """Only from the node of this name; whether they are merged now or not, they never will be."""
    type: str = ""
    """Type of the node, where several have the name; `-`: the one that has none."""
    from_type: str = ""
    """Type of the other, where several have the name."""
    all: bool = False
    """Take back all merges that were found; those by hand, and those that were read, stay."""


class UnmergeSummary(msgspec.Struct):
    """What was taken back."""

    graph: str
    taken_back: int
    """Merges that hold no more."""
    apart: int
    """Pairs set apart now."""
    left: int
    """Merges that still hold."""
    now: list[str]
    """Nodes that stand for themselves again: name and type."""


def unmerge_graph(config: UnmergeConfig) -> UnmergeSummary:
    """Take merges back; see `UnmergeConfig`.

    Raises:
        InputError: no such graph or node, a name that several nodes have, or a node that is not merged.
    """
    if not config.graph:
        raise InputError("not given", field="graph", fix="name the graph")
    if bool(config.node) == config.all:
        raise InputError("give --node, or --all", field="node", expected="one of the two")
    with Store(config.graph, write=True, must_exist=True) as store:
        store.db.execute("BEGIN IMMEDIATE")
        before = {node for (node,) in store.rows("SELECT id FROM node WHERE same_as != id")}
        rows, said = store.one("SELECT count(*) FROM merge"), store.one("SELECT count(*) FROM apart")
        if config.all:
            store.db.execute(f"DELETE FROM merge WHERE rule NOT IN {STATED}")
        else:
            _take_out(store, config)
        settle(store)
        left = store.one("SELECT count(*) FROM merge")
        now = [f"{name} ({type_ or '-'})" for id_, name, type_ in store.rows(
            "SELECT id, name, type FROM node WHERE same_as = id ORDER BY name, type") if id_ in before]
        summary = UnmergeSummary(config.graph, rows - left, store.one("SELECT count(*) FROM apart") - said, left, now)
        store.db.execute("COMMIT")
    return summary


def _take_out(store: Store, config: UnmergeConfig) -> None:
    node = find_node(store, config.node, config.type, "node")
    group = [n for (n,) in store.rows(
        "SELECT id FROM node WHERE same_as = (SELECT same_as FROM node WHERE id = ?) AND id != ?", (node, node))]
    if config.apart_from:
        others = [find_node(store, config.apart_from, config.from_type, "apart_from")]
        if others == [node]:
            raise InputError("a node and itself", field="apart_from", expected="two nodes",
                             fix="give --type and --from_type")
        if others[0] in group:
            way = chain(store, others[0])
            # The row of the node on the way between the two.
            cut = way[way.index(node) - 1] if node in way else node
            store.db.execute("DELETE FROM merge WHERE gone = ?", (cut,))
    else:
        others = group
        if not group:
            raise InputError(f"{config.node!r} is not merged", file=store.path, field="node",
                             fix="see what is: iepile kg merges")
        store.db.execute("DELETE FROM merge WHERE gone = ?1 OR kept = ?1", (node,))
    store.db.executemany("INSERT OR IGNORE INTO apart VALUES (?, ?)", ((min(node, o), max(node, o)) for o in others))
