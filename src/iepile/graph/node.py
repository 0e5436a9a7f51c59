"""The node: a thing of the graph, known by name and type, or an event."""

from __future__ import annotations

import msgspec


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """A node of the graph."""

    id: str
    name: str
    """Of an event: its trigger, or its type where it has none."""
    type: str | None = None
    aliases: tuple[str, ...] = ()
    """Other names of what was merged into it."""
    mentions: int = 1
    """How many places name it."""
    neighbours: tuple[tuple[str, str], ...] = ()
    """(relation, id of the other end), where merging looks at it."""
    event: str | None = None
    """Id of the event that it is; None: an entity."""
