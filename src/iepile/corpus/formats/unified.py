"""IEPile's unified JSON lines (`iepile.unified`); wrong positions are found again and counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.jsonl import read_rows
from iepile.records import Document
from iepile.unified import document_from_row

_PLACES = {
    "entity": (("entity", "pos"),),
    "relation": (("head", "head_pos"), ("tail", "tail_pos")),
    "event": (("event_trigger", "trigger_pos"),),
}


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield the records of a JSON-lines file or a JSON array."""
    for line, row in read_rows(path):
        options.place = (path, line)
        try:
            doc = document_from_row(row, str(path), line)
        except InputError:
            # Published files hold a few wrong positions; any other fault is raised again here.
            doc = document_from_row(_replace_positions(row, options), str(path), line)
        yield options.finish(_renamed(doc, options) if options.labels else doc)


def sniff(sample: Sample) -> str | None:
    """A JSON object with a text and one of the three lists, or with a text and nothing of another format."""
    row = sample.row
    if row is None or not isinstance(row.get("text"), str):
        return None
    lists = [key for key in _PLACES if isinstance(row.get(key), list)]
    if lists:
        return "JSON records with `text` and " + ", ".join(f"`{key}`" for key in lists)
    plain = set(row) <= {"text", "id", "source", "language", "meta"}
    return "JSON records with nothing but `text`" if plain else None


def _replace_positions(row: dict[str, Any], options: ReadOptions) -> dict[str, Any]:
    text = row.get("text")
    if not isinstance(text, str):
        return row
    return row | {kind: [_replaced(item, places, text, options) for item in row[kind]]
                  for kind, places in _PLACES.items() if isinstance(row.get(kind), list)}


def _replaced(item: Any, places: tuple[tuple[str, str], ...], text: str, options: ReadOptions) -> Any:
    if not isinstance(item, dict):
        return item
    out = dict(item)
    for name, key in places:
        mention, pos = item.get(name), item.get(key)
        if not isinstance(mention, str) or not mention or not isinstance(pos, list):
            continue
        if len(pos) == 2 and type(pos[0]) is type(pos[1]) is int and (
                pos[1] > len(text) or text[pos[0] : pos[1]] != mention):
            span = options.locate(text, mention, pos[0])
            options.summary.count(Repair.MOVED, span.start == pos[0])  # only the end was wrong
            out[key] = list(span.offsets or ())
    if isinstance(item.get("arguments"), list):
        inner = (("argument", "argument_pos"),)
        out["arguments"] = [_replaced(a, inner, text, options) for a in item["arguments"]]
    return out


def _renamed(doc: Document, options: ReadOptions) -> Document:
    name = options.label
    entities = [replace(e, type=name(e.type)) for e in doc.entities]
    relations = [
        replace(
            r,
            type=name(r.type),
            head_type=r.head_type and name(r.head_type),
            tail_type=r.tail_type and name(r.tail_type),
        )
        for r in doc.relations
    ]
    events = [
        replace(e, type=name(e.type), arguments=tuple(replace(a, role=name(a.role)) for a in e.arguments))
        for e in doc.events
    ]
    return replace(doc, entities=tuple(entities), relations=tuple(relations), events=tuple(events))


FORMAT = Format(
    "unified", "IEPile's unified records, JSON lines", (".json", ".jsonl"), read, sniff,
    example='{"text": "Ada met Bob.", "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]}]}',
)
