"""The property graph that ladybug and Neo4j hold: which nodes and relationships there are, and how they are keyed.

    with snapshot(store):
        for node in nodes(store): ...
        for relationship in relationships(store): ...

`(:Entity|:Event)-[:FACT]->(:Entity)` is a relation or the role of an event,
`(:Entity|:Event)-[:MENTIONED_IN]->(:Document)` says that a mention is of a type. Documents are nodes, because mentions
need an end and one asks which documents two things share; each relationship carries its whole trail as well, because it
cannot point to a node. Keys are made of what a thing is (name and type; the event's id; the document's id and source),
so they are the same in every store.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from iepile.graph.edge import Edge
from iepile.graph.store import Store

ENTITY, EVENT, DOCUMENT = "Entity", "Event", "Document"
LABELS = (ENTITY, EVENT, DOCUMENT)
FACT, MENTIONED_IN = "FACT", "MENTIONED_IN"
TRAIL = tuple(f for f in Edge.__struct_fields__ if f not in ("head", "tail", "head_type", "tail_type"))
"""What a relationship carries, by the names that edges have; MENTIONED_IN carries `type` too, FACT does not need it."""
NUMBERS = frozenset(f for f in TRAIL if f.endswith(("_start", "_end")))
"""Those of the trail that are integers."""
# No index of names but full text: others refuse a value of some thousand bytes, and with it the whole batch.
NEO4J_SCHEMA = (
    *(f"CREATE CONSTRAINT iepile_{label.lower()} IF NOT EXISTS FOR (n:{label}) REQUIRE n.key IS UNIQUE"
      for label in LABELS),
    "CREATE FULLTEXT INDEX iepile_names IF NOT EXISTS FOR (n:Entity|Event) ON EACH [n.name, n.aliases]",
)
"""What Neo4j must know before nodes are looked up by key."""
GRAPH = "iepile"
"""Name of a graph in Neo4j, where none is given."""
TYPE_LENGTH = 200
"""Longest relation, in code points, that becomes the type of a relationship."""
REMEMBERED = 500
"""Longest names, in characters, whose key is remembered: a service is sent names of any length."""
_COLUMNS = ", ".join(f"f.{name}" for name in Edge.__struct_fields__)
_UNGROUNDED = Edge.__struct_fields__.index("ungrounded")
_encode = msgspec.json.Encoder().encode


class GraphNode(msgspec.Struct, frozen=True):
    """A node with what it carries."""

    key: str
    label: str
    name: str
    """Of a document: its id."""
    type: str | None = None
    aliases: tuple[str, ...] = ()
    mentions: int | None = None
    """How many places name it."""
    event: str | None = None
    source: str | None = None
    """Of a document: the data set it is of."""


class Relationship(msgspec.Struct, frozen=True):
    """A relationship with its ends, (label, key)."""

    position: int
    """Its place among the edges of the store."""
    start: tuple[str, str]
    end: tuple[str, str]
    edge: Edge

    @property
    def key(self) -> str:
        """Of all that the edge says: the same statement has the same key in every store."""
        return _key(FACT, *msgspec.to_builtins(self.edge, builtin_types=()).items())

    @property
    def kind(self) -> str:
        """FACT or MENTIONED_IN."""
        return MENTIONED_IN if self.edge.kind == "type" else FACT

    def properties(self) -> dict[str, Any]:
        """Its trail, whole: what is not known is None; MENTIONED_IN has its `type` first."""
        about = {"type": self.edge.tail} if self.edge.kind == "type" else {}
        return about | {name: getattr(self.edge, name) for name in TRAIL}


@contextmanager
def snapshot(store: Store) -> Iterator[None]:
    """Nodes and relationships that are read inside are of one state of the store, whoever writes to it."""
    if store.db.in_transaction:
        yield
        return
    store.db.execute("BEGIN")
    try:
        yield
    finally:
        store.db.execute("ROLLBACK")


def nodes(store: Store) -> Iterator[GraphNode]:
    """Entities and events in the order they were first named, then documents."""
    for n in store.nodes():
        yield GraphNode(node_key(n.name, n.type, n.event), ENTITY if n.event is None else EVENT, n.name, n.type,
                        n.aliases, n.mentions, n.event)
    for name, source in store.rows("SELECT key, source FROM document ORDER BY id"):
        yield GraphNode(document_key(name, source), DOCUMENT, name, source=source)


def relationships(store: Store) -> Iterator[Relationship]:
    """One for each edge, in the order of the store."""
    sql = (f"SELECT {_COLUMNS}, h.event, t.event FROM fact f JOIN node h ON h.id = f.head_node "
           "LEFT JOIN node t ON t.id = f.tail_node ORDER BY f.id")
    for position, (*row, head_event, tail_event) in enumerate(store.rows(sql)):
        row[_UNGROUNDED] = bool(row[_UNGROUNDED])
        edge = Edge(**dict(zip(Edge.__struct_fields__, row, strict=True)))
        start = (ENTITY if head_event is None else EVENT, node_key(edge.head, edge.head_type, head_event))
        if edge.kind == "type":
            end = (DOCUMENT, document_key(edge.document, edge.source))
        else:
            end = (ENTITY if tail_event is None else EVENT, node_key(edge.tail, edge.tail_type, tail_event))
        yield Relationship(position, start, end, edge)


def edge_of(head: str, head_type: str | None, tail: str, tail_type: str | None, trail: dict[str, Any]) -> Edge:
    """The edge of a relationship, from its ends and its trail; of MENTIONED_IN the tail is the type it tells."""
    if trail["kind"] == "type":
        return Edge(head=head, head_type=head_type, tail=trail.pop("type"), **trail)
    trail.pop("type", None)
    return Edge(head=head, head_type=head_type, tail=tail, tail_type=tail_type, **trail)


def node_key(name: str, type: str | None, event: str | None) -> str:
    """Key of an entity by name and type, of an event by its id."""
    short = len(name) + len(type or "") + len(event or "") <= REMEMBERED
    return (_known_key if short else _node_key)(name, type, event)


def _node_key(name: str, type: str | None, event: str | None) -> str:
    return _key(EVENT, event) if event is not None else _key(ENTITY, name, type)


_known_key = lru_cache(100_000)(_node_key)


def document_key(name: str, source: str | None) -> str:
    """Key of a document."""
    return (_known_document if len(name) + len(source or "") <= REMEMBERED else _document_key)(name, source)


def _document_key(name: str, source: str | None) -> str:
    return _key(DOCUMENT, name, source)


_known_document = lru_cache(10_000)(_document_key)


def _key(*parts: Any) -> str:
    # A hash, since databases limit how long an indexed text may be, and names are as long as they like.
    return sha256(_encode(parts)).hexdigest()[:32]


def type_of(relation: str) -> str:
    """The type that a relationship of Neo4j gets: the relation itself where that is a harmless name, else FACT.

    Not harmless: empty, longer than `TYPE_LENGTH`, with control signs, invisible marks or line breaks, which nobody
    could type in a query; with a backslash, because some servers resolve `\\u0060` before they read backticks.
    """
    if not 0 < len(relation) <= TYPE_LENGTH or "\\" in relation or relation != relation.strip():
        return FACT
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp") for c in relation):
        return FACT
    return relation


def quoted(name: str) -> str:
    """A name in Cypher, whatever is in it, as long as `type_of` let it through."""
    return "`" + name.replace("`", "``") + "`"
