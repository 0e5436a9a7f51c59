"""RAMS: documents of a few sentences with one event each, arguments across sentences; JSON lines.

    {"doc_key": "d1", "sentences": [["Ada", "left", "."], ["Bob", "paid", "her", "."]],
     "evt_triggers": [[4, 4, [["transaction.transfermoney.payforservice", 1.0]]]],
     "ent_spans": [[0, 0, [["evt001arg02recipient", 1.0]]], [3, 3, [["evt001arg01giver", 1.0]]]],
     "gold_evt_links": [[[4, 4], [3, 3], "evt001arg01giver"], [[4, 4], [0, 0], "evt001arg02recipient"]]}

Token numbers run through the document, ends inclusive. The role is what follows event and argument number.
A trigger of several types has the likeliest. `ent_spans` only repeats the arguments: these are no entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Argument, Document, Event

_NUMBERS = re.compile(r"^evt\d+arg\d+")


class _Row(msgspec.Struct):
    sentences: list[list[str]]
    doc_key: int | str | None = None
    evt_triggers: list[tuple[int, int, list[tuple[str, float]]]] | None = None
    gold_evt_links: list[tuple[tuple[int, int], tuple[int, int], str]] = []


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        tokens = [token for sentence in row.sentences for token in sentence]
        if not any(tokens):
            options.summary.count(Repair.NO_TEXT)
            continue
        words = TokenText(tokens, options)
        arguments: dict[tuple[int, int], list[Argument]] = {(s, e): [] for s, e, _ in row.evt_triggers or ()}
        for trigger, (first, last), link in row.gold_evt_links:
            if trigger not in arguments:
                options.summary.count(Repair.DANGLING)
                continue
            role = options.label(_NUMBERS.sub("", link))
            arguments[trigger].append(Argument(role, words.span(first, last + 1)))
        yield options.finish(Document(
            words.text, None if row.doc_key is None else str(row.doc_key), words.language,
            events=tuple(
                Event(options.label(max(types, key=lambda t: t[1])[0]), words.span(s, e + 1), tuple(arguments[s, e]))
                for s, e, types in row.evt_triggers or ()),
            annotated=() if row.evt_triggers is None else ("event",),
        ))


def sniff(sample: Sample) -> str | None:
    """JSON records with `evt_triggers` and `gold_evt_links`."""
    claimed = {"evt_triggers", "gold_evt_links"} <= set(sample.row or {})
    return "JSON records with `evt_triggers` and `gold_evt_links`" if claimed else None


FORMAT = Format(
    "rams", "RAMS documents with one event each, JSON lines", (".jsonlines", ".jsonl"), read, sniff,
    example='{"doc_key": "d1", "sentences": [["Bob", "paid", "her", "."]], '
            '"evt_triggers": [[1, 1, [["transaction.payment", 1.0]]]], '
            '"gold_evt_links": [[[1, 1], [0, 0], "evt001arg01giver"]]}',
)
