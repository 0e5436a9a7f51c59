"""Nested mentions in columns (GENIA): a token and one BIO column a layer; a blank line after each sentence.

    human	B-protein	B-cell
    IL	I-protein	O
    gene	O	O

Every layer holds mentions that do not overlap; mentions of different layers may. A mention that two layers
hold is one mention.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.columns import in_layers, is_tag, rows_of, sentences
from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a sentence, its mentions layer by layer."""
    language = options.language_of(" ".join(cells[0] for cells in rows_of(Sample(path).lines)))
    for sentence in sentences(path, options):
        depth = max(map(len, sentence)) - 1
        spans: dict[tuple[str, int, int], None] = {}
        for layer in range(1, depth + 1):
            found, ill = spans_of_tags([cells[layer] if layer < len(cells) else "O" for cells in sentence])
            spans |= dict.fromkeys(found)
            options.summary.count(Repair.TAGS, ill)
        untagged = (not cells[1:] or not all(map(is_tag, cells[1:])) for cells in sentence)
        options.summary.count(Repair.COLUMNS, sum(untagged))
        words = TokenText([cells[0] for cells in sentence], options, language)
        yield options.finish(tagged_document(words, list(spans), options))


def sniff(sample: Sample) -> str | None:
    """Two or more columns after the token, all of them nothing but tags."""
    rows = rows_of(sample.lines)
    widths = {len(cells) for cells in rows}
    if not in_layers(rows) or len(widths) != 1 or all(tag == "O" for cells in rows for tag in cells[1:]):
        return None
    return f"{widths.pop() - 1} columns of tags"


FORMAT = Format(
    "nested_iob", "nested mentions: a token and a column of BIO tags a layer (GENIA)", (".iob2", ".tsv"), read, sniff,
    example="human\tB-protein\tB-cell\nIL\tI-protein\tO\ngene\tO\tO\n",
)
