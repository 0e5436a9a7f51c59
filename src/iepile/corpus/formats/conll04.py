"""CoNLL04 and its kin: JSON records of tokens, BILOU tags and relations.

    {"tokens": ["Rome", ",", "Italy"], "tags": ["U-Loc", "O", "U-Loc"],
     "relations": [{"head": 0, "tail": 1, "type": "Located_In"}], "orig_id": 23}

Head and tail of a relation are numbers of mentions, in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document, Relation


class _Relation(msgspec.Struct):
    head: int
    tail: int
    type: str


class _Row(msgspec.Struct):
    tokens: list[str]
    tags: list[str]
    relations: list[_Relation] | None = None
    orig_id: int | str | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record; its text is the tokens with a space between (none in Chinese)."""
    for row in options.rows(path, _Row):
        if len(row.tokens) != len(row.tags):
            raise ValueError(f"{len(row.tags)} `tags` for {len(row.tokens)} `tokens`")
        if not any(row.tokens):
            options.summary.count(Repair.NO_TEXT)
            continue
        spans, ill = spans_of_tags(row.tags)
        options.summary.count(Repair.TAGS, ill)
        doc = tagged_document(TokenText(row.tokens, options), spans, options)
        yield options.finish(msgspec.structs.replace(
            doc,
            id=None if row.orig_id is None else str(row.orig_id),
            relations=tuple(_relation(item, doc, options) for item in row.relations or ()),
            annotated=("entity",) if row.relations is None else ("entity", "relation"),
        ))


def _relation(item: _Relation, doc: Document, options: ReadOptions) -> Relation:
    if not all(0 <= end < len(doc.entities) for end in (item.head, item.tail)):
        raise IndexError(f"a relation joins mentions {item.head} and {item.tail} of {len(doc.entities)}")
    head, tail = doc.entities[item.head], doc.entities[item.tail]
    return Relation(options.label(item.type), head.span, tail.span, head.type, tail.type)


def sniff(sample: Sample) -> str | None:
    """JSON records with `tokens` and `tags`."""
    row = sample.row or {}
    return "JSON records with `tokens` and `tags`" if "tokens" in row and "tags" in row else None


FORMAT = Format(
    "conll04", "JSON records of tokens, BILOU tags and relations", (".json",), read, sniff,
    example='{"tokens": ["Ada", "Byron", "left", "Oslo"], "tags": ["B-Peop", "L-Peop", "O", "U-Loc"], '
            '"relations": [{"head": 0, "tail": 1, "type": "Live_In"}], "orig_id": 1}',
)
