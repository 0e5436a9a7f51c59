"""SPO: relations between mentions of given types (formats.md 1.3).

Question `{"subject_type": ..., "predicate": ..., "object_type": ...}`, named
`subjectType_predicate_objectType` as in schema files and hard-negative dictionaries; answer
`{predicate: [{"subject": ..., "object": ...}]}`. Two items of one predicate would overwrite each other
there, so they are never asked together.
"""

# What the methods of a task promise stands in task.py.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from iepile.errors import InputError
from iepile.records import Facts, Relation, Span
from iepile.schema import Schema
from iepile.tasks.matching import span_key
from iepile.tasks.mentions import place, read_span, read_text
from iepile.tasks.re import RelationExtraction
from iepile.tasks.task import Answer, Item, Match, Task

_KEYS = ("subject_type", "predicate", "object_type")


class SpoExtraction(RelationExtraction):
    """Relations of given types between mentions of given types."""

    name = "SPO"

    def items(self, schema: Schema) -> tuple[Item, ...]:
        items: dict[str, Item] = {}
        for r in schema.relations:
            for head, tail in r.signatures:
                item = _item((head, r.name, tail))
                if item.name in items:
                    raise InputError(f"two relations are called {item.name!r}", field="relations",
                                     fix="rename a type or a relation, so that the two differ")
                items[item.name] = item
        return tuple(items.values())

    def settled(self, facts: Facts, items: Sequence[Item]) -> Facts:
        for r in facts.relations:
            if not (r.head_type and r.tail_type):
                side = "tail" if r.head_type else "head"
                raise InputError(
                    f"relation {r.type!r} of {r.head.text!r} and {r.tail.text!r} has no {side}_type",
                    field=f"relation.{side}_type", expected="the type of each end",
                    fix="add head_type and tail_type, or use --task RE, which asks without them",
                )
        return facts

    def positives(self, facts: Facts) -> dict[str, tuple[str, ...]]:
        return {_name(r): () for r in facts.relations if r.head_type and r.tail_type}

    def canonical(self, facts: Facts) -> Facts:
        kept: dict[tuple[str, str | None, str, str, str | None], Relation] = {}
        for r in facts.relations:
            if r.head.text and r.tail.text:
                kept.setdefault((r.head.text, r.head_type, r.type, r.tail.text, r.tail_type), r)
        return Facts(relations=tuple(kept.values()))

    def question(self, item: Item) -> Any:
        return dict(zip(_KEYS, item.about, strict=True))

    def questions(self, items: Iterable[Item], schema: Schema | None = None) -> list[Any] | dict[str, str]:
        return Task.questions(self, items, schema)

    def item(self, question: Any) -> Item:
        if isinstance(question, Mapping) and all(isinstance(question.get(k), str) for k in _KEYS):
            return _item((question["subject_type"], question["predicate"], question["object_type"]))
        raise InputError(f"{question!r} is no SPO question", field="schema",
                         expected='{"subject_type": type, "predicate": label, "object_type": type}')

    def key(self, item: Item) -> str:
        return item.about[1]

    def about(self, facts: Facts, items: Iterable[Item]) -> Facts:
        asked = {i.about for i in items}
        return Facts(relations=tuple(r for r in facts.relations if (r.head_type, r.type, r.tail_type) in asked))

    def value(self, facts: Facts, item: Item, text: str) -> list[dict[str, str]]:
        return super().value(self.about(facts, [item]), Item(item.about[1]), text)

    def read_value(self, value: Any, item: Item) -> Answer:
        subject, predicate, object_ = item.about
        read = super().read_value(value, Item(predicate))
        typed = (replace(r, head_type=subject, tail_type=object_) for r in read.facts.relations)
        return Answer(Facts(relations=tuple(typed)), read.problems)

    def keys(self, facts: Facts, match: Match = "string") -> dict[str, list[tuple[str, Hashable]]]:
        return {"relation": [
            (_name(r), (span_key(r.head, match), (r.head_type, r.type, r.tail_type), span_key(r.tail, match)))
            for r in facts.relations
        ]}

    def label_rows(self, facts: Facts, positions: bool = False) -> list[dict[str, Any]]:
        return typed_rows(facts.relations if positions else self.canonical(facts).relations, positions)

    def read_label_rows(self, rows: Sequence[Mapping[str, Any]]) -> Facts:
        return read_typed_rows(rows, self.name)


def typed_rows(relations: Iterable[Relation], positions: bool = False) -> list[dict[str, Any]]:
    """Relations as the rows of a record, with the types of their ends where they are known."""
    rows = []
    for r in relations:
        row: dict[str, Any] = {"head": r.head.text, "head_type": r.head_type, "relation": r.type,
                               "tail": r.tail.text, "tail_type": r.tail_type}
        row = {k: v for k, v in row.items() if v is not None}
        rows.append(row | {"head_pos": place(r.head), "tail_pos": place(r.tail)} if positions else row)
    return rows


def read_typed_rows(rows: Sequence[Mapping[str, Any]], task: str) -> Facts:
    """The reverse of `typed_rows`; SPO needs the types, which are optional otherwise.

    Raises:
        InputError: a row lacks a field.
    """
    def kind(row: Mapping[str, Any], key: str) -> str | None:
        return read_text(row[key]) if task == "SPO" or row.get(key) is not None else None

    try:
        return Facts(relations=tuple(
            Relation(read_text(r["relation"]), _span(r, "head"), _span(r, "tail"), kind(r, "head_type"),
                     kind(r, "tail_type"))
            for r in rows
        ))
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        types = ', "head_type": type, "tail_type": type' if task == "SPO" else ""
        raise InputError(f"not a {task} annotation ({e!r})", field="label",
                         expected=f'[{{"head": text, "relation": label, "tail": text{types}}}, ...]') from None


def _span(row: Mapping[str, Any], end: str) -> Span:
    return read_span(row[end], row.get(f"{end}_pos"))


def _item(triple: tuple[str, str, str]) -> Item:
    return Item("_".join(triple), about=triple)


def _name(r: Relation) -> str:
    return f"{r.head_type}_{r.type}_{r.tail_type}"


TASK = SpoExtraction()
