"""The test rows of a data set: the split that is scored, its labels, and the questions of the polling conversion.

    made = write_questions(chosen, found, sample, folder)     # documents.jsonl, schema.json, rows.jsonl
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from heapq import heappush, heappushpop
from pathlib import Path
from typing import NamedTuple

import msgspec

from iepile.bench.suite import Chosen
from iepile.corpus.build_read import LabelsSeen, side_of
from iepile.corpus.catalog import Card, Found
from iepile.corpus.convert import ConvertConfig, convert
from iepile.errors import InputError
from iepile.jsonl import check_folder, write_rows
from iepile.records import Document
from iepile.schema import EntityType, EventType, RelationType, Role, Schema
from iepile.tasks.task import get_task
from iepile.unified import document_to_row

DOCUMENTS, SCHEMA, ROWS = "documents.jsonl", "schema.json", "rows.jsonl"


class Sample(NamedTuple):
    """How many texts of a data set are taken, and which."""

    limit: int
    """Most texts; 0: all."""
    seed: int


class NothingToScore(InputError):
    """The data set is there, but not with what could be scored."""


class Questions(msgspec.Struct):
    """What there is to answer."""

    split: str
    """Split as the data has it; `all` where it comes without splits and the card cuts it."""
    texts: int
    of_texts: int
    """Texts of the split before the sample was drawn."""
    rows: int
    labels: int
    unannotated: int = 0
    """Texts without annotation, which nobody can score."""
    unasked: int = 0
    """Texts about which the task has nothing to ask."""
    repairs: dict[str, int] = {}
    """What the reader mended or left out in that split."""


def write_questions(chosen: Chosen, found: Found, sample: Sample, folder: Path) -> Questions:
    """Read a data set and write its test documents, schema and rows.

    Raises:
        NothingToScore: none of the entry's splits is there with annotation.
        InputError: a record cannot be read.
    """
    check_folder(folder)
    made, documents = _scored(chosen, found, sample)
    write_rows(folder / DOCUMENTS, map(document_to_row, documents))
    schema = _labels(found)
    schema.write(folder / SCHEMA)
    made.labels = len(get_task(chosen.entry.task).items(schema))
    summary = convert(ConvertConfig(
        src_path=str(folder / DOCUMENTS), tgt_path=str(folder / ROWS), schema_path=str(folder / SCHEMA),
        task=chosen.entry.task, language=found.card.language, split="test", split_num=chosen.split_num,
        positions=True, source=found.card.name))
    made.rows, made.unasked = summary.rows, sum(summary.skipped.values())
    return made


def _scored(chosen: Chosen, found: Found, sample: Sample) -> tuple[Questions, list[Document]]:
    """The texts to score, from the first split that has any with annotation."""
    annotation = get_task(chosen.entry.task).annotation
    for split in ("all",) if "all" in found.splits else chosen.entry.splits:
        if split not in found.splits:
            continue
        made = Questions(split, 0, 0, 0, 0)
        taken: list[tuple[int, int, Document]] = []  # a heap: the one with the lowest rank goes first
        options = found.options(split)
        for doc in _cut(found.card, found.read(split, options), split):
            if annotation not in doc.annotated:
                made.unannotated += 1
                continue
            made.of_texts += 1
            if not sample.limit:
                taken.append((0, -made.of_texts, doc))
                continue
            entry = (-_rank(sample.seed, made.of_texts, doc), -made.of_texts, doc)
            if len(taken) < sample.limit:
                heappush(taken, entry)
            else:
                heappushpop(taken, entry)
        if taken:
            made.texts = len(taken)
            made.repairs = {str(k): n for k, n in sorted(options.summary.repairs.items()) if n}
            return made, [doc for _, _, doc in sorted(taken, key=lambda t: -t[1])]
    raise NothingToScore(f"only {', '.join(found.splits)}, and no {' or '.join(chosen.entry.splits)} with annotation",
                         file=found.folder)


def _cut(card: Card, documents: Iterator[Document], split: str) -> Iterator[Document]:
    if split != "all" or card.cut is None:
        return documents
    shares = {"train": card.cut.train, "dev": card.cut.dev, "test": card.cut.test}
    seed = card.cut.seed
    return (doc for doc in documents if side_of(shares, f"{seed}\0{doc.text}") == "test")


def _rank(seed: int, number: int, doc: Document) -> int:
    words = f"{seed}\0{number}\0{doc.key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(words, digest_size=8).digest())


def _labels(found: Found) -> Schema:
    """The labels of all splits: those of the scored one alone would tell what is in it."""
    labels = LabelsSeen(found.card)
    for split in found.splits:
        for doc in found.read(split):
            labels.add(doc)
    if any(form == "unified" for files in found.splits.values() for _, form in files):
        path = found.folder / "schema.json"
        if path.is_file():
            labels.seen = labels.seen + _renamed(Schema.read(path, found.card.task), found.card.names)
    return labels.schema()


def _renamed(schema: Schema, names: dict[str, str]) -> Schema:
    """Labels as the card names them; without those that it leaves out."""
    return Schema(
        tuple(EntityType(n) for e in schema.entities if (n := names.get(e.name, e.name))),
        tuple(RelationType(n) for r in schema.relations if (n := names.get(r.name, r.name))),
        tuple(EventType(n, tuple(Role(m) for r in e.roles if (m := names.get(r.name, r.name))))
              for e in schema.events if (n := names.get(e.name, e.name))),
    )
