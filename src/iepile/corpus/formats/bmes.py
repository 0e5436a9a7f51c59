"""Column files: a token and its tag a line, a blank line after each sentence.

    Ada NNP I-NP B-PER
    left VBD I-VP O

The token is the first column (the second where the first one counts the tokens), the tag the last. Tags are
BIO, IOB1, BMES, BIOES or BILOU. Chinese tokens are joined without a space; where every token is a character
and its place in the word (`李0`), the place is dropped. A line -DOCSTART- ends a sentence, with or without
a blank line. A tag that does not follow from the one before it is read as the nearest mention (a new one
where it cannot go on) and counted.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from iepile.corpus.formats.columns import in_layers, is_tag, numbers_tokens, rows_of, sentences
from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document

_WORD_INDEX = re.compile(r".\d")


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a sentence."""
    rows = rows_of(Sample(path).lines)
    at = 1 if numbers_tokens(rows) else 0
    head, tags = [cells[at] for cells in rows], [cells[-1] for cells in rows]
    iob1 = not any(tag[0] in "MELSU" for tag in tags) and _opens_with_i(tags)
    language = options.language_of(" ".join(head))
    indexed = language == "zh" and all(map(_WORD_INDEX.fullmatch, head))
    for sentence in sentences(path, options):
        pairs = [_pair(cells, at, options) for cells in sentence]
        tokens = [t[0] if indexed and _WORD_INDEX.fullmatch(t) else t for t, _ in pairs]
        spans, ill = spans_of_tags([tag for _, tag in pairs], iob1)
        options.summary.count(Repair.TAGS, ill)
        yield options.finish(tagged_document(TokenText(tokens, options, language), spans, options))


def _pair(cells: list[str], at: int, options: ReadOptions) -> tuple[str, str]:
    """The token and the tag of a line."""
    if len(cells) > at + 1 and is_tag(cells[-1]):
        return cells[at], cells[-1]
    options.summary.count(Repair.COLUMNS)
    return cells[min(at, len(cells) - 1)], "O"


def sniff(sample: Sample) -> str | None:
    """Columns of which the last one is nothing but tags."""
    rows = rows_of(sample.lines)
    marks = sorted({cells[-1][0] for cells in rows if cells[-1] != "O"})
    if not marks or not all(is_tag(cells[-1]) for cells in rows) or in_layers(rows):
        return None
    return f"columns that end in tags ({', '.join(marks)}, O)"


def _opens_with_i(tags: Sequence[str]) -> bool:
    """IOB1: mentions open with I after O, and B only parts two of a kind that touch."""
    pairs = list(itertools.pairwise(["O", *tags]))
    opened = any(tag[0] == "I" and before == "O" for before, tag in pairs)
    return opened and not any(tag[0] == "B" and before == "O" for before, tag in pairs)


FORMAT = Format(
    "bmes", "token and tag in columns: BIO, IOB1, BMES, BIOES, BILOU", (".bmes", ".conll", ".tsv", ".txt"), read, sniff,
    example="Ada B-PER\nByron I-PER\nleft O\nOslo B-LOC\n",
)
