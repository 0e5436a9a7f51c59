"""FindVehicle: JSON lines of a text and mentions that may overlap, or columns that repeat the sentence.

    {"id": 7, "data": "a white Audi Q7", "re_label": [[0, 1]],
     "ner_label": [["vehicle_color", 2, 7, "white", 1, 2, ["white"]], ["vehicle_brand", 8, 12, "Audi", 2, 3, ["Audi"]]]}

A label is followed by characters [start, end), the mention, tokens [start, end) and the tokens. `re_label`
groups the numbers of the mentions that speak of one vehicle; the groups are kept in `meta["targets"]`.

The column files say an overlap by repeating the sentence with other tags. Read as `findvehicle` the
repetitions become one document; guessing takes such a file for `bmes`, which keeps them apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.columns import sentences
from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document, Entity


class _Mention(msgspec.Struct, array_like=True):
    label: str
    start: int
    end: int
    text: str


class _Row(msgspec.Struct):
    data: str
    id: int | str | None = None
    ner_label: list[_Mention] | None = None
    re_label: list[list[int]] = []


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record, or one for a sentence and its repetitions."""
    if not Sample(path).head.lstrip().startswith(("{", "[")):
        yield from _columns(path, options)
        return
    for row in options.rows(path, _Row):
        if not row.data:
            options.summary.count(Repair.NO_TEXT)
            continue
        mentions = [m for m in row.ner_label or () if m.text]
        options.summary.count(Repair.EMPTY_MENTION, len(row.ner_label or ()) - len(mentions))
        yield options.finish(Document(
            row.data,
            None if row.id is None else str(row.id),
            entities=tuple(Entity(options.label(m.label), options.locate(row.data, m.text, m.start)) for m in mentions),
            annotated=() if row.ner_label is None else ("entity",),
            meta={"targets": row.re_label} if row.re_label else {},
        ))


def _columns(path: Path, options: ReadOptions) -> Iterator[Document]:
    for tokens, group in itertools.groupby(sentences(path, options), lambda rows: [cells[0] for cells in rows]):
        spans: dict[tuple[str, int, int], None] = {}
        for sentence in group:
            options.summary.count(Repair.COLUMNS, sum(len(cells) < 2 for cells in sentence))
            found, ill = spans_of_tags([cells[-1] if len(cells) > 1 else "O" for cells in sentence])
            options.summary.count(Repair.TAGS, ill)
            spans |= dict.fromkeys(found)
        yield options.finish(tagged_document(TokenText(tokens, options), list(spans), options))


def sniff(sample: Sample) -> str | None:
    """JSON records with `data` and `ner_label`."""
    row = sample.row or {}
    return "JSON records with `data` and `ner_label`" if "data" in row and "ner_label" in row else None


FORMAT = Format(
    "findvehicle", "FindVehicle: mentions that overlap, JSON lines or columns", (".jsonl", ".txt"), read, sniff,
    example='{"id": 7, "data": "a white Audi", "ner_label": [["vehicle_color", 2, 7, "white", 1, 2, ["white"]], '
            '["vehicle_brand", 8, 12, "Audi", 2, 3, ["Audi"]]], "re_label": [[0, 1]]}',
)
