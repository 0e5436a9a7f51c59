"""DuIE 1.0 and 2.0 and CMeIE: JSON lines of a text and its subject-predicate-object triples.

    {"text": "《晨光》由张三饰演李四。", "spo_list": [
      {"predicate": "饰演", "subject": "张三", "subject_type": "娱乐人物",
       "object": {"@value": "李四", "inWork": "晨光"}, "object_type": {"@value": "人物", "inWork": "影视作品"}}]}

There are no offsets: a mention is placed where the text has it once. An object of several slots gives one
relation for `@value` and one named `predicate.slot` for each other (COMPOUND). In DuIE 1.0 object and its
type are plain strings. CMeIE marks triples across sentences as `Combined`: `meta["combined"]` has the
numbers of their relations. A record without `spo_list` is not annotated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.jsonl import read_rows
from iepile.records import Document, Relation

_VALUE = "@value"


class _Triple(msgspec.Struct):
    predicate: str
    subject: str
    object: str | dict[str, str]
    subject_type: str | None = None
    object_type: str | dict[str, str] = {}
    combined: bool = msgspec.field(name="Combined", default=False)


class _Row(msgspec.Struct):
    text: str
    spo_list: list[_Triple] | None = None
    id: int | str | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        if not row.text:
            options.summary.count(Repair.NO_TEXT)
            continue
        found = [(t.combined, r) for t in row.spo_list or () for r in _relations(t, row.text, options)]
        combined = [n for n, (across, _) in enumerate(found) if across]
        yield options.finish(Document(
            row.text, None if row.id is None else str(row.id), relations=tuple(r for _, r in found),
            annotated=() if row.spo_list is None else ("relation",),
            meta={"combined": combined} if combined else {},
        ))


def _relations(triple: _Triple, text: str, options: ReadOptions) -> Iterator[Relation]:
    slots = {_VALUE: triple.object} if isinstance(triple.object, str) else triple.object
    types = {_VALUE: triple.object_type} if isinstance(triple.object_type, str) else triple.object_type
    options.summary.count(Repair.COMPOUND, len(slots) > 1)
    if _VALUE not in slots:
        raise KeyError(_VALUE)
    for slot, value in slots.items():
        if not triple.subject or not value:
            options.summary.count(Repair.EMPTY_MENTION)
            continue
        name = triple.predicate if slot == _VALUE else f"{triple.predicate}.{slot}"
        head_type, tail_type = options.label(triple.subject_type or ""), options.label(types.get(slot, ""))
        yield Relation(options.label(name), options.locate(text, triple.subject), options.locate(text, value),
                       head_type or None, tail_type or None)


def read_relation_schema(path: str) -> list[tuple[str, str, str]]:
    """(Type of the subject, relation, type of the object) of a DuIE or CMeIE schema file, in its order.

    Slots of a compound object are relations of their own, named `predicate.slot`, as `read` names them.
    """
    out = []
    for _, row in read_rows(path):
        kinds = row["object_type"]
        slots = {_VALUE: kinds} if isinstance(kinds, str) else {_VALUE: kinds[_VALUE], **kinds}
        for slot, kind in slots.items():
            name = row["predicate"] if slot == _VALUE else f"{row['predicate']}.{slot}"
            out.append((str(row["subject_type"]), str(name), str(kind)))
    return out


def sniff(sample: Sample) -> str | None:
    """JSON records with `text` and `spo_list`."""
    return "JSON records with `text` and `spo_list`" if {"text", "spo_list"} <= set(sample.row or {}) else None


FORMAT = Format(
    "duie", "DuIE and CMeIE: text and spo_list, JSON lines", (".json", ".jsonl"), read, sniff,
    example='{"text": "《晨光》由张三饰演李四。", "spo_list": [{"predicate": "饰演", "subject": "张三", '
            '"subject_type": "娱乐人物", "object": {"@value": "李四", "inWork": "晨光"}, '
            '"object_type": {"@value": "人物", "inWork": "影视作品"}}]}',
)
