"""Which nodes of a graph are one thing: candidates, the evidence for each, and a decision with its reason.

    from iepile.graph.merging import Node, merge
    for m in merge(nodes).merges:
        print(m.gone, "->", m.kept, m.reason)

Nothing is changed here: `iepile.graph.entity_merging` records the merges of a store, where they can be taken back.
"""

from iepile.graph.merging.decision import Merging, MergingConfig, merge
from iepile.graph.merging.merges import Merge
from iepile.graph.merging.neighbours import neighbours_of
from iepile.graph.node import Node

__all__ = ["Merge", "Merging", "MergingConfig", "Node", "merge", "neighbours_of"]
