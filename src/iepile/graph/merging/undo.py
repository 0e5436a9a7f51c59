"""Carrying merges out, and taking any of them back: the log holds each node that went and the ends that were moved.

    nodes, links, log = apply(nodes, links, merge(nodes).merges)
    nodes, links, log = undo(nodes, links, log, ["n17"])   # or all of them: undo(nodes, links, log)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from iepile.errors import InputError
from iepile.graph.merging.merges import Merge
from iepile.graph.node import Node


class Link(msgspec.Struct, frozen=True):
    """An edge, as far as merging looks at it."""

    id: str
    head: str
    relation: str
    tail: str


class Gone(msgspec.Struct, frozen=True):
    """A merge that was carried out."""

    merge: Merge
    node: Node
    """The node as it was."""
    heads: tuple[str, ...] = ()
    """Ids of the edges whose head it was."""
    tails: tuple[str, ...] = ()


class MergeLog(msgspec.Struct, frozen=True):
    """All that is needed to take merges back; plain data, written with msgspec.json."""

    kept: Mapping[str, Node]
    """The nodes that others went into, as they were before."""
    gone: tuple[Gone, ...]


def neighbours_of(links: Iterable[Link]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Node id -> (relation, id of the other end), sorted; a relation that leads here has a < before it.

    Relations of `words.toml` that mean the same thing both ways keep their name.
    """
    from iepile.graph.merging.names import words

    out: dict[str, set[tuple[str, str]]] = {}
    alias = words().alias_relations
    for link in links:
        out.setdefault(link.head, set()).add((link.relation, link.tail))
        back = link.relation if link.relation.strip().casefold() in alias else f"<{link.relation}"
        out.setdefault(link.tail, set()).add((back, link.head))
    return {node: tuple(sorted(of)) for node, of in out.items()}


def apply(nodes: Iterable[Node], links: Iterable[Link], merges: Iterable[Merge]
          ) -> tuple[list[Node], list[Link], MergeLog]:
    """The graph with its merges carried out. Names of nodes that go become aliases; `neighbours` stay as they were.

    Raises:
        InputError: a merge of a node that is not there, that goes twice, or that another goes into.
    """
    nodes, links, merges = list(nodes), list(links), list(merges)
    by_id = {n.id: n for n in nodes}
    into = {m.gone: m.kept for m in merges}
    for m in merges:
        if m.gone not in by_id or m.kept not in by_id:
            raise InputError(f"no node {m.gone if m.gone not in by_id else m.kept!r}", field="merges")
    if len(into) < len(merges) or into.keys() & set(into.values()):
        raise InputError("a node goes twice, or goes and is kept", field="merges", expected="one merge a node",
                         fix="carry these out one after the other")
    heads: dict[str, list[str]] = {g: [] for g in into}
    tails: dict[str, list[str]] = {g: [] for g in into}
    for link in links:
        if link.head in into:
            heads[link.head].append(link.id)
        if link.tail in into:
            tails[link.tail].append(link.id)
    gone = tuple(Gone(m, by_id[m.gone], tuple(heads[m.gone]), tuple(tails[m.gone])) for m in merges)
    log = MergeLog({kept: by_id[kept] for kept in sorted(set(into.values()))}, gone)
    moved = [link if link.head not in into and link.tail not in into else
             Link(link.id, into.get(link.head, link.head), link.relation, into.get(link.tail, link.tail))
             for link in links]
    return _with(nodes, log, set(into)), moved, log


def undo(nodes: Iterable[Node], links: Iterable[Link], log: MergeLog, gone: Iterable[str] | None = None
         ) -> tuple[list[Node], list[Link], MergeLog]:
    """The graph with merges taken back, and what is left of the log. Nodes come in the order of their ids.

    Args:
        nodes: as `apply` left them; nodes and edges may have been added since.
        links: the edges; those that were removed since do not come back.
        log: what `apply` gave.
        gone: ids of the nodes to bring back; all of them if not given.

    Raises:
        InputError: a node that did not go.
    """
    back = {g.merge.gone for g in log.gone} if gone is None else set(gone)
    if missing := back - {g.merge.gone for g in log.gone}:
        raise InputError(f"node {min(missing)!r} was not merged", field="gone")
    returning = [g for g in log.gone if g.merge.gone in back]
    heads = {e: g.merge.gone for g in returning for e in g.heads}
    tails = {e: g.merge.gone for g in returning for e in g.tails}
    moved = [link if link.id not in heads and link.id not in tails else
             Link(link.id, heads.get(link.id, link.head), link.relation, tails.get(link.id, link.tail))
             for link in links]
    left = tuple(g for g in log.gone if g.merge.gone not in back)
    affected = {g.merge.kept for g in returning}
    still = {g.merge.kept for g in left}
    rest = MergeLog({k: n for k, n in log.kept.items() if k in still}, left)
    restored = [log.kept[n.id] if n.id in affected else n for n in nodes] + [g.node for g in returning]
    # Of a node that keeps others, what those brought is put on again.
    again = MergeLog({k: n for k, n in rest.kept.items() if k in affected}, left)
    return sorted(_with(restored, again, set()), key=lambda n: n.id), moved, rest


def _with(nodes: list[Node], log: MergeLog, gone: set[str]) -> list[Node]:
    """The nodes without those that went; those that are kept know the names of what went into them."""
    brought: dict[str, list[Node]] = {}
    for g in log.gone:
        brought.setdefault(g.merge.kept, []).append(g.node)
    out = []
    for node in nodes:
        if node.id in gone:
            continue
        if node.id in log.kept:
            more = brought[node.id]
            names = dict.fromkeys((*node.aliases, *(a for m in more for a in (m.name, *m.aliases))))
            names.pop(node.name, None)
            type_ = node.type if node.type is not None else next((m.type for m in more if m.type is not None), None)
            node = msgspec.structs.replace(node, type=type_, aliases=tuple(names),
                                           mentions=node.mentions + sum(m.mentions for m in more))
        out.append(node)
    return out
