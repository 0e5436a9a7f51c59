"""MIT movie and restaurant (`.bio`): columns with the tag first, then the token; a blank line after each sentence.

    O	find
    B-Actor	Ada
    I-Actor	Byron

Only the order of the columns differs from `bmes`, so guessing looks at which column holds nothing but tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.columns import is_tag, rows_of, sentences
from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a sentence."""
    language = options.language_of(" ".join(cells[1] for cells in rows_of(Sample(path).lines)))
    for sentence in sentences(path, options):
        pairs = [_pair(cells, options) for cells in sentence]
        spans, ill = spans_of_tags([tag for tag, _ in pairs])
        options.summary.count(Repair.TAGS, ill)
        words = TokenText([token for _, token in pairs], options, language)
        yield options.finish(tagged_document(words, spans, options))


def _pair(cells: list[str], options: ReadOptions) -> tuple[str, str]:
    """The tag and the token of a line; a line of one cell is a token without a tag."""
    if len(cells) > 1 and is_tag(cells[0]):
        return cells[0], cells[1]
    options.summary.count(Repair.COLUMNS)
    return "O", cells[0]


def sniff(sample: Sample) -> str | None:
    """Two columns, the first of them nothing but tags, the second not."""
    rows = rows_of(sample.lines)
    marks = sorted({cells[0][0] for cells in rows if cells[0] != "O"})
    if not marks or not all(len(cells) == 2 and is_tag(cells[0]) for cells in rows):
        return None
    return None if all(is_tag(cells[1]) for cells in rows) else f"columns that begin with tags ({', '.join(marks)}, O)"


FORMAT = Format(
    "tag_first", "tag and token in columns, the tag first (MIT movie, MIT restaurant)", (".bio", ".txt"), read, sniff,
    example="O\tfind\nB-Actor\tAda\nI-Actor\tByron\n",
)
