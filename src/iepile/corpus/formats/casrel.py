"""CasRel's form of the New York Times corpus: JSON records of a text and its triples.

    {"text": "Ada Bird was born in Rome .", "triple_list": [["Ada Bird", "/people/person/place_of_birth", "Rome"]]}

The text is words with a space between; there are no offsets, so a mention is placed where the text has it
once as whole words. In the variant NYT-star a mention is only the last word of the name (`Bird`): read as
it is, since the record does not say where the name begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.places import locate_words
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Relation


class _Row(msgspec.Struct):
    text: str
    triple_list: list[tuple[str, str, str]] | None = None
    id: int | str | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record; without `triple_list` it is not annotated."""
    for row in options.rows(path, _Row):
        if not row.text:
            options.summary.count(Repair.NO_TEXT)
            continue
        triples = [t for t in row.triple_list or () if t[0] and t[2]]
        options.summary.count(Repair.EMPTY_MENTION, len(row.triple_list or ()) - len(triples))
        yield options.finish(Document(
            row.text, None if row.id is None else str(row.id),
            relations=tuple(
                Relation(options.label(name), locate_words(row.text, head, options),
                         locate_words(row.text, tail, options))
                for head, name, tail in triples),
            annotated=() if row.triple_list is None else ("relation",),
        ))


def sniff(sample: Sample) -> str | None:
    """JSON records with `text` and `triple_list`."""
    return "JSON records with `text` and `triple_list`" if {"text", "triple_list"} <= set(sample.row or {}) else None


FORMAT = Format(
    "casrel", "text and [subject, relation, object] triples, JSON (New York Times, NYT-star)", (".json",), read, sniff,
    example='[{"text": "Ada Bird was born in Rome .", '
            '"triple_list": [["Ada Bird", "/people/person/place_of_birth", "Rome"]]}]',
)
