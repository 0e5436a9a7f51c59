"""CoNLL04 and its kin: JSON records of tokens, BILOU tags and relations.

    {"tokens": ["Rome", ",", "Italy"], "tags": ["U-Loc", "O", "U-Loc"],
     "relations": [{"head": 0, "tail": 1, "type": "Located_In"}], "orig_id": 23}

Head and tail of a relation are numbers of mentions, in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.errors import InputError
from iepile.jsonl import read_rows
from iepile.records import Document, Relation


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record; its text is the tokens with a space between (none in Chinese)."""
    for line, row in read_rows(path):
        tokens, tags = row.get("tokens"), row.get("tags")
        if not isinstance(tokens, list) or not isinstance(tags, list) or len(tokens) != len(tags):
            raise InputError(
                "tokens and tags do not match",
                file=path,
                line=line,
                field="tags",
                expected="two lists of strings of one length",
                fix="mend or remove the record",
            )
        if not tokens:
            options.summary.count(Repair.NO_TEXT)
            continue
        spans, ill = spans_of_tags(tags)
        options.summary.count(Repair.TAGS, ill)
        doc = tagged_document(TokenText(tokens, options), spans, options)
        number = row.get("orig_id")
        yield options.finish(
            msgspec.structs.replace(
                doc,
                id=None if number is None else str(number),
                relations=_relations(row, doc, options, path, line),
                annotated=("entity", "relation"),
            )
        )


def _relations(
    row: dict[str, Any], doc: Document, options: ReadOptions, path: Path, line: int
) -> tuple[Relation, ...]:
    out = []
    for n, item in enumerate(row.get("relations") or ()):
        ends = (item.get("head"), item.get("tail"))
        if not all(type(end) is int and 0 <= end < len(doc.entities) for end in ends):
            raise InputError(
                f"a relation joins {ends[0]!r} and {ends[1]!r}; the record has {len(doc.entities)} mentions",
                file=path,
                line=line,
                field=f"relations[{n}]",
                expected="`head` and `tail` as 0-based numbers of mentions",
                fix="mend or remove the relation",
            )
        head, tail = (doc.entities[end] for end in ends)
        out.append(Relation(options.label(str(item.get("type"))), head.span, tail.span, head.type, tail.type))
    return tuple(out)


def sniff(sample: Sample) -> str | None:
    """JSON records with `tokens` and `tags`."""
    row = sample.row or {}
    return "JSON records with `tokens` and `tags`" if "tokens" in row and "tags" in row else None


FORMAT = Format("conll04", "JSON records of tokens, BILOU tags and relations", (".json",), read, sniff)
