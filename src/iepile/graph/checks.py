"""Edges against the schema: the types that a relation joins, how many tails and heads, and what follows from an edge.

    checks = Checks(Schema.read("schema.yaml"), prune=("domain", "range"))
    for v in checks.check(read_edges("graph.jsonl")):
        print(v.rule, v.reason, v.action)

Types are checked edge by edge; only edges of relations with a limit, or that are symmetric, transitive or have an
inverse, are held in memory. Two edges have one end where name and type are equal, as in the written graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Literal

import msgspec

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.schema import RelationType, Schema
from iepile.tasks.matching import normal_form

RULES = ("domain", "range", "pair", "at_most", "at_most_heads", "symmetric", "inverse", "transitive")
"""Names of the rules, as in the schema; `pair`: both types may be joined, but not to each other."""
MOST = 10_000
"""Most triples that one transitive relation is found to lack."""
STEPS = 1_000_000
"""Most steps along the edges of one transitive relation."""

End = tuple[str, str | None]


class Violation(msgspec.Struct, frozen=True):
    """What is wrong with one edge."""

    edge: Edge
    number: int
    """Which edge of the input, from 0."""
    rule: str
    reason: str
    action: Literal["flag", "prune"]
    missing: tuple[str, str, str] | None = None
    """The triple that follows from the edge and is not there; such an edge is never pruned."""


class Checks:
    """The rules of a schema.

    Args:
        schema: relations with domain, range, `at_most`, `at_most_heads`, `symmetric`, `transitive`, `inverse`.
        prune: rules whose violations take the edge out of the graph; those of the others are only told.

    Raises:
        InputError: a rule that does not exist, a relation with two inverses, or a symmetric one with an inverse.
    """

    def __init__(self, schema: Schema, prune: Collection[str] = ()) -> None:
        for rule in prune:
            if rule not in RULES:
                raise InputError(f"no rule {rule!r}", field="prune", expected=", ".join(RULES))
        self.prune = frozenset(prune)
        self.relations = {r.name: r for r in schema.relations}
        self.inverses = _inverses(schema)
        self.counts: Counter[str] = Counter()
        """Violations by rule."""
        self.edges = 0
        self.cut: list[str] = []
        """Transitive relations of which not all could be followed."""

    def check(self, edges: Iterable[Edge]) -> Iterator[Violation]:
        """The violations; those of single edges as they come, then those of several."""
        self.counts.clear()
        self.cut, self.edges = [], 0
        held: dict[str, list[tuple[int, Edge]]] = {}
        for number, edge in enumerate(edges):
            self.edges += 1
            if edge.kind != "relation":
                continue
            relation = self.relations.get(edge.relation)
            if relation is not None and (found := _types(relation, edge)):
                yield self._note(number, edge, *found)
                if found[0] in self.prune:
                    continue  # what is taken out speaks neither for nor against others
            if edge.relation in self.inverses or (relation is not None and (
                    relation.at_most or relation.at_most_heads or relation.symmetric or relation.transitive)):
                held.setdefault(edge.relation, []).append((number, edge))
        for name, of in held.items():
            relation = self.relations.get(name, RelationType(name))
            for rule, most in (("at_most", relation.at_most), ("at_most_heads", relation.at_most_heads)):
                gone: set[int] = set()
                for violation in self._limit(of, rule, most) if most else ():
                    yield violation
                    if violation.action == "prune":
                        gone.add(violation.number)
                if gone:
                    of[:] = (x for x in of if x[0] not in gone)
        for name, of in held.items():
            relation = self.relations.get(name, RelationType(name))
            if relation.symmetric:
                yield from self._symmetric(of)
            if name in self.inverses:
                yield from self._inverse(of, held.get(self.inverses[name], []))
            if relation.transitive:
                yield from self._transitive(of, relation)

    def _note(self, number: int, edge: Edge, rule: str, reason: str, missing: tuple[str, str, str] | None = None
              ) -> Violation:
        self.counts[rule] += 1
        prune = rule in self.prune and missing is None
        return Violation(edge, number, rule, reason, "prune" if prune else "flag", missing)

    def _limit(self, of: list[tuple[int, Edge]], rule: str, most: int) -> Iterator[Violation]:
        """Ends beyond the best `most`: the surest stay, then those in the text, the most stated, the first."""
        tails = rule == "at_most"
        groups: dict[End, dict[str, list[tuple[int, Edge]]]] = {}
        for number, edge in of:
            one, many = (_head(edge), edge.tail) if tails else (_tail(edge), edge.head)
            groups.setdefault(one, {}).setdefault(normal_form(many), []).append((number, edge))
        for (name, _), ends in groups.items():
            if len(ends) <= most:
                continue
            ranked = sorted(ends.values(), key=lambda g: (
                -max(e.confidence or 0.0 for _, e in g), all(e.ungrounded for _, e in g), -len(g), g[0][0]))
            best = ", ".join(g[0][1].tail if tails else g[0][1].head for g in ranked[:most])
            what = "tails of" if tails else "heads of"
            for number, edge in sorted((x for g in ranked[most:] for x in g), key=lambda x: x[0]):
                yield self._note(number, edge, rule, f"{len(ends)} {what} {name!r} by {edge.relation!r}, "
                                 f"{most} allowed: better ones are {best}")

    def _symmetric(self, of: list[tuple[int, Edge]]) -> Iterator[Violation]:
        stated = {(_head(e), _tail(e)) for _, e in of}
        for number, edge in _first_of_each(of):
            if (_tail(edge), _head(edge)) not in stated:
                missing = (edge.tail, edge.relation, edge.head)
                yield self._note(number, edge, "symmetric", f"{_said(missing)} follows and is not stated", missing)

    def _inverse(self, of: list[tuple[int, Edge]], others: list[tuple[int, Edge]]) -> Iterator[Violation]:
        stated: dict[tuple[End, End], float] = {}
        for _, e in others:
            key = (_head(e), _tail(e))
            stated[key] = max(stated.get(key, 0.0), e.confidence or 0.0)
        for number, edge in of:
            name = self.inverses[edge.relation]
            same, back = (_head(edge), _tail(edge)), (_tail(edge), _head(edge))
            # Of two directions that exclude each other the less sure one is wrong; of equals both are told.
            if same in stated and back not in stated and (edge.confidence or 0.0) <= stated[same]:
                yield self._note(number, edge, "inverse", f"{_said((edge.head, name, edge.tail))} is stated too, and "
                                 f"{name!r} is the inverse of {edge.relation!r}")
        for number, edge in _first_of_each(of):
            name = self.inverses[edge.relation]
            if (_tail(edge), _head(edge)) not in stated and (_head(edge), _tail(edge)) not in stated:
                missing = (edge.tail, name, edge.head)
                yield self._note(number, edge, "inverse", f"{_said(missing)} follows and is not stated", missing)

    def _transitive(self, of: list[tuple[int, Edge]], relation: RelationType) -> Iterator[Violation]:
        import networkx

        graph: networkx.DiGraph[End] = networkx.DiGraph()
        for number, edge in _first_of_each(of):
            graph.add_edge(_head(edge), _tail(edge), at=(number, edge))
        if not relation.symmetric:
            circles = {n: k for k, c in enumerate(networkx.strongly_connected_components(graph)) for n in c}
            for number, edge in of:
                if circles[_head(edge)] == circles[_tail(edge)]:
                    yield self._note(number, edge, "transitive", f"{edge.head!r} stands to itself by "
                                     f"{edge.relation!r}: the edge is part of a circle")
        steps = lacking = 0
        for start in list(graph):
            seen = {start, *graph[start]}
            todo: list[tuple[End, End]] = [(n, n) for n in graph[start]]
            for first, at in todo:
                for end in graph[at]:
                    steps += 1
                    if end in seen:
                        continue
                    if lacking >= MOST or steps > STEPS:
                        self.cut.append(relation.name)
                        return
                    seen.add(end)
                    todo.append((first, end))
                    lacking += 1
                    number, edge = graph.edges[start, first]["at"]
                    missing = (start[0], relation.name, end[0])
                    yield self._note(number, edge, "transitive",
                                     f"{_said(missing)} follows, by {first[0]!r} and {at[0]!r}, and is not stated"
                                     if first != at else f"{_said(missing)} follows, by {at[0]!r}, and is not stated",
                                     missing)


def _types(relation: RelationType, edge: Edge) -> tuple[str, str] | None:
    """The rule that the types of an edge break, and how; an end without type breaks none."""
    head, tail = edge.head_type, edge.tail_type
    if relation.domain and head is not None and head not in relation.domain:
        return "domain", f"the head {edge.head!r} is a {head}, not {' or '.join(relation.domain)}"
    if relation.range and tail is not None and tail not in relation.range:
        return "range", f"the tail {edge.tail!r} is a {tail}, not {' or '.join(relation.range)}"
    if relation.pairs and head is not None and tail is not None and (head, tail) not in relation.pairs:
        return "pair", f"{relation.name!r} does not join a {head} to a {tail}"
    return None


def _inverses(schema: Schema) -> dict[str, str]:
    out: dict[str, str] = {}
    for r in schema.relations:
        if not r.inverse:
            continue
        if r.symmetric and r.inverse != r.name:
            raise InputError(f"{r.name!r} is symmetric and has an inverse", field=f"relations.{r.name}.inverse",
                             fix="leave one of the two out")
        for one, other in ((r.name, r.inverse), (r.inverse, r.name)):
            if out.setdefault(one, other) != other:
                raise InputError(f"{one!r} has two inverses, {out[one]!r} and {other!r}",
                                 field=f"relations.{r.name}.inverse", expected="one")
    return out


def _first_of_each(of: list[tuple[int, Edge]]) -> Iterator[tuple[int, Edge]]:
    seen: set[tuple[End, End]] = set()
    for number, edge in of:
        key = (_head(edge), _tail(edge))
        if key not in seen:
            seen.add(key)
            yield number, edge


def _head(edge: Edge) -> End:
    return edge.head, edge.head_type


def _tail(edge: Edge) -> End:
    return edge.tail, edge.tail_type


def _said(triple: tuple[str, str, str]) -> str:
    return f"({', '.join(triple)})"
