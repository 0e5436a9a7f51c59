"""Which nodes of a graph are one thing: candidates, the evidence for each, a decision with its reason, and its undoing.

    from iepile.graph.merging import Node, merge
    for m in merge(nodes).merges:
        print(m.gone, "->", m.kept, m.reason)
"""

from iepile.graph.merging.decision import Merging, MergingConfig, merge
from iepile.graph.merging.merges import Merge
from iepile.graph.merging.undo import Link, MergeLog, apply, neighbours_of, undo
from iepile.graph.node import Node

__all__ = ["Link", "Merge", "MergeLog", "Merging", "MergingConfig", "Node", "apply", "merge", "neighbours_of", "undo"]
