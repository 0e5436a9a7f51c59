"""RelationPrompt's zero-shot sets (FewRel, Wiki-ZSL): JSON lines of the triplets of one sentence.

    {"triplets": [{"tokens": ["Ada", "was", "born", "in", "Rome"], "head": [0], "tail": [4],
                   "label": "birthplace", "label_id": "P19"}]}

Every triplet repeats the tokens of the sentence. `head` and `tail` are token numbers; where they leave gaps,
the covering stretch is taken and the pieces go to `meta["pieces"]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.places import token_pieces
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document, Relation


class _Triplet(msgspec.Struct):
    tokens: list[str]
    head: list[int]
    tail: list[int]
    label: str


class _Row(msgspec.Struct):
    triplets: list[_Triplet]


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        tokens = row.triplets[0].tokens if row.triplets else []
        if any(t.tokens != tokens for t in row.triplets):
            raise ValueError("the triplets of a record are of different sentences")
        words = TokenText(tokens, options)
        if not words.text.strip():
            options.summary.count(Repair.NO_TEXT)
            continue
        found = (token_pieces(words, numbers) for t in row.triplets for numbers in (t.head, t.tail))
        pieces = [p for p in found if len(p) > 1]
        yield options.finish(Document(
            words.text, language=words.language,
            relations=tuple(
                Relation(options.label(t.label), words.span_of(t.head), words.span_of(t.tail)) for t in row.triplets),
            annotated=("relation",), meta={"pieces": pieces} if pieces else {},
        ))


def sniff(sample: Sample) -> str | None:
    """JSON records with `triplets`, each with tokens, head and tail."""
    triplets = (sample.row or {}).get("triplets")
    first = triplets[0] if isinstance(triplets, list) and triplets else None
    claimed = isinstance(first, dict) and {"tokens", "head", "tail", "label"} <= set(first)
    return "JSON records with `triplets` of tokens, head, tail and label" if claimed else None


FORMAT = Format(
    "zero_rte", "RelationPrompt's zero-shot relation sets, JSON lines of triplets", (".jsonl", ".json"), read, sniff,
    example='{"triplets": [{"tokens": ["Ada", "was", "born", "in", "Rome"], "head": [0], "tail": [4], '
            '"label": "birthplace", "label_id": "P19"}]}',
)
