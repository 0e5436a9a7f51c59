"""What stands around a node, as merging looks at it."""

from __future__ import annotations

from collections.abc import Iterable

from iepile.graph.merging.names import words


def neighbours_of(links: Iterable[tuple[str, str, str]]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Node id -> (relation, id of the other end), sorted; a relation that leads here has a < before it.

    Relations of `words.toml` that mean the same thing both ways keep their name.

    Args:
        links: (id of the head, relation, id of the tail).
    """
    out: dict[str, set[tuple[str, str]]] = {}
    alias = words().alias_relations
    back: dict[str, str] = {}
    for head, relation, tail in links:
        if relation not in back:
            back[relation] = relation if relation.strip().casefold() in alias else f"<{relation}"
        out.setdefault(head, set()).add((relation, tail))
        out.setdefault(tail, set()).add((back[relation], head))
    return {node: tuple(sorted(of)) for node, of in out.items()}
