"""What merging reads and gives: nodes with what is known of them, and merges with their reason."""

from __future__ import annotations

import msgspec


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """A thing of the graph, as far as merging looks at it."""

    id: str
    name: str
    type: str | None = None
    aliases: tuple[str, ...] = ()
    mentions: int = 1
    """How many places name it."""
    neighbours: tuple[tuple[str, str], ...] = ()
    """(relation, id of the other end); `undo.neighbours_of` reads them off the edges."""


class Merge(msgspec.Struct, frozen=True):
    """Node `gone` is the same thing as node `kept`."""

    kept: str
    gone: str
    score: float
    """Above 0 to 1: how sure, see `similarity.py`."""
    rule: str
    """Which rule of `similarity.RULES` found it."""
    reason: str
    """The evidence in words, with its figures."""
