"""`iepile kg merges`: which nodes of a graph stand under another name, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from iepile.errors import InputError
from iepile.graph.store import Store
from iepile.jsonl import check_targets, write_rows


@dataclass
class MergesConfig:
    """List merges with their reasons, the least sure first; or the pairs that somebody set apart."""

    graph: str = ""
    """The store, `.db`."""
    name: str = ""
    """Only of nodes whose name, or the name they stand under, holds this text."""
    rule: str = ""
    """Only those of one rule, such as `typing error` or `by hand`."""
    apart: bool = False
    """The pairs that were set apart instead."""
    limit: int = 50
    """Rows at most; 0: all."""
    output: str = ""
    """Write them, one a line (`.jsonl`), in place of printing."""


class MergeRow(msgspec.Struct, omit_defaults=True):
    """A node that stands under another name."""

    name: str
    into: str
    type: str | None = None
    into_type: str | None = None
    score: float | None = None
    rule: str = "apart"
    reason: str = ""

    @classmethod
    def all_of(cls, store: Store) -> Iterator[MergeRow]:
        """All merges, the least sure first."""
        sql = ("SELECT g.name, k.name, g.type, k.type, m.score, m.rule, m.reason FROM merge m "
               "JOIN node g ON g.id = m.gone JOIN node k ON k.id = m.kept ORDER BY m.score, 1, 3, 2")
        return (cls(*row) for row in store.rows(sql))

    @classmethod
    def all_apart(cls, store: Store) -> Iterator[MergeRow]:
        """The pairs that were set apart."""
        sql = ("SELECT a.name, b.name, a.type, b.type FROM apart JOIN node a ON a.id = one "
               "JOIN node b ON b.id = other ORDER BY 1, 3, 2")
        return (cls(*row) for row in store.rows(sql))


class MergesSummary(msgspec.Struct):
    """What was listed."""

    graph: str
    merges: int
    """That fit what was asked."""
    rows: list[MergeRow]
    """The first of them; with `output` none."""


def merges(config: MergesConfig) -> MergesSummary:
    """List merges; see `MergesConfig`.

    Raises:
        InputError: no such graph, or a limit below 0.
    """
    if not config.graph:
        raise InputError("not given", field="graph", fix="name the graph")
    if config.limit < 0:
        raise InputError(f"limit is {config.limit}", field="limit", expected="0 or more")
    if config.output:
        check_targets([config.output], [config.graph])
    with Store(config.graph) as store:
        found = [m for m in (MergeRow.all_apart if config.apart else MergeRow.all_of)(store)
                 if config.rule in ("", m.rule) and (config.name in m.name or config.name in m.into)]
    if config.output:
        write_rows(config.output, map(msgspec.to_builtins, found[: config.limit or None]))
        return MergesSummary(config.graph, len(found), [])
    return MergesSummary(config.graph, len(found), found[: config.limit or None])
