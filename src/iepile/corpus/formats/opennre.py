"""OpenNRE: JSON lines of a text or its tokens, one pair of mentions and their relation (GIDS, NYT10, wiki80).

    {"text": "Ada Bird was born in Rome .", "relation": "birthplace",
     "h": {"id": "/m/01", "name": "Ada Bird", "pos": [0, 8]}, "t": {"id": "/m/02", "name": "Rome", "pos": [21, 25]}}
    {"token": ["Ada", "Bird", "was", "born", "in", "Rome", "."], "relation": "birthplace",
     "h": {"name": "ada bird", "pos": [0, 2]}, "t": {"name": "rome", "pos": [5, 6]}}

`pos` counts characters of `text`, or tokens of `token`; ends are exclusive. Names may be in lower case. A
name that is not at its `pos` but elsewhere in the text is taken from there (MOVED). Identifiers of the two
go to `meta`. A record without `relation` is not annotated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document, Relation, Span


class _End(msgspec.Struct):
    pos: tuple[int, int]
    name: str = ""
    id: int | str | None = None


class _Row(msgspec.Struct):
    h: _End
    t: _End
    relation: str | None = None
    text: str = ""
    token: list[str] = []


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        words = None if row.text else TokenText(row.token, options)
        text = row.text if words is None else words.text
        if not text.strip():
            options.summary.count(Repair.NO_TEXT)
            continue
        head, tail = (_place(end, text, words, options) for end in (row.h, row.t))
        ids = (("head_id", row.h.id), ("tail_id", row.t.id))
        yield options.finish(Document(
            text, language=words.language if words else None,
            relations=() if row.relation is None else (Relation(options.label(row.relation), head, tail),),
            annotated=() if row.relation is None else ("relation",),
            meta={key: str(value) for key, value in ids if value is not None},
        ))


def _place(end: _End, text: str, words: TokenText | None, options: ReadOptions) -> Span:
    span = options.stretch(text, [end.pos]) if words is None else words.span(*end.pos)
    if end.name and "".join(end.name.split()).casefold() != "".join(span.text.split()).casefold():
        if words is None and end.name in text:
            return options.locate(text, end.name, span.start)
        options.summary.count(Repair.DIFFERENT)
    return span


def sniff(sample: Sample) -> str | None:
    """JSON records with objects `h` and `t`, and `text` or `token`."""
    row = sample.row or {}
    ends = isinstance(row.get("h"), dict) and isinstance(row.get("t"), dict)
    return "JSON records with `h`, `t` and a text" if ends and ("text" in row or "token" in row) else None


FORMAT = Format(
    "opennre", "OpenNRE: a pair of mentions and its relation, JSON lines (GIDS, NYT10, wiki80)",
    (".txt", ".json", ".jsonl"), read, sniff,
    example='{"text": "Ada Bird was born in Rome .", "relation": "birthplace", '
            '"h": {"id": "/m/01", "name": "Ada Bird", "pos": [0, 8]}, '
            '"t": {"id": "/m/02", "name": "Rome", "pos": [21, 25]}}',
)
