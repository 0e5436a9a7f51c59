"""Edges of a store with the numbers that its nodes and edges have there, for forms that name nodes by them."""

from __future__ import annotations

from collections.abc import Iterator

from iepile.graph.edge import Edge
from iepile.graph.store import Store

FIELDS: tuple[str, ...] = Edge.__struct_fields__
_UNGROUNDED = FIELDS.index("ungrounded")


def identified(store: Store) -> Iterator[tuple[Edge, str, str, str | None]]:
    """Edges in order, each with its id and those of its head and tail; a statement of a type has no tail."""
    sql = f"SELECT id, head_node, tail_node, {', '.join(FIELDS)} FROM fact ORDER BY id"
    for id_, head, tail, *values in store.rows(sql):
        values[_UNGROUNDED] = bool(values[_UNGROUNDED])
        edge = Edge(**dict(zip(FIELDS, values, strict=True)))
        yield edge, f"e{id_}", f"n{head}", None if tail is None else f"n{tail}"
