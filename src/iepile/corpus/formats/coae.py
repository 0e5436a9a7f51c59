"""COAE2016 task 3: lines of a sentence that marks two entities, a tab and the code of their relation.

    <e1>张三</e1>生于<e2>1950年</e2>。    cr2
    0001    <e1>张三</e1>生于<e2>1950年</e2>。

The head is e1, wherever it stands. Test files have a number before the sentence and no label: they are not
annotated, and the marked ends stay in `meta["head"]` and `meta["tail"]`. `train.tsv` has labels but no marks:
its documents are not annotated either, the label stays in `meta["relation"]`. What the codes mean is
described outside the files: name them with label names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.marked import marked_document
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.language import language_of
from iepile.records import Document

_CODE = re.compile(r"cr-?\d+")
_NUMBER = re.compile(r"\d{4}")
_MARK = re.compile(r"</?e[12]>")


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a line."""
    for _, line in options.lines(path):
        if not line.strip():
            continue
        first, tab, second = line.partition("\t")
        if not tab or "\t" in second:
            raise ValueError("not two columns parted by a tab")
        number, sentence, label = (first, second, None) if _NUMBER.fullmatch(first) else (None, first, second.strip())
        if not sentence.strip() or label == "":
            options.summary.count(Repair.NO_TEXT)
        elif _MARK.search(sentence):
            yield options.finish(marked_document(sentence.strip(), label, options, number))
        else:
            meta = {"relation": options.label(label)} if label else {}
            yield options.finish(Document(sentence.strip(), number, meta=meta))


def sniff(sample: Sample) -> str | None:
    """Chinese lines of two columns, all with a code behind or a four-digit number before the sentence."""
    rows = [line.rstrip("\r").split("\t") for line in sample.lines if line.strip()]
    if not rows or any(len(row) != 2 for row in rows):
        return None
    if all(_CODE.fullmatch(row[1].strip()) for row in rows):
        return "sentences with a relation code such as cr2"
    numbered = all(_NUMBER.fullmatch(row[0]) for row in rows) and language_of(sample.head) == "zh"
    return "Chinese sentences with a four-digit number before them" if numbered else None


FORMAT = Format(
    "coae", "COAE2016 task 3 relations, marked sentence and label in columns", (".tsv", ".txt"), read, sniff,
    example="<e1>张三</e1>生于<e2>1950年</e2>。\tcr2\n",
)
