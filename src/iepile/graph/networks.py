"""The graph as a networkx graph, in memory.

    from iepile.graph.networks import to_networkx
    from iepile.graph.store import Store

    with Store("graph.db") as store:
        graph = to_networkx(store)
    names = networkx.get_node_attributes(graph, "label")
    for head, tail, about in graph.edges(data=True):
        print(names[head], about["relation"], names[tail], about.get("snippet"))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from iepile.graph.edge import Edge
from iepile.graph.forms.identified import identified
from iepile.graph.node import Node
from iepile.graph.store import Store

if TYPE_CHECKING:
    import networkx

_OF_NODES = ("head", "tail", "head_type", "tail_type", "event")
"""Fields of an edge that its nodes tell."""


def to_networkx(graph: Store | Iterable[Edge]) -> networkx.MultiDiGraph[str]:
    """The graph of a store, or of edges that were picked from one.

    Nodes are named `n1` and on: in a store by their ids, else by first appearance. They carry `label`, `kind` (`entity`
    or `event`), `mentions` (how many places name them) and, where there is one, `type`, `aliases` (a list of other
    names of what was merged into it) and `event` (its id). Edges carry the other fields of `Edge` that are not None;
    statements that a node is of a type are no edges, but the `type` of the node.

    >>> from iepile.graph.edge import Edge
    >>> ada = Edge(head="Ada", relation="spouse", tail="Bob", kind="relation", document="d", head_type="person")
    >>> graph = to_networkx([ada])
    >>> graph.nodes["n1"]
    {'label': 'Ada', 'kind': 'entity', 'mentions': 1, 'type': 'person'}
    >>> list(graph.edges(data=True))
    [('n1', 'n2', {'relation': 'spouse', 'kind': 'relation', 'document': 'd'})]
    """
    import networkx

    made: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    if isinstance(graph, Store):
        made.add_nodes_from((node.id, node_attributes(node)) for node in graph.nodes())
        for edge, _, head, tail in identified(graph):
            if tail is not None:
                made.add_edge(head, tail, **edge_attributes(edge))
        return made
    nodes = _Nodes()
    for edge in graph:
        head, tail = nodes.ends(edge)
        if tail is not None:
            made.add_edge(head, tail, **edge_attributes(edge))
    ordered: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    ordered.add_nodes_from((node.id, node_attributes(node)) for node in nodes.known())
    ordered.add_edges_from(made.edges(data=True))
    return ordered


def node_attributes(node: Node) -> dict[str, Any]:
    """What a graph program is told of a node."""
    about: dict[str, Any] = {"label": node.name, "kind": "entity" if node.event is None else "event",
                             "mentions": node.mentions}
    if node.type is not None:
        about["type"] = node.type
    if node.aliases:
        about["aliases"] = list(node.aliases)
    if node.event is not None:
        about["event"] = node.event
    return about


def edge_attributes(edge: Edge) -> dict[str, Any]:
    """What a graph program is told of an edge, besides its ends."""
    about: dict[str, Any] = msgspec.to_builtins(edge)
    for known in _OF_NODES:
        about.pop(known, None)
    return about


class _Nodes:
    """The nodes that edges name: equal by name and type, events by their id."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str | None, ...], str] = {}
        self._places: dict[str, set[tuple[str | None, str, int | None]]] = {}
        self._aliases: dict[str, dict[str, None]] = {}

    def ends(self, edge: Edge) -> tuple[str, str | None]:
        """The nodes of an edge; a statement that its head is of a type has no tail."""
        key = ("entity", edge.head_type, edge.head) if edge.event is None else (
            "event", edge.head_type, edge.head, edge.event)
        head = self._node(key, edge, edge.head_start, edge.head_mention)
        if edge.kind == "type":
            return head, None
        return head, self._node(("entity", edge.tail_type, edge.tail), edge, edge.tail_start, edge.tail_mention)

    def _node(self, key: tuple[str | None, ...], edge: Edge, start: int | None, mention: str | None) -> str:
        found = self._ids.setdefault(key, f"n{len(self._ids) + 1}")
        self._places.setdefault(found, set()).add((edge.source, edge.document, start))
        if mention is not None and mention != key[2]:
            self._aliases.setdefault(found, {})[mention] = None
        return found

    def known(self) -> Iterable[Node]:
        """All of them, by first appearance."""
        for (_, type_, name, *event), found in self._ids.items():
            yield Node(found, name or "", type_, tuple(self._aliases.get(found, ())), len(self._places[found]),
                       event=event[0] if event else None)
