"""The ADE corpus: DRUG-AE.rel, DRUG-DOSE.rel and ADE-NEG.txt, one of them or the folder.

    10|Rash after azithromycin.|Rash|120|124|azithromycin|131|143
    11 NEG The patient slept well.

Columns: PubMed id, sentence, effect or dose, its start and end, drug, its start and end. Offsets count from
the beginning of the abstract, which is not there: the sentence starts where most of its mentions fit. The
lines of one sentence become one document. Both .rel files have the same columns, so what the third one
holds says which it is: doses have digits, effects hardly ever (an AE or DOSE in the file's name decides).
The drug is the head. A sentence of ADE-NEG.txt is annotated and has no relation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Relation

_LINE = re.compile(r"(\d+)\|(.+)\|([^|]*)\|(\d{1,9})\|(\d{1,9})\|([^|]*)\|(\d{1,9})\|(\d{1,9})")
_NEGATIVE = re.compile(r"(\d+) NEG (.+)")
_NAMED = re.compile(r"(?<![A-Z])(AE|DOSE)(?![A-Z])")
_KINDS = {"AE": ("DRUG-AE", "Adverse-Effect"), "DOSE": ("DRUG-DOSE", "Dose")}
_WITH_DIGITS = 0.1
"""A file holds doses if more of its third columns have a digit; of the corpus's doses 0.48, of its effects 0.005."""

_Pair = tuple[str, str, int, str, int]
"""Kind, effect or dose, its start, drug, its start."""


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a sentence, numbered within its abstract, in the order of the files."""
    sentences: dict[tuple[str, str], list[_Pair]] = {}
    for file in options.files(path, ".rel", "NEG.txt"):
        lines = list(_lines(file, options))
        kind = _kind(file, [m[3] for m in lines if m.re is _LINE])
        for m in lines:
            pairs = sentences.setdefault((m[1], m[2].strip()), [])
            if m.re is _LINE:
                pairs.append((kind, m[3], int(m[4]), m[6], int(m[7])))
    numbers: Counter[str] = Counter()
    for (abstract, text), pairs in sentences.items():
        start = _start(text, pairs)
        relations = tuple(r for pair in pairs if (r := _relation(text, start, pair, options)))
        key = f"{abstract}-{numbers[abstract]}"
        numbers[abstract] += 1
        yield options.finish(Document(text, key, relations=relations, annotated=("relation",)))


def _lines(file: Path, options: ReadOptions) -> Iterator[re.Match[str]]:
    for _, line in options.lines(file):
        if m := _LINE.fullmatch(line) or _NEGATIVE.fullmatch(line):
            if m[2].strip():
                yield m
            else:
                options.summary.count(Repair.NO_TEXT)
        elif line.strip():
            raise ValueError("neither eight columns parted by | nor `id NEG sentence`")


def _kind(file: Path, words: list[str]) -> str:
    if named := _NAMED.search(file.name.upper()):
        return named[1]
    return "DOSE" if sum(any(c.isdigit() for c in w) for w in words) > _WITH_DIGITS * len(words) else "AE"


def _start(text: str, pairs: list[_Pair]) -> int:
    """Where the sentence begins in its abstract: the offset most mentions agree on, the first of equals."""
    mentions = dict.fromkeys(m for _, other, at, drug, drug_at in pairs for m in ((other, at), (drug, drug_at)))
    votes = Counter(at - m.start() for w, at in mentions if w for m in re.finditer(f"(?={re.escape(w)})", text))
    return max(votes, key=lambda start: votes[start]) if votes else 0


def _relation(text: str, start: int, pair: _Pair, options: ReadOptions) -> Relation | None:
    kind, other, at, drug, drug_at = pair
    if not other or not drug:
        options.summary.count(Repair.EMPTY_MENTION)
        return None
    head, tail = options.locate(text, drug, drug_at - start), options.locate(text, other, at - start)
    name, tail_type = _KINDS[kind]
    return Relation(options.label(name), head, tail, options.label("Drug"), options.label(tail_type))


def sniff(sample: Sample) -> str | None:
    """The eight columns or the NEG lines, or a folder with a .rel file."""
    first = sample.first(".rel", "NEG.txt") if sample.is_folder else sample
    lines = [line.rstrip() for line in first.lines[:3] if line] if first else []
    claimed = lines and all(_LINE.fullmatch(line) or _NEGATIVE.fullmatch(line) for line in lines)
    return "PubMed id, sentence and two mentions with offsets, or `id NEG sentence`" if claimed else None


FORMAT = Format(
    "ade", "ADE corpus: drugs with adverse effects and doses, .rel files", (".rel", ".txt"), read, sniff,
    example="10|Rash after azithromycin.|Rash|120|124|azithromycin|131|143\n11 NEG The patient slept well.\n",
)
