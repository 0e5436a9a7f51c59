"""DyGIE++ and SciERC: JSON lines of a document's sentences with entities, relations, events and clusters.

    {"doc_key": "d1", "sentences": [["Ada", "left", "Rome", "."], ["She", "sang", "."]],
     "ner": [[[0, 0, "Person"], [2, 2, "City"]], [[4, 4, "Person"]]], "relations": [[[0, 0, 2, 2, "left"]], []],
     "events": [[[[1, "Leave"], [0, 0, "who"]]], []], "clusters": [[[0, 0], [4, 4]]]}

Token numbers count through the document, ends are inclusive; each sentence becomes a document, `d1-0`, `d1-1`.
What lies outside it is left out (DANGLING). Of a cluster, a sentence's mentions are in `meta["clusters"]` if several.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Argument, Document, Entity, Event, Relation, Span

_KINDS = (("entity", "ner"), ("relation", "relations"), ("event", "events"))


class _Row(msgspec.Struct):
    sentences: list[list[str]]
    doc_key: int | str | None = None
    ner: list[list[tuple[int, int, str]]] | None = None
    relations: list[list[tuple[int, int, int, int, str]]] | None = None
    events: list[list[list[list[int | str]]]] | None = None
    clusters: list[list[tuple[int, int]]] = []


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a sentence, annotated for the lists the record has."""
    for row in options.rows(path, _Row):
        if any(len(f) != len(row.sentences) for f in (row.ner, row.relations, row.events) if f is not None):
            raise ValueError("the lists have not one element a sentence")
        language = options.language_of(" ".join(" ".join(tokens) for tokens in row.sentences))
        base = 0
        for n, tokens in enumerate(row.sentences):
            if not "".join(tokens).strip():
                options.summary.count(Repair.NO_TEXT)
            else:
                yield options.finish(_document(row, n, base, TokenText(tokens, options, language)))
            base += len(tokens)


def _document(row: _Row, n: int, base: int, words: TokenText) -> Document:
    label = words.options.label

    def span(first: int, last: int, required: bool = True) -> Span | None:
        if base <= first <= last < base + len(words.tokens):
            return words.span(first - base, last + 1 - base)
        words.options.summary.count(Repair.DANGLING, required)
        return None

    ner = row.ner[n] if row.ner else ()
    types = {(first, last): label(kind) or None for first, last, kind in reversed(ner)}
    events = []
    for parts in row.events[n] if row.events else ():
        (first, last, kind), *others = map(_span_and_name, parts)
        if trigger := span(first, last):
            events.append(Event(label(kind), trigger, tuple(
                Argument(label(role), s) for a, b, role in others if (s := span(a, b)))))
    clusters = [[[s.start, s.end] for a, b in cluster if (s := span(a, b, False))] for cluster in row.clusters]
    several = [cluster for cluster in clusters if len(cluster) > 1]
    return Document(
        words.text, None if row.doc_key is None else f"{row.doc_key}-{n}", words.language,
        entities=tuple(Entity(label(kind), s) for first, last, kind in ner if (s := span(first, last))),
        relations=tuple(
            Relation(label(kind), head, tail, types.get((a, b)), types.get((c, d)))
            for a, b, c, d, kind in (row.relations[n] if row.relations else ())
            if (head := span(a, b)) and (tail := span(c, d))),
        events=tuple(events), meta={"clusters": several} if several else {},
        annotated=tuple(kind for kind, key in _KINDS if getattr(row, key) is not None),
    )


def _span_and_name(part: list[int | str]) -> tuple[int, int, str]:
    match part:
        case [int(first), str(name)]:
            return first, first, name
        case [int(first), int(last), str(name)]:
            return first, last, name
    raise ValueError("part of an event is neither [token, name] nor [first, last, name]")


def sniff(sample: Sample) -> str | None:
    """JSON records with `sentences` and one of `ner`, `relations`, `events`."""
    claimed = sample.row and "sentences" in sample.row and any(key in sample.row for _, key in _KINDS)
    return "JSON documents with `sentences` and `ner`, `relations` or `events`" if claimed else None


FORMAT = Format(
    "dygie", "DyGIE++ and SciERC: sentences with facts by token, JSON lines", (".json", ".jsonl"), read, sniff,
    example='{"sentences": [["Ada", "left", "Rome"]], "ner": [[[0, 0, "PER"]]], "relations": [[[0, 0, 2, 2, "left"]]]}',
)
