"""GraphML for networkx, Gephi, Cytoscape and the like.

Equal names of one type are one node, wherever they were read; each edge keeps its own trail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from iepile.graph.edge import Edge
from iepile.graph.forms.form import Form
from iepile.graph.store import Store
from iepile.jsonl import atomic_writer

if TYPE_CHECKING:
    import networkx

_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_networkx(edges: Iterable[Edge]) -> networkx.MultiDiGraph[str]:
    """The edges as a graph.

    Nodes carry `label`, `kind` (`entity` or `event`), `type` where it is known, and `mentions`, how many
    places name them; `type` edges become such an attribute. Edges carry what `Edge` has. Nodes are
    numbered by first appearance.
    """
    import networkx

    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    ids: dict[tuple[str | None, ...], str] = {}
    places: dict[str, set[tuple[str | None, str, int | None]]] = {}

    def node(name: str, type_: str | None, event: str | None, edge: Edge, start: int | None) -> str:
        # Events are never merged by name: two sales are two events.
        key = ("event", event) if event else ("entity", type_, name)
        found = ids.get(key)
        if found is None:
            found = ids[key] = f"n{len(ids)}"
            about = {"type": type_} if type_ is not None else {}
            graph.add_node(found, label=name, kind=key[0], **about)
            places[found] = set()
        places[found].add((edge.source, edge.document, start))
        return found

    for edge in edges:
        head = node(edge.head, edge.head_type, edge.event, edge, edge.head_start)
        if edge.kind == "type":
            continue
        tail = node(edge.tail, edge.tail_type, None, edge, edge.tail_start)
        about = msgspec.to_builtins(edge)
        for known in ("head", "tail", "head_type", "tail_type", "event"):
            about.pop(known, None)
        graph.add_edge(head, tail, **about)
    for found, seen in places.items():
        graph.nodes[found]["mentions"] = len(seen)
    return graph


def write_graphml(edges: Iterable[Edge], path: str | Path) -> int:
    """Write the graph as GraphML. Returns the number of nodes.

    XML cannot hold control characters: they become their pictures (U+2400 and on), and what is no
    character at all becomes U+FFFD.
    """
    import networkx

    graph = to_networkx(edges)
    for _, about in graph.nodes(data=True):
        _make_xml(about)
    for _, _, about in graph.edges(data=True):
        _make_xml(about)
    with atomic_writer(path) as f:
        networkx.write_graphml(graph, f)
    return graph.number_of_nodes()


def _make_xml(about: dict[str, Any]) -> None:
    for key, value in about.items():
        if isinstance(value, str):
            about[key] = _NO_XML.sub(_picture, value)


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def _write(store: Store, path: Path) -> int:
    write_graphml(store.edges(), path)
    return store.one("SELECT count(*) FROM fact")


FORM = Form("graphml", "for Gephi, Cytoscape, yEd, networkx", (".graphml", ".xml"), _write, None)
