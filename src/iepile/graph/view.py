"""A graph as a page one can open anywhere: search, filters, and the sentences that every edge was read from.

    from iepile.graph.view import ViewConfig, view
    view(ViewConfig(input_file="graph.jsonl", output_file="graph.html"))

One HTML file, in Chinese and English, that fetches nothing. The nodes' places are worked out here (layout.py), so that
the page opens at once. Equal names of one type are one node, as in export.py; every event is a node of its own.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.build import graph_of
from iepile.graph.edge import Edge
from iepile.jsonl import check_targets
from iepile.page import PAGES, write_page

LANGUAGES = ("zh", "en")
MOST_SENTENCES = 10
"""Places quoted for one fact, or one node; the page says how many more there are."""
MOST_NAMES = 50
"""Other names told of one node."""


@dataclass
class ViewConfig:
    """A graph as a page to look at: search, filters, and the sentences behind every edge."""

    input_file: str = ""
    """A graph that `iepile kg` wrote; or predictions or documents, of which it is made first."""
    output_file: str = ""
    """The page, `.html`."""
    nodes: int = 5000
    """Nodes shown at most: those with most neighbours."""
    language: str = "en"
    """`zh` or `en`: the language the page opens in."""
    seed: int = 0
    """Of the layout."""
    model: str = ""
    """Name of the model, noted on the edges of predictions."""


class ViewSummary(msgspec.Struct):
    """What a page shows, of how much."""

    output_file: str
    nodes: int
    nodes_in_all: int
    facts: int
    """Different relations and roles between the nodes shown."""
    facts_in_all: int
    """Between all nodes."""
    edges: int
    """Edges read; those that state one fact are one fact."""
    documents: int


Node = tuple[str | None, ...]
"""What makes a node: `("event", id)`, or `("entity", type, name)`."""


@dataclass
class _Graph:
    """All nodes and facts, counted, without their sentences."""

    ids: dict[Node, int] = field(default_factory=dict)
    lines: set[tuple[int, int]] = field(default_factory=set)
    """Pairs of nodes with a fact between them, the smaller number first."""
    facts: set[tuple[int, int, str]] = field(default_factory=set)
    documents: set[tuple[str | None, str]] = field(default_factory=set)
    edges: int = 0

    def add(self, edge: Edge) -> None:
        self.edges += 1
        self.documents.add((edge.source, edge.document))
        head = self.ids.setdefault(_head(edge), len(self.ids))
        if edge.kind == "type":
            return
        tail = self.ids.setdefault(_tail(edge), len(self.ids))
        self.facts.add((head, tail, edge.relation))
        if head != tail:
            self.lines.add((min(head, tail), max(head, tail)))

    def best(self, most: int) -> list[int]:
        """The nodes with most neighbours, those named first before others."""
        degrees = [0] * len(self.ids)
        for line in self.lines:
            for end in line:
                degrees[end] += 1
        return sorted(range(len(self.ids)), key=lambda n: -degrees[n])[:most]


def _head(edge: Edge) -> Node:
    return ("event", edge.event) if edge.event else ("entity", edge.head_type, edge.head)


def _tail(edge: Edge) -> Node:
    return ("entity", edge.tail_type, edge.tail)


def view(config: ViewConfig) -> ViewSummary:
    """Write the page; see `ViewConfig`.

    Raises:
        InputError: a setting that cannot be, or a row that is neither an edge nor a prediction nor a document.
        MissingDependency: Jinja is not installed.
    """
    for name in ("input_file", "output_file"):
        if not getattr(config, name):
            raise InputError("not given", field=name, fix=f"give --{name}")
    if config.nodes < 1:
        raise InputError(f"is {config.nodes}", field="nodes", expected="1 or more")
    if config.seed < 0:
        raise InputError(f"is {config.seed}", field="seed", expected="0 or more")
    if config.language not in LANGUAGES:
        raise InputError(f"is {config.language!r}", field="language", expected=" or ".join(LANGUAGES))
    check_targets([config.output_file], [config.input_file])
    data, summary = view_data(config)
    write_page(config.output_file, "graph.html", data, title=data["file"], language=config.language)
    return summary


def view_data(config: ViewConfig) -> tuple[dict[str, Any], ViewSummary]:
    """Everything the page shows, as plain data. The input is read twice: once to choose nodes, once to quote."""
    from iepile.graph.layout import layout

    graph = _Graph()
    with graph_of(config.input_file, config.model) as store:
        for edge in store.edges():
            graph.add(edge)
        chosen = {n: at for at, n in enumerate(graph.best(config.nodes))}
        shown = _Shown({key: chosen[n] for key, n in graph.ids.items() if n in chosen})
        for edge in store.edges():
            shown.add(edge)
    lines = sorted((chosen[a], chosen[b]) for a, b in graph.lines if a in chosen and b in chosen)
    places = layout(len(chosen), lines, config.seed)
    for row, place in zip(shown.nodes, places.round().tolist(), strict=True):
        row += map(int, place)
    summary = ViewSummary(config.output_file, len(chosen), len(graph.ids), len(shown.facts), len(graph.facts),
                          graph.edges, len(graph.documents))
    return {
        "file": Path(config.input_file).name, "language": config.language, **msgspec.to_builtins(summary),
        "nodes_shown": summary.nodes, "nodes": shown.nodes, "facts": list(shown.facts.values()),
        "snippets": list(shown.snippets),
        "words": tomllib.loads((PAGES / "graph_words.toml").read_text("utf-8")),
    }, summary


class _Shown:
    """The nodes and facts that are shown, each with some of the places it was read from.

    A node is [name, type or None, 1 if an event, places in all, [place], [other name]] and, later, x and y; a fact is
    [head, tail, relation, places in all, places not in the text, highest confidence or None, [place]]; a place is
    [snippet or -1, its first character, head start and end, tail start and end, document, source, model, confidence,
    1 if not in the text, page and paragraph in words]. Characters are code points of the document.
    """

    def __init__(self, ids: dict[Node, int]) -> None:
        self.ids = ids
        self.nodes: list[list[Any]] = [[] for _ in ids]
        self.facts: dict[tuple[int, int, str], list[Any]] = {}
        self.snippets: dict[str, int] = {}

    def add(self, edge: Edge) -> None:
        head = self.ids.get(_head(edge))
        if head is not None and not self.nodes[head]:
            self.nodes[head] += [edge.head, edge.head_type, int(bool(edge.event)), 0, [], []]
        self._also(head, edge.head_mention)
        if edge.kind == "type":
            if head is not None:
                node = self.nodes[head]
                node[1] = node[1] if node[1] is not None else edge.tail
                node[3] += 1
                self._quote(node[4], edge)
            return
        tail = self.ids.get(_tail(edge))
        if tail is not None and not self.nodes[tail]:
            self.nodes[tail] += [edge.tail, edge.tail_type, 0, 0, [], []]
        self._also(tail, edge.tail_mention)
        if head is None or tail is None:
            return
        fact = self.facts.setdefault((head, tail, edge.relation), [head, tail, edge.relation, 0, 0, None, []])
        fact[3] += 1
        fact[4] += edge.ungrounded
        if edge.confidence is not None:
            fact[5] = round(edge.confidence if fact[5] is None else max(fact[5], edge.confidence), 4)
        self._quote(fact[6], edge)

    def _also(self, node: int | None, name: str | None) -> None:
        """The node was merged with one of this name."""
        if node is not None and name is not None and name not in (names := self.nodes[node][5]) \
                and len(names) < MOST_NAMES:
            names.append(name)

    def _quote(self, places: list[Any], edge: Edge) -> None:
        if len(places) >= MOST_SENTENCES:
            return
        snippet = -1 if edge.snippet is None else self.snippets.setdefault(edge.snippet, len(self.snippets))
        tail = (edge.tail_start, edge.tail_end) if edge.kind != "type" else (None, None)
        places.append([snippet, edge.snippet_start, edge.head_start, edge.head_end, *tail, edge.document, edge.source,
                       edge.model, None if edge.confidence is None else round(edge.confidence, 4),
                       int(edge.ungrounded), edge.place])
