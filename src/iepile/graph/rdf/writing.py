"""From a store to RDF: first the nodes, then the edges in order, each a plain triple and a statement of its trail.

A statement is an rdf:Statement (RDF reification), which every form of RDF can hold and every query engine reads. Its
IRI is a digest of the edge, so that equal edges have equal statements in whatever graph; what is stated twice gets -2.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from iepile.graph.edge import Edge
from iepile.graph.node import Node
from iepile.graph.rdf.vocabulary import BASE, Vocabulary, prefixes, pyoxigraph
from iepile.graph.store import Store
from iepile.jsonl import atomic_writer

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

Parts = tuple[Any, Any, Any, Any]
"""Subject, predicate, object, and the document that states it; None: no single one does."""
GRAPHS = ("N-Quads",)
"""Forms in which what a document states is a graph of its own, named by the document."""


def write_rdf(store: Store, path: str | Path, form: str, base: str = BASE) -> int:
    """Write the graph, whole or not at all. Returns the number of edges.

    Args:
        store: the graph.
        path: the file; `.gz` and `.zst` compress it.
        form: name of a form of pyoxigraph: `Turtle`, `N-Triples`, `N-Quads`, `JSON-LD`.
        base: IRI that those of the graph begin with.

    Raises:
        InputError: the file cannot be written, or no IRI can begin so.
        MissingDependency: pyoxigraph is not installed.
    """
    rdf = pyoxigraph()
    telling = Telling(base)
    default = rdf.DefaultGraph()
    items: Iterator[Any] = (
        (rdf.Quad(s, p, o, g or default) for s, p, o, g in telling.graph(store)) if form in GRAPHS else
        (rdf.Triple(s, p, o) for s, p, o, _ in telling.graph(store)))
    with atomic_writer(path) as f:
        rdf.serialize(items, f, form_of(form), prefixes=prefixes(base))
    return telling.edges


def form_of(name: str) -> Any:
    """The form of pyoxigraph that has this name."""
    formats = pyoxigraph().RdfFormat
    return getattr(formats, name.upper().replace("-", "_"))


class Telling:
    """Tells graphs in triples.

    Args:
        base: IRI that those of the graph begin with.
    """

    def __init__(self, base: str = BASE) -> None:
        self.words = Vocabulary(base)
        self.edges = 0
        """How many were told."""
        self._told: set[tuple[str, ...]] = set()
        self._stated: set[bytes] = set()
        self._again: Counter[bytes] = Counter()

    def graph(self, store: Store) -> Iterator[Parts]:
        """All of a store."""
        for node in store.nodes():
            yield from self.node(node)
        for edge in store.edges():
            yield from self.edge(edge)

    def node(self, node: Node) -> Iterator[Parts]:
        """What is known of a node itself."""
        words, a = self.words, self.words.terms
        about = words.iri("ent", node.type, node.name) if node.event is None else words.iri(
            "event", *node.event.split(":"))
        if node.type is not None:
            yield from self.name("type", a.__dict__["class"], node.type)
        yield about, a.a, a.entity if node.event is None else a.event, None
        if node.type is not None:
            yield about, a.a, words.iri("type", node.type), None
            yield about, a.type_name, words.text(node.type), None
        yield about, a.label, words.text(node.name), None
        if node.event is not None:
            yield about, a.key, words.text(node.event), None
        for alias in node.aliases:
            yield about, a.alias, words.text(alias), None
        yield about, a.mentions, words.literal(node.mentions), None

    def name(self, section: str, of: NamedNode, *names: str) -> Iterator[Parts]:
        """A class, property or model with its name, the first time."""
        if (section, *names) not in self._told:
            self._told.add((section, *names))
            about = self.words.iri(section, *names)
            yield about, self.words.terms.a, of, None
            yield about, self.words.terms.label, self.words.text(names[-1]), None

    def document(self, key: str, source: str | None, document: NamedNode) -> Iterator[Parts]:
        """A document, the first time."""
        told = ("doc", key) if source is None else ("doc", source, key)
        if told not in self._told:
            self._told.add(told)
            a = self.words.terms
            yield document, a.a, a.source_text, document
            yield document, a.key, self.words.text(key), document
            if source is not None:
                yield document, a.source, self.words.text(source), document

    def edge(self, edge: Edge) -> Iterator[Parts]:
        """An edge: the plain triple, then the statement with the trail."""
        words, a = self.words, self.words.terms
        is_type = edge.kind == "type"
        section = "role" if edge.kind == "role" else "rel"
        document = words.iri("doc", edge.source, edge.document)
        yield from self.document(edge.document, edge.source, document)
        if is_type:
            yield from self.name("type", a.__dict__["class"], edge.tail)
        else:
            yield from self.name(section, a.property, edge.relation)
        if edge.model is not None:
            yield from self.name("model", a.agent, edge.model)
        head = words.iri("ent", edge.head_type, edge.head) if edge.event is None else words.iri(
            "event", *edge.event.split(":"))
        tail = words.iri("type", edge.tail) if is_type else words.iri("ent", edge.tail_type, edge.tail)
        relation = a.a if is_type else words.iri(section, edge.relation)
        yield head, relation, tail, document
        this = words.node(words.sections["stmt"] + self._statement(edge))
        yield this, a.a, a.statement, document
        yield this, a.subject, head, document
        yield this, a.predicate, relation, document
        yield this, a.object, tail, document
        yield this, a.document, document, document
        if edge.model is not None:
            yield this, a.model, words.iri("model", edge.model), document
        if is_type and edge.relation != "type":
            yield this, a.relation, words.text(edge.relation), document
        for field, property_ in words.fields.items():
            value = getattr(edge, field)
            if value is not None and value is not False:
                yield this, property_, words.value(value), document
        yield this, a.order, words.literal(self.edges), document
        self.edges += 1

    def _statement(self, edge: Edge) -> str:
        digest = digest_of(edge)
        short = digest[:12]
        if short not in self._stated:
            self._stated.add(short)
            return digest.hex()
        self._again[short] += 1
        return f"{digest.hex()}-{self._again[short] + 1}"


def digest_of(edge: Edge) -> bytes:
    """16 bytes of the SHA-256 of the edge."""
    try:
        text = msgspec.json.encode(edge)
    except UnicodeEncodeError:  # halves of surrogate pairs
        text = json.dumps(msgspec.to_builtins(edge)).encode()
    return sha256(text).digest()[:16]
