"""Edges of a store with the numbers that its nodes and edges have there, for forms that name nodes by them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iepile.graph.edge import Edge
from iepile.graph.store import Store

FIELDS: tuple[str, ...] = Edge.__struct_fields__
COLUMNS = (*FIELDS, "head_id", "tail_id")
"""Of a table of edges: the fields, and the nodes, which are told again from names, types and events."""
_UNGROUNDED = FIELDS.index("ungrounded")


def edge_rows(store: Store) -> Iterator[tuple[Any, ...]]:
    """The values of each edge in order, as `COLUMNS` names them; `ungrounded` is 0 or 1."""
    return store.rows(f"SELECT {', '.join(FIELDS)}, 'n' || head_node, 'n' || tail_node FROM fact ORDER BY id")


def identified(store: Store) -> Iterator[tuple[Edge, str, str, str | None]]:
    """Edges in order, each with its id and those of its head and tail; a statement of a type has no tail."""
    sql = f"SELECT 'e' || id, 'n' || head_node, 'n' || tail_node, {', '.join(FIELDS)} FROM fact ORDER BY id"
    for id_, head, tail, *values in store.rows(sql):
        values[_UNGROUNDED] = bool(values[_UNGROUNDED])
        yield Edge(**dict(zip(FIELDS, values, strict=True))), id_, head, tail
