"""Which nodes are merged: links from the best down, none against a veto, and short forms only where one name fits.

First names that are whole are put together. Then each short form (IBM, 北大, J. Smith) joins the one group of whole
names that fits best; where two fit as well it joins none. So two different whole names never meet in a short form. The
result does not depend on the order of the nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from iepile.errors import InputError
from iepile.graph.merging.evidence import Embed, Tie, Weigher
from iepile.graph.merging.merges import Merge
from iepile.graph.merging.names import words
from iepile.graph.merging.similarity import judge
from iepile.graph.node import Node


@dataclass
class MergingConfig:
    """Find the nodes that are one thing."""

    at_least: float = 0.9
    """Least score of a merge, above 0 to 1."""
    margin: float = 0.03
    """How much better one whole name must fit a short form than the next best, or the short form stays alone."""


class Merging(msgspec.Struct):
    """What was decided."""

    merges: list[Merge] = []
    nodes: int = 0
    links: int = 0
    """Pairs that scored enough."""
    vetoed: int = 0
    """Links not followed: their groups hold other types, genders or names."""
    ambiguous: list[str] = []
    """Ids of short forms that fit two names as well, and of names without a type that fit two types."""


def merge(nodes: Iterable[Node], config: MergingConfig | None = None, embed: Embed | None = None,
          apart: Iterable[tuple[str, str]] = ()) -> Merging:
    """Decide which nodes are one thing; nothing is changed.

    Args:
        nodes: each with an id of its own, in any order.
        config: see there.
        embed: names -> array (names, dimensions): names near in meaning become candidates too. They are merged only
            with a shared neighbour. The time grows with the square of the names.
        apart: pairs of ids that never come into one group.

    Raises:
        InputError: two nodes with one id, a name that is empty, or a score that is none.
    """
    config = config or MergingConfig()
    if not 0 < config.at_least <= 1:
        raise InputError(f"no score {config.at_least}", field="at_least", expected="above 0 to 1")
    if not 0 <= config.margin <= 1:
        raise InputError(f"is {config.margin}", field="margin", expected="0 to 1")
    # By name, so that ids, which may tell when a name was first read, decide nothing but between equal names.
    ordered = sorted(nodes, key=lambda n: (n.name, n.type or "", n.id))
    ids: dict[str, int] = {}
    for i, node in enumerate(ordered):
        if ids.setdefault(node.id, i) != i:
            raise InputError(f"two nodes have the id {node.id!r}", field="id", fix="give each its own")
        if not all(map(str.strip, (node.name, *node.aliases))):
            raise InputError(f"node {node.id!r} has an empty name", field="name", expected="text that is not blank")
    grouping = _Grouping(Weigher(ordered, embed), config)
    for one, other in apart:
        if one in ids and other in ids:
            grouping.set_apart(ids[one], ids[other])
    return grouping.run()


class _Grouping:
    def __init__(self, weigher: Weigher, config: MergingConfig) -> None:
        self.weigher, self.config = weigher, config
        n = len(weigher.nodes)
        self.parents = list(range(n))
        self.members: dict[int, list[int]] = {}
        self.enemies: dict[int, set[int]] = {}
        """Of a group: nodes that may not come into it."""
        self.followed: list[Tie] = []
        self.degree = [0] * n
        gender = words().gender
        self.genders = [frozenset(gender[t] for t in weigher.name(i).titles if t in gender) for i in range(n)]
        self.result = Merging([], n, ambiguous=[])

    def set_apart(self, one: int, other: int) -> None:
        self.enemies.setdefault(one, set()).add(other)
        self.enemies.setdefault(other, set()).add(one)

    def run(self) -> Merging:
        links = self.weigher.links(self.config.at_least)
        self.result.links = len(links)
        for link in links:
            if not link.short:
                self.degree[link.left] += 1
                self.degree[link.right] += 1
        types = self.weigher.types
        half: list[Tie] = []
        for link in links:
            if link.short:
                continue
            if (types[link.left] is None) == (types[link.right] is None):
                self._join(link)
            else:
                half.append(link)
        self._join_without_type(half)
        self._join_short([link for link in links if link.short])
        self.result.merges = sorted(self._merges(), key=lambda m: (m.kept, m.gone))
        return self.result

    def _root(self, i: int) -> int:
        while self.parents[i] != i:
            self.parents[i] = self.parents[self.parents[i]]
            i = self.parents[i]
        return i

    def _of(self, root: int) -> list[int]:
        return self.members.get(root, [root])

    def _join(self, link: Tie) -> bool:
        a, b = self._root(link.left), self._root(link.right)
        if a == b:
            return False
        if self._vetoed(link, a, b):
            self.result.vetoed += 1
            return False
        a, b = min(a, b), max(a, b)
        self.members[a] = self._of(a) + self._of(b)
        self.members.pop(b, None)
        self.parents[b] = a
        if b in self.enemies:
            self.enemies.setdefault(a, set()).update(self.enemies.pop(b))
        self.followed.append(link)
        return True

    def _vetoed(self, link: Tie, a: int, b: int) -> bool:
        weigher = self.weigher
        types = {weigher.types[i] for root in (a, b) for i in self._of(root)} - {None}
        if len(types) > 1 or len({g for root in (a, b) for i in self._of(root) for g in self.genders[i]}) > 1:
            return True
        if any(self._root(enemy) == b for enemy in self.enemies.get(a, ())):
            return True
        if link.rule != "typing error":
            return False
        # Errors add up from name to name: the best known names of both groups must still be alike.
        x, y = (max(self._of(root), key=lambda i: (weigher.nodes[i].mentions, self.degree[i], -i)) for root in (a, b))
        return judge(weigher.name(x), weigher.name(y), weigher.kinds[x] or weigher.kinds[y], weigher.attested) is None

    def _join_without_type(self, links: list[Tie]) -> None:
        """Names without a type join those of one type; where names of two types fit, Paris stays alone."""
        types = self.weigher.types
        untyped: dict[int, list[Tie]] = {}
        for link in links:
            untyped.setdefault(self._root(link.left if types[link.left] is None else link.right), []).append(link)
        for group, fits in untyped.items():
            if len({types[link.left] or types[link.right] for link in fits}) > 1:
                self.result.ambiguous += (self.weigher.nodes[i].id for i in self._of(group))
                continue
            for link in fits:
                self._join(link)

    def _join_short(self, links: list[Tie]) -> None:
        # Groups of whole names, as they are now: each chooses once.
        of: dict[int, list[Tie]] = {}
        for link in links:
            of.setdefault(self._root(link.left if link.short == "left" else link.right), []).append(link)
        cores = {g: {self.weigher.name(i).letters for i in self._of(g)} for g in of}
        # J. Smith finds John Smith before Smith looks for either.
        for group in sorted(of, key=lambda g: (-min(map(len, cores[g])), g)):
            fits: dict[int, list[Tie]] = {}
            for link in of[group]:
                fits.setdefault(self._root(link.right if link.short == "left" else link.left), []).append(link)
            fits.pop(self._root(group), None)
            ranked = sorted(fits.values(), key=lambda f: -f[0].score)
            if not ranked:
                continue
            if len(ranked) > 1 and ranked[0][0].score - ranked[1][0].score < self.config.margin:
                self.result.ambiguous += (self.weigher.nodes[i].id for i in self._of(group) if i in _shorts(of[group]))
                continue
            # A group that has a whole name of its own takes no other through its short form.
            short = {self.weigher.name(i).letters for i in _shorts(ranked[0])}
            if cores[group] <= short:
                self._join(ranked[0][0])
            else:
                self.result.vetoed += 1
        self.result.ambiguous.sort()

    def _merges(self) -> Iterable[Merge]:
        near: dict[int, list[tuple[int, Tie]]] = {}
        for link in self.followed:
            near.setdefault(link.left, []).append((link.right, link))
            near.setdefault(link.right, []).append((link.left, link))
        shorts = {link.left if link.short == "left" else link.right for link in self.followed if link.short}
        nodes = self.weigher.nodes
        for group in self.members.values():
            kept = min(group, key=lambda i: (nodes[i].type is None, i in shorts, bool(self.weigher.name(i).titles),
                                             -nodes[i].mentions, -self.degree[i], -len(nodes[i].name), i))
            # Each node's reason is the link that leads from it towards the kept one.
            todo, seen = [kept], {kept}
            for i in todo:
                for other, link in near[i]:
                    if other not in seen:
                        seen.add(other)
                        todo.append(other)
                        yield Merge(nodes[kept].id, nodes[other].id, link.score, link.rule, link.reason)


def _shorts(links: list[Tie]) -> set[int]:
    return {link.left if link.short == "left" else link.right for link in links}
