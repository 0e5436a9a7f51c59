"""A text with what is stated of it, as baselines learn from it, and the names of labels in their counts.

A label is a tuple of texts: `("entity", type)`, `("relation", name, head type, tail type)`, `("event", type)` or
`("argument", event type, role)`. The types of a relation's ends are empty in RE, the tail's is in KG.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from iepile.records import Facts, Relation

Label = tuple[str, ...]


class Labelled(msgspec.Struct, frozen=True):
    """One text; every mention of its facts has its place."""

    text: str
    facts: Facts
    source: str = ""
    """Data set. What some text of it was asked counts as asked of all its texts: what is there is always asked."""
    asked: frozenset[Label] = frozenset()


def relation_label(r: Relation) -> Label:
    """The label of a relation."""
    return "relation", r.type, r.head_type or "", r.tail_type or ""


def asked_by_source(texts: Iterable[Labelled]) -> dict[str, frozenset[Label]]:
    """Source -> every label that some text of it was asked."""
    out: dict[str, set[Label]] = {}
    for x in texts:
        out.setdefault(x.source, set()).update(x.asked)
    return {source: frozenset(labels) for source, labels in out.items()}
