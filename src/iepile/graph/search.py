"""Looking into a graph without a query language: the facts of a thing, and how two things hang together.

    with Store("graph.db") as store:
        for edge in find(store, FindConfig(name="弗雷泽")):
            print(edge.head, edge.relation, edge.tail, edge.snippet)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.edge import Edge
from iepile.graph.store import Store

STEPS = 1_000_000
"""Most nodes that are looked at on the way from one to another."""


@dataclass
class InfoConfig:
    """What a graph holds: documents, facts, things, merges, checks, and the most frequent relations."""

    graph: str = ""
    """The graph: a store, another form, or predictions or documents."""


@dataclass
class FindConfig:
    """The facts of a graph that fit, each with the sentence it was read from."""

    graph: str = ""
    """The graph: a store, another form, or predictions or documents."""
    name: str = ""
    """Name of either end, or one that was merged into it; `*` stands for anything."""
    head: str = ""
    """Name of the head."""
    relation: str = ""
    """The relation or role."""
    tail: str = ""
    """Name of the tail."""
    type: str = ""
    """Type of either end."""
    document: str = ""
    """Id of the document."""
    source: str = ""
    """Collection that the document is of."""
    least_confidence: float = 0.0
    """Least confidence; facts without one are then left out."""
    limit: int = 20
    """Facts shown at most; 0: all."""


@dataclass
class PathConfig:
    """The shortest way from one thing to another, edge by edge, with the sentences."""

    graph: str = ""
    """The graph: a store, another form, or predictions or documents."""
    start: str = ""
    """Name of the thing to start from, or one that was merged into it."""
    end: str = ""
    """Name of the thing to come to."""
    most: int = 6
    """Most edges on the way."""


def find(store: Store, config: FindConfig) -> Iterator[Edge]:
    """The facts that fit all that is given, in the order they were read. Statements of types are no facts here.

    Raises:
        InputError: a limit below 0, or a confidence that is none.
    """
    if config.limit < 0:
        raise InputError(f"is {config.limit}", field="limit", expected="0 or more")
    if not 0 <= config.least_confidence <= 1:
        raise InputError(f"{config.least_confidence} is no probability", field="least_confidence", expected="0 to 1")
    conditions, values = ["kind != 'type'"], list[Any]()

    def fits(condition: str, value: Any, times: int = 1) -> None:
        conditions.append(condition)
        values.extend([value] * times)

    for end in ("head", "tail"):
        if name := getattr(config, end):
            fits(_named(end, name), _pattern(name))
    if config.name:
        fits(f"({_named('head', config.name)} OR {_named('tail', config.name)})", _pattern(config.name), 2)
    if config.type:
        fits("(head_type = ? OR tail_type = ?)", config.type, 2)
    for column in ("relation", "document", "source"):
        if value := getattr(config, column):
            fits(f"{column} = ?", value)
    if config.least_confidence:
        fits("confidence >= ?", config.least_confidence)
    return islice(store.edges(" AND ".join(conditions), values), config.limit or None)


def _named(end: str, name: str) -> str:
    """A node answers to the names of all that was merged into it."""
    same = r"LIKE ? ESCAPE '\'" if "*" in name else "= ?"
    return f"{end}_node IN (SELECT n.same_as FROM node n WHERE n.name {same})"


def _pattern(name: str) -> str:
    if "*" not in name:
        return name
    for mark in "\\%_":
        name = name.replace(mark, f"\\{mark}")
    return name.replace("*", "%")


class Step(msgspec.Struct, frozen=True):
    """One edge of a way; `forwards`: from head to tail."""

    edge: Edge
    forwards: bool


def path(store: Store, config: PathConfig) -> list[Step]:
    """The shortest way between two things, edges taken in either direction; of equal ways the one read first.

    Raises:
        InputError: no thing of that name, no way of that length, or a length below 1.
    """
    if config.most < 1:
        raise InputError(f"is {config.most}", field="most", expected="1 or more")
    starts, ends = (_nodes(store, getattr(config, end), end) for end in ("start", "end"))
    came: dict[int, tuple[int, int, bool] | None] = dict.fromkeys(starts)
    todo, found = starts, next((n for n in starts if n in ends), None)
    for _ in range(config.most):
        if found is not None or not todo or len(came) > STEPS:
            break
        after: list[int] = []
        for node in todo:
            for edge, other, forwards in _around(store, node):
                if other not in came:
                    came[other] = (node, edge, forwards)
                    after.append(other)
        found = next((n for n in after if n in ends), None)
        todo = after
    if found is None:
        raise InputError(f"no way from {config.start!r} to {config.end!r} in {config.most} edges", field="most",
                         fix="allow more edges, if they are joined at all")
    steps: list[Step] = []
    while (before := came[found]) is not None:
        found, edge, forwards = before
        steps.append(Step(next(store.edges("id = ?", (edge,))), forwards))
    return steps[::-1]


def _nodes(store: Store, name: str, field: str) -> list[int]:
    if not name:
        raise InputError("not given", field=field, fix=f"give --{field}")
    found = [n for (n,) in store.rows("SELECT DISTINCT same_as FROM node WHERE name = ? ORDER BY 1", (name,))]
    if not found:
        raise InputError(f"nothing is named {name!r}", field=field, fix="look for it: iepile kg find --name '*part*'")
    return found


def _around(store: Store, node: int) -> Iterator[tuple[int, int, bool]]:
    """(edge, node at its other end, whether it leads there) for the edges that a node has."""
    found = []
    for one, other in (("head", "tail"), ("tail", "head")):
        found += [(edge, to, one == "head") for edge, to in store.rows(f"""
            SELECT e.id, t.same_as FROM node m JOIN edge e ON e.{one} = m.id JOIN node t ON t.id = e.{other}
            WHERE m.same_as = ? AND NOT EXISTS (SELECT 1 FROM violation v WHERE v.edge = e.id AND v.action = 'prune')
            """, (node,))]
    return iter(sorted(found))
