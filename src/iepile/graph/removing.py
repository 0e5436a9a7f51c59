"""`iepile kg remove`: take documents, or what one model or task said of them, out of a graph; the rest stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.loading import drop_part, settle_types, tidy
from iepile.graph.store import Store


@dataclass
class RemoveConfig:
    """Take facts out of a graph; all that is given must fit."""

    graph: str = ""
    """The store, `.db`."""
    document: str = ""
    """Id of a document."""
    source: str = ""
    """Collection whose documents go."""
    task: str = ""
    """Only what was found for this task."""
    model: str = ""
    """Only parts in which every edge is of this model."""


class RemoveSummary(msgspec.Struct):
    """What was taken out."""

    graph: str
    documents: int
    """Documents that are in the graph no more."""
    edges: int
    nodes: int
    left: int
    """Edges that stay."""


def remove(config: RemoveConfig) -> RemoveSummary:
    """Take facts out; see `RemoveConfig`.

    Raises:
        InputError: nothing said that goes, or nothing that fits.
    """
    if not config.graph:
        raise InputError("not given", field="graph", fix="name the graph")
    conditions, values = list[str](), list[Any]()
    for column, value in (("d.key", config.document), ("d.source", config.source), ("p.task", config.task)):
        if value:
            conditions.append(f"{column} = ?")
            values.append(value)
    if config.model:
        conditions.append("NOT EXISTS (SELECT 1 FROM edge e LEFT JOIN word m ON m.id = e.model "
                          "WHERE e.part = p.id AND m.text IS NOT ?)")
        values.append(config.model)
    if not conditions:
        raise InputError("nothing said that goes", field="document", expected="--document, --source, --task or --model",
                         fix="to begin anew, delete the file")
    with Store(config.graph, write=True, must_exist=True) as store:
        parts = list(store.rows(f"SELECT p.id, p.document FROM part p JOIN document d ON d.id = p.document "
                                f"WHERE {' AND '.join(conditions)} ORDER BY p.id", values))
        if not parts:
            raise InputError("nothing in the graph fits", file=config.graph, fix="see what is in it: iepile kg info")
        before = _sizes(store)
        store.db.execute("BEGIN IMMEDIATE")
        for part, _ in parts:
            drop_part(store, part)
        settle_types(store, {document for _, document in parts})
        tidy(store)
        store.db.execute("COMMIT")
        after = _sizes(store)
        documents, edges, nodes = (a - b for a, b in zip(before, after, strict=True))
        return RemoveSummary(config.graph, documents, edges, nodes, after[1])


def _sizes(store: Store) -> tuple[int, int, int]:
    documents, edges, nodes = (store.one(f"SELECT count(*) FROM {table}") for table in ("document", "edge", "node"))
    return documents, edges, nodes
