"""CMeEE (CBLUE): a JSON array of texts and nested medical mentions; ends are INCLUSIVE.

    [{"text": "急性胃炎", "entities": [{"start_idx": 0, "end_idx": 3, "type": "dis", "entity": "急性胃炎"},
                                       {"start_idx": 2, "end_idx": 2, "type": "bod", "entity": "胃"}]}]

A mention is placed by its start and its own words; where the record does not word it, by both indexes.
Records without `entities` (the test file) are not annotated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Entity


class _Mention(msgspec.Struct):
    start_idx: int
    end_idx: int
    type: str
    entity: str | None = None


class _Row(msgspec.Struct):
    text: str
    entities: list[_Mention] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        if not row.text:
            options.summary.count(Repair.NO_TEXT)
            continue
        entities = tuple(_entity(mention, row.text, options) for mention in row.entities or ())
        annotated = () if row.entities is None else ("entity",)
        yield options.finish(Document(row.text, entities=entities, annotated=annotated))


def _entity(mention: _Mention, text: str, options: ReadOptions) -> Entity:
    if mention.entity:
        span = options.locate(text, mention.entity, mention.start_idx)
    else:
        span = options.stretch(text, [(mention.start_idx, mention.end_idx + 1)])
    return Entity(options.label(mention.type), span)


def sniff(sample: Sample) -> str | None:
    """JSON records with `text` and `entities` that have `start_idx`."""
    row = sample.row or {}
    entities = row.get("entities")
    found = "text" in row and isinstance(entities, list) and entities and all(
        isinstance(e, dict) and "start_idx" in e for e in entities)
    return "JSON records with `entities` by `start_idx`" if found else None


FORMAT = Format(
    "cmeee", "CMeEE: texts with nested mentions, JSON", (".json",), read, sniff,
    example='{"text": "急性胃炎", "entities": [{"start_idx": 0, "end_idx": 3, "type": "dis", "entity": "急性胃炎"}, '
            '{"start_idx": 2, "end_idx": 2, "type": "bod", "entity": "胃"}]}',
)
