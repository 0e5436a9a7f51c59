"""Triples that the text supports and triples that were completed, counted apart.

For texts whose rows carry `completed`, the triples of the gold that are not in the text (`iepile completion`). A gold
triple is of the part that the row says. An answered triple that is a gold one is of the same part, however often it
was answered; any other one is `completed` if one of its ends stands nowhere in the text, else `supported`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from iepile.evaluation.pairing import Key, pairs
from iepile.evaluation.record import Record
from iepile.records import Facts, Relation
from iepile.tasks.matching import Match
from iepile.tasks.mentions import occurs

TASKS = ("RE", "TRIPLES")
"""Whose rows may say what was completed."""
PARTS = ("supported", "completed")
Labels = tuple[list[str], list[str], list[str]]
"""Labels of right, answered and gold triples."""


def read_completed(value: Any) -> frozenset[tuple[str, ...]] | None:
    """The triples of a row's `completed`; None: it is no list of triples."""
    if not isinstance(value, list):
        return None
    good = all(isinstance(t, list) and len(t) == 3 and all(isinstance(x, str) for x in t) for t in value)
    return frozenset(map(tuple, value)) if good else None


def split(record: Record, match: Match, distinct: bool) -> Iterator[tuple[str, Labels]]:
    """Each part with its triples, as they are counted.

    Args:
        match: what mentions are compared by.
        distinct: repeats count once.
    """
    assert record.gold is not None and record.completed is not None
    gold = _keyed(record, record.gold.relations, match, distinct)
    answered = _keyed(record, record.relations(match), match, distinct)
    found = pairs([key for key, _ in answered], [key for key, _ in gold], match)
    of_gold = [PARTS[(r.head.text, r.type, r.tail.text) in record.completed] for _, r in gold]
    by_key = dict(zip((key for key, _ in gold), of_gold, strict=True))
    out: dict[str, Labels] = {part: ([], [], []) for part in PARTS}
    for (key, _), part in zip(gold, of_gold, strict=True):
        out[part][2].append(key[0])
    for (key, relation), place in zip(answered, found, strict=True):
        part = of_gold[place] if place is not None else by_key.get(key) or _by_text(relation, record.text)
        out[part][1].append(key[0])
        if place is not None:
            out[part][0].append(key[0])
    yield from out.items()


def _keyed(
    record: Record, relations: Iterable[Relation], match: Match, distinct: bool
) -> list[tuple[Key, Relation]]:
    relations = tuple(relations)
    keyed = list(zip(record.task.keys(Facts(relations=relations), match)["relation"], relations, strict=True))
    if not distinct:
        return keyed
    first: dict[Key, Relation] = {}
    for key, relation in keyed:
        first.setdefault(key, relation)
    return list(first.items())


def _by_text(relation: Relation, text: str) -> str:
    return PARTS[not (occurs(relation.head.text, text) and occurs(relation.tail.text, text))]
