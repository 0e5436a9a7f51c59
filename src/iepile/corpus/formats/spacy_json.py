"""spaCy's training examples as JSON: pairs of a text and its spans, and what annotation tools wrap around them.

    [["Ada met Bob.", {"entities": [[0, 3, "PER"], [8, 11, "PER"]]}]]
    {"classes": ["PER"], "annotations": [["Ada met Bob.", {"entities": [[0, 3, "PER"]]}], null]}
    [{"id": 1, "paragraphs": [{"raw": "Ada left", "sentences": [{"tokens": [{"orth": "Ada", "ner": "U-PER"}]}]}]}]

Pairs stand in one array or a line each; the second form is that of browser tools (`null` is a text skipped), the
third the corpus of spaCy 2, whose tags are BILUO. Offsets are characters, end exclusive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document, Entity

_PAIR = re.compile(r'\s*\[\s*(\[\s*)?"(?:[^"\\]|\\.)*"\s*,\s*\{\s*(?:\}|"(?:entities|cats|links|spans)")')


class _Spans(msgspec.Struct):
    entities: list[tuple[int, int, str]] | None = None


class _Token(msgspec.Struct):
    orth: str
    ner: str = "-"


class _Sentence(msgspec.Struct):
    tokens: list[_Token]


class _Paragraph(msgspec.Struct):
    sentences: list[_Sentence]


class _Pair(msgspec.Struct, array_like=True):
    text: str
    spans: _Spans


class _Row(msgspec.Struct):
    annotations: list[_Pair | None] = []
    paragraphs: list[_Paragraph] = []
    id: int | str | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a text, or a sentence of a spaCy 2 corpus."""
    if (pair := _PAIR.match(Sample(path).head)) is not None:
        yield from _pairs(options.rows(path, _Pair) if pair[1] else _lines(path, options), options)
        return
    for row in options.rows(path, _Row):
        yield from _pairs((p for p in row.annotations if p is not None), options)
        for number, tokens in enumerate(s.tokens for p in row.paragraphs for s in p.sentences if s.tokens):
            found, ill = spans_of_tags([token.ner for token in tokens])
            options.summary.count(Repair.TAGS, ill)
            doc = tagged_document(TokenText([token.orth for token in tokens], options), found, options)
            key = None if row.id is None else f"{row.id}-{number}"
            yield options.finish(replace(doc, id=key, annotated=("entity",) * any(t.ner != "-" for t in tokens)))


def _lines(path: Path, options: ReadOptions) -> Iterator[_Pair]:
    """An array a line, which is no array of records."""
    for _, line in options.lines(path):
        if line.strip():
            yield msgspec.json.decode(line, type=_Pair)


def _pairs(pairs: Iterable[_Pair], options: ReadOptions) -> Iterator[Document]:
    for pair in pairs:
        if not pair.text:
            options.summary.count(Repair.NO_TEXT)
            continue
        found = pair.spans.entities
        entities = (Entity(options.label(k), options.stretch(pair.text, [(s, e)])) for s, e, k in found or ())
        yield options.finish(Document(pair.text, entities=tuple(entities), annotated=("entity",) * (found is not None)))


def sniff(sample: Sample) -> str | None:
    """Arrays of a text and an object, the same under `annotations` beside `classes`, or `paragraphs` of `orth`."""
    if _PAIR.match(sample.head):
        return "arrays of a text and its `entities`"
    if re.match(r'\s*\{\s*"classes"\s*:\s*\[', sample.head) and '"annotations"' in sample.head:
        return "an object of `classes` and `annotations`"
    return "`paragraphs` of tokens with `orth`" if '"paragraphs"' in sample.head and '"orth"' in sample.head else None


FORMAT = Format("spacy_json", "spaCy training examples, JSON pairs or the corpus of spaCy 2", (".json", ".jsonl"), read,
                sniff, example='[["Ada met Bob.", {"entities": [[0, 3, "PER"], [8, 11, "PER"]]}]]')
