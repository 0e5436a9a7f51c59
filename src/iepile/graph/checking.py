"""`iepile kg check`: hold the edges of a graph against a schema; what breaks a rule is told, or taken out.

    from iepile.graph.checking import CheckConfig, check_graph
    print(check_graph(CheckConfig("graph.db", "schema.yaml", prune="domain,range")).rules)

Violations lie over the facts: a pruned edge stays in the file, and comes back when a check does not prune.
Merged names count as one thing, and edges that an earlier check pruned are looked at like all others.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.checks import Checks, Violation
from iepile.graph.edge import Edge
from iepile.graph.store import ENDINGS, Store
from iepile.jsonl import check_targets, write_rows
from iepile.schema import Schema


@dataclass
class CheckConfig:
    """Check a graph against a schema: types, limits, symmetric, inverse and transitive relations."""

    graph: str = ""
    """The store, `.db`; of a graph in another form only a report is written."""
    schema_path: str = ""
    """Schema with the rules: relations with `domain`, `range`, `pairs`, `at_most`, `at_most_heads`, `symmetric`,
    `inverse`, `transitive`."""
    prune: str = ""
    """Rules, by commas, whose violations take the edge out of the graph; those of the others are only told: domain,
    range, pair, at_most, at_most_heads, inverse, transitive."""
    clear: bool = False
    """Forget all violations instead: pruned edges come back."""
    output: str = ""
    """Write every violation with its edge and the sentence it was read from (`.jsonl`)."""


class CheckSummary(msgspec.Struct):
    """What was found."""

    graph: str
    edges: int = 0
    """Relations between two nodes."""
    unknown: int = 0
    """Of these, of relations that the schema does not have."""
    violations: int = 0
    rules: dict[str, int] = {}
    """Violations by rule."""
    missing: int = 0
    """Of the violations, triples that follow and are not stated."""
    pruned: int = 0
    """Edges that are out of the graph now."""
    flagged: int = 0
    """Edges told of and left."""
    examples: list[str] = []
    """The first violation of each rule."""
    cut: list[str] = []
    """Transitive relations with so many triples that not all that follows was looked for."""


def check_graph(config: CheckConfig) -> CheckSummary:
    """Check a graph; see `CheckConfig`. Earlier violations are replaced.

    Raises:
        InputError: no such graph or schema, a rule that does not exist, or rules that contradict each other.
    """
    from iepile.graph.build import graph_of

    for name in ("graph",) if config.clear else ("graph", "schema_path"):
        if not getattr(config, name):
            raise InputError("not given", field=name, fix=f"give --{name}")
    stored = Path(config.graph).suffix.lower() in ENDINGS
    if config.clear and not stored:
        raise InputError("only a store keeps violations", file=config.graph, field="clear", expected="a .db")
    if config.output:
        check_targets([config.output], [config.graph, config.schema_path])
    checks = None
    if not config.clear:
        prune = [rule for part in config.prune.split(",") if (rule := part.strip())]
        checks = Checks(Schema.read(config.schema_path), prune)
    with Store(config.graph, write=True, must_exist=True) if stored else graph_of(config.graph) as store:
        store.db.execute("BEGIN IMMEDIATE")
        summary = CheckSummary(config.graph, rules={}, examples=[], cut=[])
        store.db.execute("DELETE FROM violation")
        if checks is not None:
            _check(store, checks, summary)
        if config.output:
            write_rows(config.output, _report(store))
        store.db.execute("COMMIT")
    return summary


def _check(store: Store, checks: Checks, summary: CheckSummary) -> None:
    ids = array("q")

    def edges() -> Iterator[Edge]:
        for id_, edge in _edges(store):
            ids.append(id_)
            summary.unknown += edge.relation not in checks.relations
            yield edge

    def noted(violations: Iterator[Violation]) -> Iterator[tuple[Any, ...]]:
        for v in violations:
            if checks.counts[v.rule] == 1:
                summary.examples.append(f"{v.rule}: {v.reason}")
            yield ids[v.number], v.rule, v.reason, v.action, *(v.missing or (None, None, None))

    store.db.executemany("INSERT INTO violation (edge, rule, reason, action, missing_head, missing_relation, "
                         "missing_tail) VALUES (?, ?, ?, ?, ?, ?, ?)", noted(checks.check(edges())))
    summary.edges, summary.cut = checks.edges, checks.cut
    summary.rules = dict(sorted(checks.counts.items(), key=lambda x: (-x[1], x[0])))
    summary.violations = checks.counts.total()
    summary.missing = store.one("SELECT count(*) FROM violation WHERE missing_head IS NOT NULL")
    summary.pruned, summary.flagged = (
        store.one("SELECT count(DISTINCT edge) FROM violation WHERE action = ?", (a,)) for a in ("prune", "flag"))


def _edges(store: Store) -> Iterator[tuple[int, Edge]]:
    """Relations under merged names, those pruned too, with no more than the rules look at. Names are held once."""
    nodes = {id_: (name, type_) for id_, name, type_ in store.rows(
        "SELECT id, name, type FROM node WHERE id IN (SELECT same_as FROM node)")}
    relations = dict(store.rows("SELECT id, text FROM word WHERE id IN (SELECT relation FROM edge)"))
    sql = ("SELECT e.id, h.same_as, e.relation, t.same_as, e.ungrounded, e.confidence FROM edge e "
           "JOIN node h ON h.id = e.head JOIN node t ON t.id = e.tail WHERE e.kind = 'relation' ORDER BY e.id")
    for id_, head, relation, tail, ungrounded, confidence in store.rows(sql):
        (name, head_type), (other, tail_type) = nodes[head], nodes[tail]
        yield id_, Edge(head=name, relation=relations[relation], tail=other, kind="relation", head_type=head_type,
                        tail_type=tail_type, ungrounded=bool(ungrounded), confidence=confidence, document="")


def _report(store: Store) -> Iterator[dict[str, Any]]:
    columns = ("rule", "action", "reason", "head", "head_type", "relation", "tail", "tail_type", "document", "source",
               "snippet", "missing_head", "missing_relation", "missing_tail")
    sql = ("SELECT v.rule, v.action, v.reason, h.name, h.type, r.text, t.name, t.type, d.key, d.source, s.text, "
           "v.missing_head, v.missing_relation, v.missing_tail FROM violation v JOIN edge e ON e.id = v.edge "
           "JOIN node hm ON hm.id = e.head JOIN node h ON h.id = hm.same_as JOIN word r ON r.id = e.relation "
           "JOIN node tm ON tm.id = e.tail JOIN node t ON t.id = tm.same_as JOIN part p ON p.id = e.part "
           "JOIN document d ON d.id = p.document LEFT JOIN quotation s ON s.id = e.quotation ORDER BY v.id")
    for row in store.rows(sql):
        yield {name: value for name, value in zip(columns, row, strict=True) if value is not None}
