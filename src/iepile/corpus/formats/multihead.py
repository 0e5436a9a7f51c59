"""Multi-head selection: five columns, number, token, BIO tag, relations and where they point.

    #doc 7
    0   Ada     B-Peop  ['N']           [0]
    1   Bird    I-Peop  ['Live_In']     [4]
    2   lives   O       ['N']           [2]
    3   in      O       ['N']           [3]
    4   Rome    B-Loc   ['N']           [4]

A relation stands on the last token of its head and points at the last token of its tail; N is none. One
that does not join two mentions is left out (DANGLING).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Document, Relation

_LINE = re.compile(r"(\d+)\t([^\t]+)\t([^\t]+)\t(\[.*\])\t(\[.*\])")
_Line = tuple[str, str, list[tuple[str, int]]]
"""Token, tag, and the relations that begin there with their targets."""


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document for each `#doc` line (or blank line) and the tokens below it."""
    key: str | None = None
    lines: list[_Line] = []
    for _, line in options.lines(path):
        if not line.strip() or line.startswith("#doc"):
            if lines:
                yield options.finish(_document(key, lines, options))
            key, lines = (line.removeprefix("#doc").strip() or None), []
            continue
        m = _LINE.fullmatch(line)
        if m is None or int(m[1]) != len(lines):
            raise ValueError(f"not the five columns of token {len(lines)}")
        names = msgspec.json.decode(m[4].replace("'", '"'), type=list[str])
        targets = msgspec.json.decode(m[5], type=list[int])
        lines.append((m[2], m[3], list(zip(names, targets, strict=True))))
    if lines:
        yield options.finish(_document(key, lines, options))


def _document(key: str | None, lines: list[_Line], options: ReadOptions) -> Document:
    spans, ill = spans_of_tags([tag for _, tag, _ in lines])
    options.summary.count(Repair.TAGS, ill)
    doc = tagged_document(TokenText([token for token, _, _ in lines], options), spans, options)
    ending_at = {past - 1: entity for (_, _, past), entity in zip(spans, doc.entities, strict=True)}
    relations = []
    for at, (_, _, found) in enumerate(lines):
        for name, target in found:
            if name == "N":
                continue
            head, tail = ending_at.get(at), ending_at.get(target)
            if head and tail:
                relations.append(Relation(options.label(name), head.span, tail.span, head.type or None,
                                          tail.type or None))
            else:
                options.summary.count(Repair.DANGLING)
    return msgspec.structs.replace(doc, id=key, relations=tuple(relations), annotated=("entity", "relation"))


def sniff(sample: Sample) -> str | None:
    """A `#doc` line, or token lines whose last two columns are lists."""
    lines = [line.rstrip() for line in sample.lines if line.strip()][:3]
    rows = [line for line in lines if not line.startswith("#doc")]
    claimed = rows and all(_LINE.fullmatch(line) for line in rows)
    return "five columns, the last two lists of relations and their targets" if claimed else None


FORMAT = Format(
    "multihead", "multi-head selection: number, token, tag, relations and targets in columns", (".txt",), read, sniff,
    example="#doc 7\n0\tAda\tB-Peop\t['N']\t[0]\n1\tBird\tI-Peop\t['Live_In']\t[4]\n2\tlives\tO\t['N']\t[2]\n"
            "3\tin\tO\t['N']\t[3]\n4\tRome\tB-Loc\t['N']\t[4]\n",
)
