"""Column files: a token and its tag a line, a blank line after each sentence.

The token is the first column, the tag the last; tags are BIO, IOB1, BMES, BIOES or BILOU. Chinese tokens
are joined without a space. A tag that does not follow from the one before it is read as the nearest
mention (a new one where it cannot go on) and counted once.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import TAG, spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document

_WORD_INDEX = re.compile(r".\d")


def sentences(path: Path, options: ReadOptions) -> Iterator[tuple[list[str], list[str]]]:
    """Yield (tokens, tags); lines that open a document (-DOCSTART-) end a sentence too."""
    tokens: list[str] = []
    tags: list[str] = []
    for _, line in options.lines(path):
        line = line.rstrip()
        if not line or line.startswith("-DOCSTART-"):
            if tokens:
                yield tokens, tags
                tokens, tags = [], []
            continue
        separator = "\t" if "\t" in line else " "
        cells = line.split(separator)
        if len(cells) == 1:
            options.summary.count(Repair.COLUMNS)
            cells.append("O")
        # A column file of characters holds blanks too, and they look like a separator.
        tokens.append(cells[0] or separator)
        tags.append(cells[-1])
    if tokens:
        yield tokens, tags


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a sentence."""
    rows = _rows(Sample(path).lines)
    iob1 = not any(t[0] in "MELSU" for _, t in rows) and _opens_with_i(rows)
    language = options.language_of(" ".join(t for t, _ in rows))
    indexed = bool(rows) and all(_WORD_INDEX.fullmatch(token) for token, _ in rows)
    for tokens, tags in sentences(path, options):
        tokens = [token[0] for token in tokens] if indexed else tokens
        spans, ill = spans_of_tags(tags, iob1)
        options.summary.count(Repair.TAGS, ill)
        yield options.finish(tagged_document(TokenText(tokens, options, language), spans, options))


def sniff(sample: Sample) -> str | None:
    """Columns whose last one holds nothing but tags."""
    rows = _rows(sample.lines)
    marks = {tag[0] for _, tag in rows if tag != "O"}
    if not rows or not marks or not all(tag == "O" or TAG.fullmatch(tag) for _, tag in rows):
        return None
    return f"columns that end in tags ({', '.join(sorted(marks))}, O)"


def _rows(lines: Sequence[str]) -> list[tuple[str, str]]:
    """(token, tag) of the lines that have both."""
    pairs = ((line.split("\t") if "\t" in line else line.split(" ")) for line in map(str.rstrip, lines))
    return [(p[0], p[-1]) for p in pairs if len(p) > 1 and p[-1]]


def _opens_with_i(rows: Sequence[tuple[str, str]]) -> bool:
    """IOB1: mentions open with I after O, and B only parts two of a kind that touch."""
    tags = ["O", *(tag for _, tag in rows)]
    pairs = list(itertools.pairwise(tags))
    opened = any(tag[0] == "I" and before == "O" for before, tag in pairs)
    return opened and not any(tag[0] == "B" and before == "O" for before, tag in pairs)


FORMAT = Format(
    "bmes",
    "token and tag in columns: BIO, IOB1, BMES, BIOES, BILOU",
    (".bmes", ".conll", ".tsv", ".txt"),
    read,
    sniff,
)
