"""Hugging Face data sets on disk: what `save_to_disk` or `to_parquet` wrote, or JSON lines, with their label names.

    {"id": "1", "tokens": ["Ada", "met", "Bob"], "ner_tags": [1, 0, 1]}       # 1 is B-PER of the ClassLabel
    {"id": "1", "text": "Ada met Bob", "entities": [{"start": 0, "end": 3, "label": "PER"}]}

A folder is read as its Arrow, Parquet and JSON-lines files; a split that their paths name goes to `meta["split"]`,
and where a split is asked for only its files are read. Label names come with the files or `dataset_info.json`.
Labels without B and I make one mention of neighbours of a kind. No loading script is run and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import convert
from msgspec.structs import replace

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.huggingface_files import ENDINGS, data_files, label_names, rows
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import TAG, spans_of_tags, tagged_document
from iepile.corpus.formats.tokens import TokenText
from iepile.errors import InputError
from iepile.records import Document, Entity
from iepile.tasks.mentions import read_text

_TAGS = ("ner_tags", "tags", "ner", "labels")


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a row."""
    for file in data_files(path, options):
        for row, features in rows(file.path, options):
            tokens = row.get("tokens", row.get("words"))
            if not (tokens or row.get("text")):
                options.summary.count(Repair.NO_TEXT)
                continue
            doc = _tagged(row, tokens, features, options) if tokens else _spans(row, features, options)
            number, meta = row.get("id"), {} if file.split is None else {"split": file.split}
            yield options.finish(replace(doc, id=None if number is None else str(number), meta=meta))


def _tagged(row: dict[str, Any], tokens: list[str], features: dict[str, Any], options: ReadOptions) -> Document:
    words = TokenText([read_text(token) for token in tokens], options)
    column = next((c for c in _TAGS if row.get(c) is not None), None)
    if column is None:
        return Document(words.text, language=words.language)
    tags = [_name(tag, label_names(features.get(column)), options) for tag in row[column]]
    if len(tags) != len(tokens):
        raise ValueError(f"{len(tokens)} tokens and {len(tags)} {column}")
    bare = not any(TAG.fullmatch(tag) for tag in tags)
    found, ill = spans_of_tags([f"I-{tag}" if bare and tag != "O" else tag for tag in tags], iob1=bare)
    options.summary.count(Repair.TAGS, ill)
    return tagged_document(words, found, options)


def _spans(row: dict[str, Any], features: dict[str, Any], options: ReadOptions) -> Document:
    entities, text, inner = row.get("entities"), read_text(row["text"]), features.get("entities", {})
    while not isinstance(inner, dict) or "feature" in inner:
        inner = inner[0] if isinstance(inner, list) else inner["feature"]
    if isinstance(entities, dict):  # a sequence of objects, which Arrow keeps as an object of lists
        entities = [dict(zip(entities, of, strict=True)) for of in zip(*entities.values(), strict=True)]
    found = []
    for e in entities or ():
        key = next((k for k in ("label", "type", "entity_type") if k in e), "label")
        label = options.label(_name(e[key], label_names(inner.get(key)), options))
        place = convert((e["start"], e["end"]), tuple[int, int])
        found.append(Entity(label, options.stretch(text, [place], e.get("text"))))
    return Document(text, entities=tuple(found), annotated=() if entities is None else ("entity",))


def _name(label: object, names: list[str] | None, options: ReadOptions) -> str:
    if isinstance(label, str):
        return label
    if names is None:
        file, row = options.place or (None, None)
        raise InputError("labels are numbers, and nothing names them", file=file, line=row, field="features",
                         expected="a ClassLabel", fix="save with save_to_disk or to_parquet, which keep the names")
    if isinstance(label, int) and 0 <= label < len(names):
        return names[label]
    raise IndexError(f"no label {label} among {len(names)}")


def sniff(sample: Sample) -> str | None:
    """Arrow or Parquet files, or JSON records of tokens and `ner_tags`, or of a text and spans with labels."""
    if any(name.endswith(ENDINGS[:2]) for name in [*sample.names, sample.path.name]):
        return "Arrow or Parquet files"
    row = (sample if not sample.is_folder else sample.first(".jsonl") or sample).row or {}
    spans = row.get("entities")
    if "text" in row and isinstance(spans, list) and spans and isinstance(spans[0], dict):
        return "JSON records of a text and spans" if {"start", "end", "label"} <= set(spans[0]) else None
    return "JSON records with `tokens` and `ner_tags`" if {"tokens", "ner_tags"} <= set(row) else None


FORMAT = Format(
    "huggingface", "Hugging Face data sets on disk: Arrow, Parquet, JSON lines", (".jsonl", ".parquet", ".arrow"),
    read, sniff, example='{"id": "1", "tokens": ["Ada", "met", "Bob"], "ner_tags": ["B-PER", "O", "B-PER"]}')
