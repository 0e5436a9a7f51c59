"""EEQA: one JSON object a sentence of tokens, its events as lists of token spans.

    {"id": "1_1", "sentence": ["Rash", "after", "amoxicillin", "."], "s_start": 0, "ner": [], "relation": [],
     "event": [[[1, 1, "Adverse_event"], [0, 0, "Effect"], [2, 2, "Treatment.Drug"]]]}

The first entry of an event is its trigger (also written `[token, type]`), the others are arguments; ends are
inclusive, and all numbers count from `s_start`, the sentence's place in its document. `ner` holds
`[first, last, type]` and `relation` `[first, last, first, last, type]`; files made for events alone leave
them empty, so an empty list there does not say that there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Argument, Document, Entity, Event, Relation


class _Row(msgspec.Struct):
    sentence: list[str]
    event: list[list[list[int | str]]]
    s_start: int = 0
    id: int | str | None = None
    ner: list[tuple[int, int, str]] = []
    relation: list[tuple[int, int, int, int, str]] = []


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a sentence."""
    for row in options.rows(path, _Row):
        if not any(row.sentence):
            options.summary.count(Repair.NO_TEXT)
            continue
        words, at, name = TokenText(row.sentence, options), row.s_start, options.label
        events = []
        for entries in row.event:
            found = []
            for *ends, label in entries:
                first, last = int(ends[0]) - at, int(ends[-1]) - at
                found.append((name(str(label)), words.span(first, last + 1)))
            events.append(Event(*found[0], tuple(Argument(*f) for f in found[1:])))
        types = {(s, e): name(label) for s, e, label in row.ner}
        yield options.finish(Document(
            words.text, None if row.id is None else str(row.id), words.language,
            entities=tuple(Entity(name(label), words.span(s - at, e - at + 1)) for s, e, label in row.ner),
            relations=tuple(
                Relation(name(label), words.span(s - at, e - at + 1), words.span(s2 - at, e2 - at + 1),
                         types.get((s, e)), types.get((s2, e2)))
                for s, e, s2, e2, label in row.relation),
            events=tuple(events),
            annotated=("entity",) * bool(row.ner) + ("relation",) * bool(row.relation) + ("event",),
        ))


def sniff(sample: Sample) -> str | None:
    """JSON records with `sentence`, `s_start` and `event`."""
    claimed = {"sentence", "s_start", "event"} <= set(sample.row or {})
    return "JSON records with `sentence`, `s_start` and `event`" if claimed else None


FORMAT = Format(
    "eeqa", "EEQA sentences of tokens with events, JSON lines", (".json",), read, sniff,
    example='{"id": "1_1", "sentence": ["Rash", "after", "amoxicillin", "."], "s_start": 0, "ner": [], '
            '"relation": [], "event": [[[1, 1, "Adverse_event"], [0, 0, "Effect"]]]}',
)
