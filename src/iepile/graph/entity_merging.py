"""`iepile kg merge`: find the nodes of a graph that are one thing, or say of two that they are.

    from iepile.graph.entity_merging import MergeConfig, merge_graph
    print(merge_graph(MergeConfig("graph.db")).telling)

Merges lie over the facts (sameness.py). What was found before is found anew, from what was read and what somebody said;
so a second run changes nothing, and after documents came or went the merges are those of a graph made anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.graph.merge_list import MergeRow
from iepile.graph.node import Node
from iepile.graph.sameness import BY_HAND, STATED, chain, find_node, record, settle
from iepile.graph.store import Store
from iepile.jsonl import check_targets, write_rows

TELLING = 8
"""Merges that the summary shows."""


@dataclass
class MergeConfig:
    """Merge the nodes of a graph that are one thing; each merge has a reason and can be taken back."""

    graph: str = ""
    """The store, `.db`."""
    node: str = ""
    """Merge by hand: the name that goes. Nothing else is looked for."""
    into: str = ""
    """By hand: the name that stays."""
    type: str = ""
    """By hand: type of the node that goes, where several have the name; `-`: the one that has none."""
    into_type: str = ""
    """By hand: type of the node that stays, where several have the name."""
    at_least: float = 0.9
    """Least score of a merge, above 0 to 1."""
    margin: float = 0.03
    """How much better one whole name must fit a short form than the next best, or the short form stays alone."""
    embedding_model: str = ""
    """Folder of a model that sentence-transformers opens: names near in meaning with a common neighbour are merged."""
    dry_run: bool = False
    """Only tell what would be merged."""
    output: str = ""
    """Write all merges with their reasons, one a line (`.jsonl`)."""


class MergeSummary(msgspec.Struct):
    """What was merged."""

    graph: str
    nodes: int = 0
    """Entities looked at."""
    merges: int = 0
    """Nodes that now stand under another name."""
    new: int = 0
    """Of these, not so before."""
    taken_back: int = 0
    """Merges of before that are found no more."""
    rules: dict[str, int] = {}
    """Merges by the rule that found them."""
    kept_apart: int = 0
    """Pairs that somebody set apart."""
    ambiguous: int = 0
    """Short forms that fit two names as well, and names without a type that fit two types: they stay alone."""
    nameless: int = 0
    """Entities with a blank name: they stay alone."""
    telling: list[str] = []
    """The least sure merge of each rule, the least sure first."""
    changed: bool = False
    """Whether the graph was changed."""


def merge_graph(config: MergeConfig) -> MergeSummary:
    """Merge nodes; see `MergeConfig`.

    Raises:
        InputError: no such graph, node or model, a name that several nodes have, or a score that is none.
    """
    if not config.graph:
        raise InputError("not given", field="graph", fix="name the graph")
    if bool(config.node) != bool(config.into):
        raise InputError("not given", field="into" if config.node else "node", expected="both --node and --into")
    if config.output:
        check_targets([config.output], [config.graph])
    with Store(config.graph, write=True, must_exist=True) as store:
        store.db.execute("BEGIN IMMEDIATE")
        before = _rows(store)
        summary = MergeSummary(config.graph, rules={}, telling=[])
        if config.node:
            _by_hand(store, config)
            summary.nodes = store.one("SELECT count(*) FROM node WHERE event IS NULL")
        else:
            _find(store, config, summary)
        settle(store)
        after = _rows(store)
        _tell(store, after, before, summary)
        if config.output:
            write_rows(config.output, (msgspec.to_builtins(m) for m in MergeRow.all_of(store)))
        summary.changed = not config.dry_run and before != after
        store.db.execute("COMMIT" if summary.changed else "ROLLBACK")
    return summary


def _rows(store: Store) -> set[tuple[Any, ...]]:
    return set(store.rows("SELECT gone, kept, score, rule, reason FROM merge"))


def _find(store: Store, config: MergeConfig, summary: MergeSummary) -> None:
    from iepile.graph.merging.decision import MergingConfig, merge
    from iepile.graph.merging.embedding import embedding_of

    embed = embedding_of(config.embedding_model) if config.embedding_model else None
    store.db.execute(f"DELETE FROM merge WHERE rule NOT IN {STATED}")
    settle(store)
    nodes = []
    for node in nodes_of(store):
        summary.nodes += 1
        if node.name.strip():
            nodes.append(node)
    summary.nameless = summary.nodes - len(nodes)
    apart = [(f"n{one}", f"n{other}") for one, other in store.rows(
        "SELECT a.same_as, b.same_as FROM apart JOIN node a ON a.id = one JOIN node b ON b.id = other")]
    found = merge(nodes, MergingConfig(config.at_least, config.margin), embed, apart)
    summary.kept_apart, summary.ambiguous = len(apart), len(found.ambiguous)
    # What was merged by hand goes as a whole: the row leads from the end of its tree.
    record(store, ((chain(store, int(m.gone[1:]))[-1], int(m.kept[1:]), m.score, m.rule, m.reason)
                   for m in found.merges))


def nodes_of(store: Store) -> Iterator[Node]:
    """The entities with their neighbours; events are no neighbours, for two ends of one event are mostly two things."""
    from iepile.graph.merging.neighbours import neighbours_of

    around = neighbours_of(_links(store))
    for node in store.nodes():
        if node.event is None:
            aliases = tuple(a for a in node.aliases if a.strip())
            yield msgspec.structs.replace(node, aliases=aliases, neighbours=around.pop(node.id, ()))


def _links(store: Store) -> Iterable[tuple[str, str, str]]:
    """Of all that was read, also what checks took out: so merges do not hang on checks, which hang on merges."""
    ids: dict[int, str] = {}
    for head, relation, tail in store.rows(
            "SELECT DISTINCT h.same_as, r.text, t.same_as FROM edge e JOIN node h ON h.id = e.head "
            "JOIN node t ON t.id = e.tail JOIN word r ON r.id = e.relation WHERE h.event IS NULL AND t.event IS NULL"):
        yield ids.setdefault(head, f"n{head}"), relation, ids.setdefault(tail, f"n{tail}")


def _by_hand(store: Store, config: MergeConfig) -> None:
    gone = find_node(store, config.node, config.type, "node")
    kept = find_node(store, config.into, config.into_type, "into")
    if gone == kept:
        raise InputError("a node and itself", field="into", expected="two nodes", fix="give --type and --into_type")
    _lead_to(store, kept)
    if kept not in chain(store, gone):
        _lead_to(store, gone)
    store.db.execute("DELETE FROM merge WHERE gone = ?", (gone,))
    record(store, [(gone, kept, 1.0, BY_HAND, "somebody said so")])
    # Who says that two are one takes back what was said against it.
    together: dict[int, set[int]] = {}
    for a, b in store.rows(f"SELECT gone, kept FROM merge WHERE rule IN {STATED}"):
        together.setdefault(a, set()).add(b)
        together.setdefault(b, set()).add(a)
    group, todo = {gone}, [gone]
    for node in todo:
        more = together.get(node, set()) - group
        group |= more
        todo += more
    store.db.executemany("DELETE FROM apart WHERE one = ? AND other = ?", [
        pair for pair in store.rows("SELECT one, other FROM apart") if group.issuperset(pair)])


def _lead_to(store: Store, node: int) -> None:
    """Turn the rows on the way up from a node around, so that the tree ends in it. The evidence speaks both ways."""
    way = chain(store, node)
    rows: list[tuple[Any, ...]] = [store.db.execute("SELECT kept, gone, score, rule, reason FROM merge WHERE gone = ?",
                                                    (n,)).fetchone() for n in way[:-1]]
    store.db.executemany("DELETE FROM merge WHERE gone = ?", ((n,) for n in way[:-1]))
    store.db.executemany("INSERT INTO merge VALUES (?, ?, ?, ?, ?)", rows)


def _tell(store: Store, after: set[tuple[Any, ...]], before: set[tuple[Any, ...]], summary: MergeSummary) -> None:
    pairs, old = ({(gone, kept) for gone, kept, *_ in rows} for rows in (after, before))
    summary.merges, summary.new, summary.taken_back = len(pairs), len(pairs - old), len(old - pairs)
    summary.rules = dict(sorted(Counter(rule for *_, rule, _ in after).items(), key=lambda x: (-x[1], x[0])))
    summary.kept_apart = store.one("SELECT count(*) FROM apart")
    least: dict[str, MergeRow] = {}
    for row in MergeRow.all_of(store):  # the least sure first
        if row.rule != "same name":
            least.setdefault(row.rule, row)
    summary.telling = [f"{m.name} -> {m.into} ({m.rule}, {m.score}: {m.reason})"
                       for m in list(least.values())[:TELLING]]
