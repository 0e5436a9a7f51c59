"""PubTator (NCBI disease, BC5CDR): title, abstract and annotations of a paper, a blank line after each.

    10|t|A trial of aspirin
    10|a|Aspirin caused asthma.
    10	11	18	aspirin	Chemical	D001241
    10	34	40	asthma	Disease	D001249
    10	CID	D001241	D001249

Offsets count characters of the title, one separating character and the abstract: that is our text, with a line
feed between. A title keeps the blanks it ends in. A relation joins concepts: it is kept between the first mention
of each (`D1|D2` mentions both). Documents are annotated for relations if the file has one near its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Entity, Relation, Span

_PASSAGE = re.compile(r"([^|\t]+)\|([ta])\|(.*)")
_MENTION = re.compile(r"[^\t]+\t(\d{1,9})\t(\d{1,9})\t([^\t]+)\t([^\t]+)(?:\t([^\t]*))?.*", re.ASCII)
_RELATION = re.compile(r"[^\t]+\t([^\t\d][^\t]*)\t([^\t]+)\t([^\t]+)")


@dataclass
class _Paper:
    number: str
    passages: list[str]
    mentions: list[re.Match[str]] = field(default_factory=list)
    relations: list[re.Match[str]] = field(default_factory=list)


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a paper."""
    related = any(map(_RELATION.fullmatch, Sample(path).lines))
    paper: _Paper | None = None
    for _, line in options.lines(path):
        if not line.strip():
            continue
        passage = _PASSAGE.fullmatch(line)
        if passage and passage[2] == "t":
            if paper:
                yield _document(paper, related, options)
            paper = _Paper(passage[1], [passage[3]])
        elif not paper or not line.startswith((paper.number + "|", paper.number + "\t")):
            raise ValueError("the line belongs to no title before it")
        elif passage:
            paper.passages.append(passage[3])
        elif m := _MENTION.fullmatch(line):
            paper.mentions.append(m)
        elif m := _RELATION.fullmatch(line):
            paper.relations.append(m)
        else:
            raise ValueError("neither a passage nor a mention nor a relation")
    if paper:
        yield _document(paper, related, options)


def _document(paper: _Paper, related: bool, options: ReadOptions) -> Document:
    text = "\n".join(paper.passages)
    entities, relations = [], []
    first: dict[str, Entity] = {}
    for m in paper.mentions:
        entities.append(Entity(options.label(m[4]), _span(text, int(m[1]), int(m[2]), m[3], options)))
        for concept in re.split(r"[|;,+]", m[5] or ""):
            first.setdefault(concept.strip(), entities[-1])
    for m in paper.relations:
        head, tail = first.get(m[2]), first.get(m[3])
        options.summary.count(Repair.DANGLING, head is None or tail is None)
        if head and tail:
            relations.append(Relation(options.label(m[1]), head.span, tail.span, head.type, tail.type))
    kinds = ("entity", "relation") if related else ("entity",)
    doc = Document(text, paper.number, entities=tuple(entities), relations=tuple(relations), annotated=kinds)
    return options.finish(doc)


def _span(text: str, start: int, end: int, mention: str, options: ReadOptions) -> Span:
    only_blanks_differ = text[start:end] != mention and text[start:end].split() == mention.split() != []
    return options.stretch(text, [(start, end)]) if only_blanks_differ else options.locate(text, mention, start)


def sniff(sample: Sample) -> str | None:
    """The first line that is not blank is a title, `number|t|...`."""
    line = next((line for line in sample.lines if line.strip()), "")
    m = _PASSAGE.fullmatch(line)
    return "lines `number|t|title`" if m and m[2] == "t" else None


FORMAT = Format(
    "pubtator", "PubTator: title, abstract and offsets of a paper", (".txt", ".pubtator"), read, sniff,
    example="10|t|A trial of aspirin\n10|a|Aspirin caused asthma.\n10\t11\t18\taspirin\tChemical\tD001241\n"
            "10\t34\t40\tasthma\tDisease\tD001249\n10\tCID\tD001241\tD001249\n",
)
