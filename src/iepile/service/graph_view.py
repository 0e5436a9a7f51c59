"""A graph as JSON for pages and programs: nodes, edges with the trail to the text, and what breaks the schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from iepile.graph.edge import Edge
from iepile.graph.search import Step
from iepile.graph.store import Store


def graph_view(store: Store, limit: int, layout: bool = False, seed: int = 0) -> dict[str, Any]:
    """The graph.

    Args:
        limit: most edges; those read first. `counts` tells how many there are.
        layout: give every node a place in the plane, `x` and `y`.
        seed: of the layout.
    """
    edges = list(edge_views(store, limit=limit))
    used = {edge[end] for edge in edges for end in ("head_node", "tail_node") if edge[end]}
    nodes = [{"mentions": 1} | msgspec.to_builtins(node) for node in store.nodes() if node.id in used]
    if layout:
        _lay_out(nodes, edges, seed)
    counts = {name: store.one(f"SELECT count(*) FROM {table}") for name, table in
              (("nodes", "thing"), ("edges", "fact"), ("documents", "document"), ("violations", "violation"))}
    return {"nodes": nodes, "edges": edges, "violations": list(_violations(store, limit)), "counts": counts,
            "whole": counts["edges"] == len(edges)}


def edge_views(store: Store, where: str = "", values: Sequence[Any] = (), limit: int = 0) -> Iterator[dict[str, Any]]:
    """Edges with `id`, `head_node` and `tail_node`, the ids of their nodes. That of the tail of a type is none."""
    rest = f"{f'WHERE {where} ' if where else ''}ORDER BY id"
    ends = store.rows(f"SELECT id, head_node, tail_node FROM fact {rest}", values)
    for n, (edge, (id_, head, tail)) in enumerate(zip(store.edges(where, values), ends, strict=True)):
        if limit and n >= limit:
            return
        yield {"id": id_, "head_node": f"n{head}", "tail_node": None if tail is None else f"n{tail}"} | edge_view(edge)


def edge_view(edge: Edge) -> dict[str, Any]:
    """One edge."""
    found: dict[str, Any] = msgspec.to_builtins(edge)
    return found


def step_views(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The edges of a way."""
    return [{"forwards": step.forwards, "edge": edge_view(step.edge)} for step in steps]


def _lay_out(nodes: list[dict[str, Any]], edges: Sequence[dict[str, Any]], seed: int) -> None:
    from iepile.graph.layout import layout

    at = {node["id"]: n for n, node in enumerate(nodes)}
    lines = sorted({(at[edge["head_node"]], at[edge["tail_node"]]) for edge in edges if edge["tail_node"]})
    for node, (x, y) in zip(nodes, layout(len(nodes), lines, seed).round().tolist(), strict=True):
        node |= {"x": int(x), "y": int(y)}


def _violations(store: Store, limit: int) -> Iterator[dict[str, Any]]:
    names = ("edge", "rule", "reason", "action")
    for row in store.rows(f"SELECT {', '.join(names)} FROM violation ORDER BY id LIMIT ?", (limit or -1,)):
        yield dict(zip(names, row, strict=True))
