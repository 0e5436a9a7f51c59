"""Offsets in lists (as the `cner` copies of the Chinese resume set): JSON records; ends are exclusive.

    {"id": 0, "text": "王芳，女，", "labels": [["T0", "NAME", 0, 2, "王芳"]]}

A label is its number, its type, characters [start, end) and the mention, which is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Entity


class _Label(msgspec.Struct, array_like=True):
    number: int | str
    type: str
    start: int
    end: int
    mention: str


class _Row(msgspec.Struct):
    text: str
    id: int | str | None = None
    labels: list[_Label] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        if not row.text:
            options.summary.count(Repair.NO_TEXT)
            continue
        labels = [label for label in row.labels or () if label.mention]
        options.summary.count(Repair.EMPTY_MENTION, len(row.labels or ()) - len(labels))
        yield options.finish(Document(
            row.text,
            None if row.id is None else str(row.id),
            entities=tuple(Entity(options.label(m.type), options.locate(row.text, m.mention, m.start)) for m in labels),
            annotated=() if row.labels is None else ("entity",),
        ))


def sniff(sample: Sample) -> str | None:
    """JSON records with `text` and `labels` of number, type, start, end and mention."""
    row = sample.row or {}
    labels = row.get("labels")
    if "text" not in row or not isinstance(labels, list) or not labels:
        return None
    found = all(isinstance(m, list) and [type(v) for v in m[1:]] == [str, int, int, str] for m in labels)
    return "JSON records with `labels` of number, type, start, end and mention" if found else None


FORMAT = Format(
    "offset_json", "texts with labels as [number, type, start, end, mention], JSON", (".json",), read, sniff,
    example='{"id": 0, "text": "王芳，女，", "labels": [["T0", "NAME", 0, 2, "王芳"]]}',
)
