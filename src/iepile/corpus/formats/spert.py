"""SpERT: JSON records of tokens, entities by token numbers and relations by entity numbers.

    [{"tokens": ["Ada", "lives", "in", "Rome"], "orig_id": 7, "relations": [{"type": "Live", "head": 0, "tail": 1}],
      "entities": [{"type": "Peop", "start": 0, "end": 1}, {"type": "Loc", "start": 3, "end": 4}]}]

Ends are exclusive; head and tail are numbers of entities, in their order in the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document, Entity, Relation


class _Entity(msgspec.Struct):
    type: str
    start: int
    end: int


class _Relation(msgspec.Struct):
    type: str
    head: int
    tail: int


class _Row(msgspec.Struct):
    tokens: list[str]
    entities: list[_Entity] | None = None
    relations: list[_Relation] | None = None
    orig_id: int | str | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record, annotated for the lists it has."""
    for row in options.rows(path, _Row):
        words = TokenText(row.tokens, options)
        if not words.text.strip():
            options.summary.count(Repair.NO_TEXT)
            continue
        entities = [Entity(options.label(e.type), words.span(e.start, e.end)) for e in row.entities or ()]
        yield options.finish(Document(
            words.text, None if row.orig_id is None else str(row.orig_id), words.language,
            entities=tuple(entities),
            relations=tuple(_relation(r, entities, options) for r in row.relations or ()),
            annotated=(("entity",) if row.entities is not None else ())
            + (("relation",) if row.relations is not None else ()),
        ))


def _relation(relation: _Relation, entities: list[Entity], options: ReadOptions) -> Relation:
    if not 0 <= min(relation.head, relation.tail) <= max(relation.head, relation.tail) < len(entities):
        raise IndexError(f"a relation joins {relation.head} and {relation.tail} of {len(entities)} entities")
    head, tail = entities[relation.head], entities[relation.tail]
    return Relation(options.label(relation.type), head.span, tail.span, head.type or None, tail.type or None)


def sniff(sample: Sample) -> str | None:
    """JSON records with `tokens` and `entities` that have `start` and `end`."""
    row = sample.row or {}
    entities = row.get("entities")
    if "tokens" not in row or "tags" in row or not isinstance(entities, list):
        return None
    claimed = all(isinstance(e, dict) and {"type", "start", "end"} <= set(e) for e in entities)
    return "JSON records with `tokens` and `entities` of type, start and end" if claimed else None


FORMAT = Format(
    "spert", "SpERT: tokens, entities by token and relations by entity, JSON", (".json",), read, sniff,
    example='[{"tokens": ["Ada", "lives", "in", "Rome"], "relations": [{"type": "Live", "head": 0, "tail": 1}], '
            '"entities": [{"type": "Peop", "start": 0, "end": 1}, {"type": "Loc", "start": 3, "end": 4}]}]',
)
