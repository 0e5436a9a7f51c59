"""What `iepile kg` prints: what was made, what a graph holds, facts with their sentences, answers to queries."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from iepile.cli import show
from iepile.cli.progress import progress
from iepile.errors import IepileError
from iepile.graph import merge_list, neo4j_push, querying, search
from iepile.graph.build import KgConfig, build, graph_of
from iepile.graph.edge import Edge
from iepile.graph.forms.form import STORE, forms
from iepile.graph.store import ENDINGS

SENTENCE = 60
"""Characters of a sentence in a table."""
ROWS = 100
"""Rows of a query's answer that are shown."""


def made(config: KgConfig) -> None:
    """Make a graph or add to one, and say what came of it."""
    with progress("kg") as tick:
        done = build(config, tick)
    show.summary(done)
    if done.malformed:
        raise IepileError(f"{done.malformed} rows of {config.input_file} are left out, the rest is in the graph\n"
                          f"  do:       mend them and give the same command again")


def pushed(config: neo4j_push.PushConfig) -> None:
    """Put a graph into Neo4j, and say what came of it."""
    with progress("push") as tick:
        show.summary(neo4j_push.push(config, tick))


def info(config: search.InfoConfig) -> None:
    """What a graph holds."""
    with graph_of(config.graph) as store:
        found = store.summary()
        found.file = config.graph  # not the one it was read into, where it is no store
        show.summary(found)


def find(config: search.FindConfig) -> None:
    """Facts that fit."""
    with graph_of(config.graph) as store:
        _edges(search.find(store, config))


def path(config: search.PathConfig) -> None:
    """The edges of a way, in its order."""
    with graph_of(config.graph) as store:
        steps = search.path(store, config)
    if show.as_json:
        show.summary(steps)
        return
    _edges((s.edge for s in steps), ["" if s.forwards else "<" for s in steps])


def query(config: querying.QueryConfig) -> None:
    """The answer to a query."""
    if config.output_file:
        show.summary(querying.keep(config))
        return
    with querying.asked(config) as answer:
        if show.as_json:
            for row in answer.rows:
                about = dict(zip(answer.columns, row, strict=True))
                sys.stdout.write(msgspec.json.encode(about, enc_hook=str).decode() + "\n")
            return
        rows = list(islice(answer.rows, ROWS + 1))
    show.table(answer.columns, ([_cell(value) for value in row] for row in rows[:ROWS]))
    if len(rows) > ROWS:
        print(f"the first {ROWS} rows; for all: --output_file FILE.csv or --json")


def merges(config: merge_list.MergesConfig) -> None:
    """Merges with their reasons."""
    done = merge_list.merges(config)
    if show.as_json:
        show.summary(done)
        return
    rows = [(m.name, m.into, m.type or m.into_type or "", _cell(m.score), m.rule, m.reason) for m in done.rows]
    if rows:
        show.table(("name", "into", "type", "sure", "rule", "reason"), rows)
    done.rows = []
    show.summary(done)


@dataclass
class FormsConfig:
    """List the forms that a graph is written in, and which of them are read back."""


def show_forms(config: FormsConfig) -> None:
    """The forms that a graph can be written in."""
    rows = [(STORE, list(ENDINGS), True, "the store: one SQLite file, added to, asked, looked at")]
    rows += [(name, list(f.endings), bool(f.read), f.about) for name, f in forms().items()]
    if show.as_json:
        show.summary([dict(zip(("form", "endings", "read_back", "about"), row, strict=True)) for row in rows])
        return
    show.table(("form", "endings", "read back", "what it is"),
               ((name, " ".join(endings) or "by --format", "yes" if back else "no", about)
                for name, endings, back, about in rows))


def _edges(edges: Iterable[Edge], marks: Sequence[str] = ()) -> None:
    found = list(edges)
    if show.as_json:
        show.summary(found)
        return
    if not found:
        print("nothing in the graph fits")
        return
    sure = any(e.confidence is not None for e in found)
    placed = any(e.place for e in found)
    rows = [[e.head, e.relation, e.tail, *([_cell(e.confidence)] if sure else []), e.document,
             *([_cell(e.place)] if placed else []), _sentence(e)] for e in found]
    if any(marks):
        rows = [[mark, *row] for mark, row in zip(marks, rows, strict=True)]
    show.table([*([""] if any(marks) else []), "head", "relation", "tail", *(["sure"] if sure else []), "document",
                *(["place"] if placed else []), "sentence"], rows)


def _sentence(edge: Edge) -> str:
    """The part of the quotation around the ends."""
    if edge.snippet is None or edge.snippet_start is None:
        return "not in the text" if edge.ungrounded else ""
    ends = [p - edge.snippet_start for p in (edge.head_start, edge.tail_start) if p is not None]
    start = max(0, min(ends, default=0) - SENTENCE // 4)
    shown = edge.snippet[start : start + SENTENCE]
    return f"{'…' if start else ''}{shown}{'…' if start + SENTENCE < len(edge.snippet) else ''}"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
