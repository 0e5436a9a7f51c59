"""W2NER: JSON records of tokens and mentions as lists of token numbers, nested or in several pieces.

    {"sentence": ["pain", "in", "arm", "and", "leg"], "ner": [{"index": [0, 1, 4], "type": "ADR"}]}

A mention of tokens that are not neighbours is kept as the stretch that covers them, its pieces in
`meta["pieces"]`. The `word` lists of the Chinese sets (characters of each word) are not needed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document, Entity


class _Mention(msgspec.Struct):
    index: list[int]
    type: str


class _Row(msgspec.Struct):
    sentence: list[str]
    ner: list[_Mention] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record; the first ones decide for all whether a space stands between tokens."""
    first = itertools.islice(options.rows(path, _Row), 50)
    language = options.language_of(" ".join(token for row in first for token in row.sentence))
    for row in options.rows(path, _Row):
        if not any(row.sentence):
            options.summary.count(Repair.NO_TEXT)
            continue
        words = TokenText(row.sentence, options, language)
        entities, pieces = [], []
        for mention in row.ner or ():
            entities.append(Entity(options.label(mention.type), words.span_of(mention.index)))
            runs = _runs(mention.index)
            if len(runs) > 1:
                pieces.append([list(words.span(first, past).offsets or ()) for first, past in runs])
        yield options.finish(Document(
            words.text, language=words.language, entities=tuple(entities),
            annotated=() if row.ner is None else ("entity",), meta={"pieces": pieces} if pieces else {},
        ))


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """The stretches of neighbouring numbers, ends exclusive."""
    runs = []
    for _, group in itertools.groupby(enumerate(sorted(set(numbers))), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        runs.append((run[0], run[-1] + 1))
    return runs


def sniff(sample: Sample) -> str | None:
    """JSON records with a list `sentence` and `ner`, whose mentions have an `index`."""
    row = sample.row or {}
    if not isinstance(row.get("sentence"), list) or not isinstance(row.get("ner"), list) or "event" in row:
        return None
    found = all(isinstance(mention, dict) and "index" in mention for mention in row["ner"])
    return "JSON records with `sentence` tokens and `ner`" if found else None


FORMAT = Format(
    "w2ner", "W2NER records: tokens and mentions as token numbers, nested or in pieces", (".json",), read, sniff,
    example='{"sentence": ["pain", "in", "arm", "and", "leg"], "ner": [{"index": [0, 1, 4], "type": "ADR"}]}',
)
