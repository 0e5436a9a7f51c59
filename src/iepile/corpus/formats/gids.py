"""GIDS as its authors publish it: lines of two names, their relation and a sentence, parted by tabs.

    /m/01    /m/02    Ada_Bird    Rome    /people/person/place_of_birth    Ada_Bird was born in Rome . ###END###

Columns: Freebase ids and names of head and tail, relation, sentence. The names are one word each, also in
the sentence, where they take the place of what stood there: their underscores are read as spaces again. The
ids go to `meta`. (The JSON copies of GIDS are of format opennre.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.places import locate_words
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Relation

_END = "###END###"


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a line."""
    for _, line in options.lines(path):
        if not line.strip():
            continue
        head_id, tail_id, head, tail, relation, text = line.split("\t")
        for name in sorted((head, tail), key=len, reverse=True):  # a name may be part of the other
            text = text.replace(name, name.replace("_", " ")) if name else text
        text = text.strip().removesuffix(_END).strip()
        if not text:
            options.summary.count(Repair.NO_TEXT)
            continue
        ends = [locate_words(text, name.replace("_", " "), options) for name in (head, tail) if name]
        found = (Relation(options.label(relation), ends[0], ends[1]),) if len(ends) == 2 else ()
        options.summary.count(Repair.EMPTY_MENTION, not found)
        yield options.finish(Document(text, relations=found, annotated=("relation",),
                                      meta={"head_id": head_id, "tail_id": tail_id}))


def sniff(sample: Sample) -> str | None:
    """Six columns, the last of which ends as no sentence does."""
    lines = [line for line in sample.lines[:3] if line.strip()]
    claimed = lines and all(line.count("\t") == 5 and line.rstrip().endswith(_END) for line in lines)
    return f"six columns that end in {_END}" if claimed else None


FORMAT = Format(
    "gids", "GIDS: two names, their relation and a sentence a line, parted by tabs", (".tsv",), read, sniff,
    example="/m/01\t/m/02\tAda_Bird\tRome\t/people/person/place_of_birth\tAda_Bird was born in Rome . ###END###",
)
