"""MSRA inline tags: segments with a slash and a tag, `nr` person, `ns` place, `nt` organisation, `o` none.

    王芳/nr 在/o 南京/ns 工作。/o

A line is a document, in Chinese unless `options.language` says otherwise: segments stand without a space
between. A slash may be part of a segment: the last one before a space counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document

_SEGMENT = re.compile(r"\s*(\S.*?)(?:/([a-z]{1,4}))?(?=\s|$)(?(2)|\s*$)")
"""A segment and its tag; what stands before the end of the line may have none."""
_LAST = re.compile(r".+/(?:nr|ns|nt|o)")


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a line that is not blank."""
    language = options.language or "zh"
    for _, line in options.lines(path):
        pairs = [(m[1], m[2]) for m in _SEGMENT.finditer(line.rstrip())]
        if not pairs:
            continue
        options.summary.count(Repair.COLUMNS, sum(tag is None for _, tag in pairs))
        spans = [(tag, n, n + 1) for n, (_, tag) in enumerate(pairs) if tag not in ("o", None)]
        words = TokenText([text for text, _ in pairs], options, language)
        yield options.finish(tagged_document(words, spans, options))


def sniff(sample: Sample) -> str | None:
    """Lines that all end in /nr, /ns, /nt or /o."""
    lines = [line.strip() for line in sample.lines if line.strip()]
    found = bool(lines) and all(map(_LAST.fullmatch, lines)) and any("/o" in line for line in lines)
    return "lines that end in /nr, /ns, /nt or /o" if found else None


FORMAT = Format(
    "slash_tags", "MSRA inline tags: text/nr text/o", (".txt",), read, sniff, example="王芳/nr 在/o 南京/ns 工作。/o\n"
)
