"""doccano: the JSON-lines exports of its sequence-labelling projects.

    {"id": 1, "text": "Ada met Bob.", "label": [[0, 3, "PER"]], "Comments": []}
    {"id": 1, "text": "Ada met Bob.", "entities": [{"id": 7, "start_offset": 0, "end_offset": 3, "label": "PER"}],
     "relations": [{"id": 1, "from_id": 7, "to_id": 8, "type": "knows"}]}

The second form is that of projects with relations. Some versions write `labels` for `label`, `data` for `text`,
or `annotations` whose labels are numbers: give those names with the label names. Offsets are characters, end
exclusive. Projects that label whole texts hold no facts: they are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Entity, Relation


class _Mention(msgspec.Struct):
    start_offset: int
    end_offset: int
    label: str | int
    id: int | str | None = None


class _Relation(msgspec.Struct):
    from_id: int | str
    to_id: int | str
    type: str


class _Row(msgspec.Struct):
    text: str | None = None
    data: str | None = None
    id: int | str | None = None
    label: list[tuple[int, int, str]] | None = None
    labels: list[tuple[int, int, str]] | None = None
    annotations: list[_Mention] | None = None
    entities: list[_Mention] | None = None
    relations: list[_Relation] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        text = row.text or row.data
        if not text:
            options.summary.count(Repair.NO_TEXT)
            continue
        short = row.label if row.label is not None else row.labels
        long = row.entities if row.entities is not None else row.annotations
        mentions = [*(_Mention(s, e, label) for s, e, label in short or ()), *(long or ())]
        entities = [Entity(options.label(str(m.label)), options.stretch(text, [(m.start_offset, m.end_offset)]))
                    for m in mentions]
        known = {m.id: e for m, e in zip(mentions, entities, strict=True)}
        relations = []
        for r in row.relations or ():
            head, tail = known.get(r.from_id), known.get(r.to_id)
            if head is None or tail is None:
                options.summary.count(Repair.DANGLING)
                continue
            relations.append(Relation(options.label(r.type), head.span, tail.span, head.type, tail.type))
        annotated = ("entity",) * (short is not None or long is not None) + ("relation",) * (row.relations is not None)
        yield options.finish(Document(text, None if row.id is None else str(row.id), entities=tuple(entities),
                                      relations=tuple(relations), annotated=annotated))


def sniff(sample: Sample) -> str | None:
    """JSON records of a text and a list of [start, end, label], or of objects with `start_offset`."""
    row = sample.row or {}
    if not isinstance(row.get("text", row.get("data")), str):
        return None
    for key in ("label", "labels"):
        spans = row.get(key)
        if isinstance(spans, list) and all(isinstance(s, list) and [*map(type, s)] == [int, int, str] for s in spans):
            return f"JSON records with `{key}`: [start, end, label]"
    for key in ("entities", "annotations"):
        spans = row.get(key)
        if isinstance(spans, list) and spans and all(isinstance(s, dict) and "start_offset" in s for s in spans):
            return f"JSON records with `{key}` that have `start_offset`"
    return "JSON records with `entities`, `relations` and `Comments`" if "Comments" in row else None


FORMAT = Format(
    "doccano", "doccano exports of sequence labelling and relations, JSON lines", (".jsonl", ".json"), read, sniff,
    example='{"id": 1, "text": "Ada met Bob.", "label": [[0, 3, "PER"], [8, 11, "PER"]], "Comments": []}',
)
