"""OneKE's evaluation sets: JSON records of a sentence and a list of entities, relations or events.

    {"sentence": "Ada Bird lives in Rome .", "entity_list": [{"name": "Ada Bird", "type": "person"}]}
    {"sentence": "...", "relation_list": [{"head": "Ada Bird", "tail": "Rome", "relation": "place lived"}]}
    {"sentence": "...", "event_list": [{"event_type": "move", "event_trigger": "moved",
     "event_argument": {"who": "Ada Bird", "when": "NAN", "where": ["Rome", "Pisa"]}}]}

There are no offsets: a mention is placed where the text has it once, as whole words if possible. An argument
"NAN" is no argument, a list is several.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.places import locate_words
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Argument, Document, Entity, Event, Relation, Span

_LISTS = ("entity_list", "relation_list", "event_list")
_KINDS = ("entity", "relation", "event")


class _Entity(msgspec.Struct):
    name: str
    type: str


class _Relation(msgspec.Struct):
    head: str
    relation: str
    tail: str


class _Event(msgspec.Struct):
    event_type: str
    event_trigger: str = ""
    event_argument: dict[str, str | list[str]] = {}


class _Row(msgspec.Struct):
    sentence: str
    entity_list: list[_Entity] | None = None
    relation_list: list[_Relation] | None = None
    event_list: list[_Event] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record, annotated for the lists it has."""
    for row in options.rows(path, _Row):
        if not row.sentence:
            options.summary.count(Repair.NO_TEXT)
            continue
        yield options.finish(_document(row, options))


def _document(row: _Row, options: ReadOptions) -> Document:
    entities = [e for e in row.entity_list or () if e.name]
    relations = [r for r in row.relation_list or () if r.head and r.tail]
    empty = len(row.entity_list or ()) - len(entities) + len(row.relation_list or ()) - len(relations)
    options.summary.count(Repair.EMPTY_MENTION, empty)

    def place(mention: str) -> Span:
        return locate_words(row.sentence, mention, options)

    return Document(
        row.sentence,
        entities=tuple(Entity(options.label(e.type), place(e.name)) for e in entities),
        relations=tuple(Relation(options.label(r.relation), place(r.head), place(r.tail)) for r in relations),
        events=tuple(
            Event(options.label(e.event_type), place(e.event_trigger) if e.event_trigger else None, tuple(
                Argument(options.label(role), place(value))
                for role, values in e.event_argument.items()
                for value in ([values] if isinstance(values, str) else values) if value not in ("", "NAN")))
            for e in row.event_list or ()),
        annotated=tuple(k for k, key in zip(_KINDS, _LISTS, strict=True) if getattr(row, key) is not None),
    )


def sniff(sample: Sample) -> str | None:
    """JSON records with `sentence` and one of the lists."""
    row = sample.row or {}
    lists = [key for key in _LISTS if isinstance(row.get(key), list)]
    return f"JSON records with `sentence` and `{lists[0]}`" if lists and "sentence" in row else None


FORMAT = Format(
    "oneke", "OneKE: sentence and entity_list, relation_list or event_list, JSON", (".json",), read, sniff,
    example='[{"sentence": "Ada Bird lives in Rome .", "relation_list": '
            '[{"head": "Ada Bird", "tail": "Rome", "relation": "place lived"}]}]',
)
