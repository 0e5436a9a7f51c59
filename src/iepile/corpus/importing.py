"""Raw data sets to documents in the unified format, whole or cut into parts.

iepile import train.char.bmes train.jsonl --label_names labels.yaml --schema_path schema.yaml
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import get_format, read_documents
from iepile.corpus.formats.reading import ReadOptions
from iepile.errors import InputError
from iepile.jsonl import check_targets, write_rows
from iepile.records import Document
from iepile.schema import EntityType, EventType, RelationType, Role, Schema
from iepile.unified import document_to_row


@dataclass(kw_only=True)
class ImportConfig:
    """Read an annotated data set in its raw format and write documents in the unified format."""

    src_path: str
    """The raw file, or the folder of a format that keeps a file a document."""
    tgt_path: str
    """File to write, JSON lines; with `parts`, a name with {part} in it."""
    format: str = "auto"
    """Raw format (`iepile formats` lists them); auto guesses and says why."""
    language: str | None = None
    """zh or en; default: by the script of each text."""
    source: str | None = None
    """Name of the data set, kept in every document."""
    label_names: str | None = None
    """YAML or JSON mapping from raw labels to names in natural language; "" leaves a label out."""
    schema_path: str | None = None
    """Also write the labels that occur, as a schema (JSON, which is YAML too)."""
    raw_schema: str | None = None
    """The data set's own schema file, where the format has one: its labels come first in schema_path."""
    parts: str | None = None
    """Shuffle and cut: "train=1080,dev=120,test=292", or shares that add up to 1."""
    seed: int = 13
    """Seed of that shuffle."""


class ImportSummary(msgspec.Struct):
    """What was read."""

    format: str
    reason: str
    documents: int
    entities: int
    relations: int
    events: int
    mentions: int
    with_place: int
    """Mentions whose place in the text is known and checked."""
    repairs: dict[str, int]
    """What had to be mended or left out, counted."""
    files: dict[str, int]
    """File written -> documents in it."""


def import_documents(config: ImportConfig) -> ImportSummary:
    """Run the import; see `ImportConfig`.

    Raises:
        InputError: unreadable file or record, unknown format, parts that do not add up.
    """
    cut = _parse_parts(config.parts) if config.parts else None
    if cut is not None and "{part}" not in config.tgt_path:
        raise InputError(
            "parts need a place in the name", field="tgt_path", expected="a name with {part} in it"
        )
    targets = [config.tgt_path] if cut is None else [config.tgt_path.replace("{part}", name) for name, _ in cut]
    check_targets((*targets, config.schema_path), (config.src_path, config.label_names, config.raw_schema))
    options = ReadOptions(
        language=config.language, source=config.source, labels=_label_names(config.label_names)
    )
    counts, seen = [0, 0, 0, 0, 0], Schema()
    parts: set[Schema] = set()
    files: dict[str, int] = {}

    def counted() -> Iterator[Document]:
        nonlocal seen
        for doc in read_documents(config.src_path, config.format, options):
            for i, facts in enumerate((doc.entities, doc.relations, doc.events)):
                counts[i] += len(facts)
            spans = doc.facts.spans()
            counts[3] += len(spans)
            counts[4] += sum(span.grounded for span in spans)
            if config.schema_path:
                part = observed(doc)
                if part not in parts:  # most documents bring no new label
                    parts.add(part)
                    seen = seen + part
            yield doc

    if cut is None:
        files[config.tgt_path] = write_rows(config.tgt_path, map(document_to_row, counted()))
    else:
        docs = list(counted())
        random.Random(config.seed).shuffle(docs)
        start = 0
        for target, size in zip(targets, _sizes(cut, len(docs)), strict=True):
            files[target] = write_rows(target, map(document_to_row, docs[start : start + size]))
            start += size
    s = options.summary
    if config.schema_path:
        (_raw_schema(s.format, config.raw_schema) + seen).write(config.schema_path)
    repairs = {str(k): n for k, n in sorted(s.repairs.items()) if n}
    entities, relations, events, mentions, placed = counts
    return ImportSummary(s.format, s.reason, s.documents, entities, relations, events, mentions, placed, repairs, files)


def _raw_schema(format_name: str, path: str | None) -> Schema:
    if path is None:
        return Schema()
    reader = get_format(format_name).read_event_schema
    if reader is None:
        raise InputError(f"format {format_name} has no schema file", field="raw_schema", fix="drop the flag")
    return Schema.of_events(reader(path))


def observed(doc: Document) -> Schema:
    """The labels that one document uses, as a schema; relations know the types they joined."""
    return Schema(
        tuple(EntityType(n) for n in dict.fromkeys(e.type for e in doc.entities)),
        tuple(_relation(n, doc) for n in dict.fromkeys(r.type for r in doc.relations)),
        tuple(
            EventType(
                n,
                tuple(
                    Role(r)
                    for r in dict.fromkeys(a.role for e in doc.events if e.type == n for a in e.arguments)
                ),
            )
            for n in dict.fromkeys(e.type for e in doc.events)
        ),
    )


def _relation(name: str, doc: Document) -> RelationType:
    """The pairs of types it was seen to join; at an end where one was not given, any."""
    pairs = dict.fromkeys((r.head_type, r.tail_type) for r in doc.relations if r.type == name)
    known = [(head, tail) for head, tail in pairs if head is not None and tail is not None]
    if len(known) == len(pairs):
        return RelationType.joining(name, known)
    return RelationType(name, domain=_types(head for head, _ in pairs), range=_types(tail for _, tail in pairs))


def _types(found: Iterable[str | None]) -> tuple[str, ...]:
    types = dict.fromkeys(found)
    return () if None in types else tuple(t for t in types if t is not None)


def _label_names(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    import yaml

    try:
        # The base loader reads every scalar as text: a tag called NO or 1 stays what it is.
        data = yaml.load(Path(path).read_text("utf-8-sig"), yaml.BaseLoader)
    except RecursionError:
        raise InputError("too deeply nested", file=path, field="label_names") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise InputError(f"cannot be read: {e}", file=path, field="label_names") from None
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        raise InputError(
            "not a mapping of labels", file=path, field="label_names", expected="raw: name, one a line"
        )
    return dict(data)


def _parse_parts(text: str) -> list[tuple[str, float]]:
    try:
        cut = [(name.strip(), float(size)) for name, size in (p.split("=") for p in text.split(","))]
    except ValueError:
        raise InputError(
            f"{text!r} cannot be read", field="parts", expected="train=0.8,dev=0.1,test=0.1"
        ) from None
    names = [name for name, _ in cut]
    if len(set(names)) < len(names):
        raise InputError(f"{text!r} names a part twice", field="parts", expected="train=0.8,dev=0.1,test=0.1")
    if any(not 0 <= size < math.inf for _, size in cut) or not all(names):
        raise InputError(
            f"{text!r} cannot be read", field="parts", expected="names and sizes that are not negative"
        )
    return cut


def _sizes(cut: list[tuple[str, float]], n: int) -> list[int]:
    total = sum(size for _, size in cut)
    if all(size <= 1 for _, size in cut) and abs(total - 1) < 1e-9:
        borders = [round(n * sum(size for _, size in cut[: i + 1])) for i in range(len(cut))]
        return [b - a for a, b in zip([0, *borders[:-1]], borders, strict=True)]
    if total > n or any(size != int(size) for _, size in cut):
        raise InputError(
            f"the parts ask for {total:g} of {n} documents",
            field="parts",
            expected="whole numbers that fit, or shares that add up to 1",
        )
    return [int(size) for _, size in cut]
