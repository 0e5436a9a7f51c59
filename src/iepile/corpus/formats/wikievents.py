"""WikiEvents and OneIE: JSON lines of tokens, entity mentions, events and relations by entity id.

    {"doc_id": "d1", "tokens": ["Ada", "met", "Bob"], "sentences": [[[["Ada", 0, 3], ...], "Ada met Bob"]],
     "entity_mentions": [{"id": "T1", "start": 0, "end": 1, "entity_type": "PER", "text": "Ada"}, ...],
     "event_mentions": [{"event_type": "Meet", "trigger": {"start": 1, "end": 2, "text": "met"}, "arguments":
                         [{"entity_id": "T1", "role": "Participant"}]}],
     "relation_mentions": [{"relation_type": "KNOWS", "arguments": [{"entity_id": "T1", "role": "Arg-1"}, ...]}]}

WikiEvents is documents, OneIE sentences (no `sentences`). Token numbers, end exclusive. The text is that of the
sentences, a line each, unless `options.join` says how to join the tokens; coreference is in a file that is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Argument, Document, Entity, Event, Relation
from iepile.tasks.mentions import read_text


class _Entity(msgspec.Struct):
    id: str
    start: int
    end: int
    entity_type: str
    text: str | None = None


class _Row(msgspec.Struct):
    tokens: list[str]
    entity_mentions: list[_Entity] | None = None
    event_mentions: list[dict[str, Any]] | None = None
    relation_mentions: list[dict[str, Any]] | None = None
    doc_id: str | None = None
    sent_id: str | None = None
    sentences: list[tuple[list[tuple[str, int, int]], str]] = []


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        if not any(row.tokens):
            options.summary.count(Repair.NO_TEXT)
            continue
        words, name, events, relations = _words(row, options), options.label, [], []
        known = {e.id: Entity(name(e.entity_type), words.span(e.start, e.end, e.text))
                 for e in row.entity_mentions or ()}
        for event in row.event_mentions or ():
            fillers = [Argument(name(read_text(a["role"])), known[a["entity_id"]].span)
                       for a in event["arguments"] if a["entity_id"] in known]
            options.summary.count(Repair.DANGLING, len(event["arguments"]) - len(fillers))
            trigger = words.span(event["trigger"]["start"], event["trigger"]["end"], event["trigger"].get("text"))
            events.append(Event(name(read_text(event["event_type"])), trigger, tuple(fillers)))
        for relation in row.relation_mentions or ():
            first, second = (known.get(a["entity_id"]) for a in sorted(relation["arguments"], key=lambda a: a["role"]))
            if first is None or second is None:
                options.summary.count(Repair.DANGLING)
                continue
            label = name(read_text(relation["relation_type"]))
            relations.append(Relation(label, first.span, second.span, first.type, second.type))
        seen = (("entity", row.entity_mentions), ("event", row.event_mentions),
                # WikiEvents has this list in every document, and nothing in it.
                ("relation", row.relation_mentions or (None if row.sentences else row.relation_mentions)))
        yield options.finish(Document(
            words.text, row.sent_id or row.doc_id, words.language, None, tuple(known.values()), tuple(relations),
            tuple(events), tuple(kind for kind, found in seen if found is not None)))


def _words(row: _Row, options: ReadOptions) -> TokenText:
    """The tokens, placed in the text of the sentences where that is there and agrees."""
    words, starts, at = TokenText(row.tokens, options), [], 0
    if options.join is None and row.sentences:
        text = "\n".join(sentence for _, sentence in row.sentences)
        for tokens, sentence in row.sentences:
            starts += [at + start - tokens[0][1] for _, start, _ in tokens]
            at += len(sentence) + 1
        if len(starts) == len(row.tokens) and all(map(text.startswith, row.tokens, starts)):
            words.text, words.starts = text, starts
    return words


def sniff(sample: Sample) -> str | None:
    """JSON records with `doc_id`, `tokens` and mentions (a document is longer than what guessing sees)."""
    mentions = '"sentences": [[[[' in sample.head or '"entity_mentions":' in sample.head
    claimed = mentions and '"doc_id":' in sample.head and '"tokens":' in sample.head
    return "JSON records with `tokens`, `doc_id` and mentions" if claimed else None


FORMAT = Format(
    "wikievents", "WikiEvents documents or OneIE sentences, JSON lines", (".jsonl", ".json"), read, sniff,
    example='{"doc_id": "d1", "tokens": ["Ada", "met"], "entity_mentions": [{"id": "T1", "start": 0, "end": 1, '
            '"entity_type": "PER"}], "event_mentions": []}')
