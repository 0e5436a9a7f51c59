"""From pairs of names to scored links between nodes: the names' evidence, weighed with type, neighbours and use."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

from iepile.graph.merging.candidates import Pair, candidates
from iepile.graph.merging.names import Name, kind_of, read_name, words
from iepile.graph.merging.similarity import Attested, Evidence, Short, differ, judge
from iepile.graph.node import Node

Embed = Callable[[list[str]], Any]
"""Names -> an array (names, dimensions); rows of any length."""
DISAGREEMENT_LEFT = 0.4
"""What one shared neighbour that nobody else has leaves of the doubt."""
UNKNOWN_TYPE = 0.02
OFTEN, OFTEN_COST = 3, 0.1
"""A slip of the pen seldom comes back: what two spellings with this many mentions each lose."""
JOINED_COST = 0.15
"""Things of like names that a relation joins are mostly two, as a firm and its daughter."""
NEAR, NEAR_BEST = 0.8, 0.88
"""Least cosine of an embedding, and the most it is worth: alone it never merges."""
NEAREST = 10


class Tie(msgspec.Struct, frozen=True, gc=False):
    """A link between two nodes that are likely one, by index."""

    score: float
    left: int
    right: int
    rule: str
    reason: str
    short: Short = ""


class Weigher:
    """Scores links among nodes, which stand in the order of their ids."""

    def __init__(self, nodes: Sequence[Node], embed: Embed | None = None) -> None:
        self.nodes = nodes
        self.names: list[Name] = []
        self.owners: list[int] = []
        self.kinds = [kind_of(n.type) for n in nodes]
        self.types = [None if n.type is None else n.type.strip().casefold() for n in nodes]
        self.own: list[int] = []
        for i, node in enumerate(nodes):
            self.own.append(len(self.names))
            for text in dict.fromkeys((node.name, *sorted(node.aliases))):
                self.names.append(read_name(text, node.type))
                self.owners.append(i)
        self.attested = Attested({f"{n.core} {n.ending}" if n.core.isascii() else n.core for n in self.names})
        self.degrees = Counter(chain.from_iterable(set(n.neighbours) for n in nodes))
        self.at = {n.id: i for i, n in enumerate(nodes)}
        self.embed = embed

    def name(self, node: int) -> Name:
        """The own name of a node."""
        return self.names[self.own[node]]

    def links(self, least: float) -> list[Tie]:
        """The best link of each pair of nodes that scores at least so much, the best first."""
        best: dict[Pair, Tie] = {}
        pairs = candidates(self.names, self.owners, [n.neighbours for n in self.nodes])
        near = dict(self._near()) if self.embed is not None else {}
        found = chain((self._weigh(a, b, near.get((a, b))) for a, b in sorted(pairs | near.keys())), self._stated())
        for link in found:
            if link is None or link.score < least:
                continue
            key = (link.left, link.right)
            old = best.get(key)
            if old is None or link.score > old.score:
                best[key] = link
        return sorted(best.values(), key=lambda e: (-e.score, e.left, e.right))

    def _weigh(self, a: int, b: int, cosine: float | None) -> Tie | None:
        left, right = self.owners[a], self.owners[b]
        x, y = self.types[left], self.types[right]
        if x is not None and y is not None and x != y:
            return None
        kind = self.kinds[left] or self.kinds[right]
        one, two = self.names[a], self.names[b]
        found = judge(one, two, kind, self.attested)
        if cosine is not None and (found is None or found.score < cosine) and not differ(one, two):
            found = Evidence("embedding", min(cosine, NEAR_BEST), f"near in meaning (cosine {cosine:.2f})")
        if found is None:
            return None
        rule, score = found.rule, found.score
        said = [f"{one.text!r} and {two.text!r}: {found.words}"]
        if found.short:
            said = [f"{(one if found.short == 'left' else two).text!r}: {found.words}"
                    if rule not in ("title", "ending") else said[0]]
        if a != self.own[left] or b != self.own[right]:
            said.append("one is an alias")
            rule = "alias"
        if x is not None and y is not None:
            said.append(f"both {self.nodes[left].type}")
        elif rule != "same name":
            score -= UNKNOWN_TYPE
            said.append("a type is not known")
        return self._in_context(Tie(score, left, right, rule, "; ".join(said), found.short))

    def _in_context(self, link: Tie) -> Tie:
        left, right = self.nodes[link.left], self.nodes[link.right]
        score, said = link.score, [link.reason]
        if link.rule == "typing error" and min(left.mentions, right.mentions) >= OFTEN:
            score -= OFTEN_COST
            said.append(f"both spellings are common ({left.mentions} and {right.mentions} mentions)")
        if left.neighbours and right.neighbours:
            shared = sorted(set(left.neighbours) & set(right.neighbours), key=lambda k: (self.degrees[k], k))
            if shared:
                weight = sum(1 / math.log2(max(self.degrees[k], 2)) for k in shared)
                score = 1 - (1 - score) * DISAGREEMENT_LEFT**weight
                relation, other = shared[0]
                other = self.nodes[self.at[other]].name if other in self.at else other
                said.append(f"{len(shared)} shared neighbour{'s' * (len(shared) > 1)}, the rarest ({relation}, {other})"
                            f" with {self.degrees[shared[0]]} names")
        if link.rule not in ("same name", "alias") and (
                any(o == right.id for _, o in left.neighbours) or any(o == left.id for _, o in right.neighbours)):
            score -= JOINED_COST
            said.append("a relation joins the two")
        return msgspec.structs.replace(link, score=round(score, 4), reason="; ".join(said))

    def _stated(self) -> Iterator[Tie | None]:
        """Links that an edge states, as "also known as"."""
        known = words().alias_relations
        for i, node in enumerate(self.nodes):
            for relation, other in sorted(set(node.neighbours)):
                k = self.at.get(other)
                if k is None or k == i or relation.strip().casefold() not in known:
                    continue
                x, y = self.types[i], self.types[k]
                if (x is None or y is None or x == y) and not (self.name(i).exact or self.name(k).exact):
                    left, right = min(i, k), max(i, k)
                    yield Tie(0.96, left, right, "alias", f"{node.name!r} and {self.nodes[k].name!r}: "
                                    f"an edge says so ({relation})")

    def _near(self) -> Iterator[tuple[Pair, float]]:
        """Pairs of own names near in meaning; the time grows with the square of the names, the memory does not."""
        import numpy as np

        assert self.embed is not None
        if not self.nodes:
            return
        array = np.asarray(self.embed([n.name for n in self.nodes]), np.float32)
        array /= np.maximum(np.linalg.norm(array, axis=1, keepdims=True), 1e-12)
        for start in range(0, len(array), 1024):
            cosines = array[start : start + 1024] @ array.T
            for row, line in enumerate(cosines, start):
                line[row] = -1
                top = np.argpartition(-line, min(NEAREST, len(line) - 1))[:NEAREST]
                for k in sorted(top.tolist()):
                    if line[k] >= NEAR:
                        a, b = self.own[min(row, k)], self.own[max(row, k)]
                        yield (a, b), round(float(line[k]), 4)
