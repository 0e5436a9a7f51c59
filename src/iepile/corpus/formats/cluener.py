"""CLUENER: JSON lines of a text and its mentions by type; ends are INCLUSIVE.

    {"text": "银河公司的王芳", "label": {"company": {"银河公司": [[0, 3]]}, "name": {"王芳": [[5, 6]]}}}

A mention is placed by its start and checked. Records without `label` (the test file of the benchmark) are not
annotated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Entity


class _Row(msgspec.Struct):
    text: str
    id: int | str | None = None
    label: dict[str, dict[str, list[tuple[int, int]]]] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a line."""
    for row in options.rows(path, _Row):
        if not row.text:
            options.summary.count(Repair.NO_TEXT)
            continue
        entities = []
        for label, mentions in (row.label or {}).items():
            for mention, places in mentions.items():
                if not mention:
                    options.summary.count(Repair.EMPTY_MENTION, len(places))
                    continue
                found = (options.locate(row.text, mention, start) for start, _ in places)
                entities += [Entity(options.label(label), span) for span in found]
        yield options.finish(Document(
            row.text,
            None if row.id is None else str(row.id),
            entities=tuple(entities),
            annotated=() if row.label is None else ("entity",),
        ))


def sniff(sample: Sample) -> str | None:
    """JSON records with `text` and `label`, an object of objects."""
    row = sample.row or {}
    label = row.get("label")
    found = "text" in row and isinstance(label, dict) and all(isinstance(v, dict) for v in label.values())
    return "JSON records with `text` and `label` by type and mention" if found else None


FORMAT = Format(
    "cluener", "CLUENER: texts with mentions by type, JSON lines", (".json", ".jsonl"), read, sniff,
    example='{"text": "银河公司的王芳", "label": {"company": {"银河公司": [[0, 3]]}, "name": {"王芳": [[5, 6]]}}}',
)
