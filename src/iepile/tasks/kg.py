"""KG: entities of given types with their attributes (formats.md 1.3, 2.6).

Question `{"entity_type": ..., "attributes": [...]}`; answer `{type: {entity: {attribute: "value" or
["value", ...]}}}`, where an attribute without value is left out. An attribute of a type is a relation that
has the type in its domain; its facts are the relations whose head is such an entity.
"""

# What the methods of a task promise stands in task.py.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from iepile.errors import InputError
from iepile.records import Facts, Relation, Span
from iepile.schema import Schema
from iepile.tasks.mentions import NOBODY, described, first_seen, one_or_list
from iepile.tasks.re import RelationExtraction
from iepile.tasks.shape import MENTION, Fill, InOrder, ListOf, OneOf, Shape, Text, quoted, some_of
from iepile.tasks.spo import read_typed_rows, typed_rows
from iepile.tasks.task import Answer, Item, Problem
from iepile.tasks.value_forms import Form

_NO_VALUES = (*NOBODY, "nan", "无")
"""What models write for an attribute without value, although they are told to leave it out."""


class KnowledgeGraph(RelationExtraction):
    """Entities of given types and their attributes."""

    name = "KG"
    split_num = 1
    groups = ("relation",)
    form: ClassVar[Form | None] = "attributes"
    attributes = True

    def items(self, schema: Schema) -> tuple[Item, ...]:
        return tuple(Item(t, tuple(r.name for r in of)) for t, of in schema.attributes().items() if of)

    def settled(self, facts: Facts, items: Sequence[Item]) -> Facts:
        """Each relation with the one type its head is asked under; relations that no type has are left out.

        The type of a head is its own, else the one that an entity of the same words has, if that type has the
        attribute; else that of those with the attribute which has most attributes of this head.
        """
        having: dict[str, dict[str, None]] = {}
        for item in items:
            for attribute in item.roles:
                having.setdefault(attribute, {})[item.name] = None
        mentions: dict[str, str | None] = {}
        for e in facts.entities:
            mentions[e.span.text] = e.type if mentions.get(e.span.text, e.type) == e.type else None
        # Repeats go last: of two that differ in the type of the head, one may have no place.
        relations = tuple(r for r in facts.relations if r.head.text and r.tail.text not in _NO_VALUES)
        of_head: dict[str, dict[str, None]] = {}
        for r in relations:
            of_head.setdefault(r.head.text, {})[r.type] = None
        kept: list[Relation] = []
        for r in relations:
            able = having.get(r.type, {})
            known = r.head_type
            if known is None and mentions.get(r.head.text) in able:
                known = mentions[r.head.text]
            if known is None and able:
                attributes = of_head[r.head.text]
                known = max(able, key=lambda t: sum(t in having.get(a, ()) for a in attributes))
            if known in able:
                kept.append(replace(r, head_type=known))
        return self.canonical(Facts(relations=tuple(kept)))

    def positives(self, facts: Facts) -> dict[str, tuple[str, ...]]:
        seen: dict[str, dict[str, None]] = {}
        for r in facts.relations:
            if r.head_type is not None:
                seen.setdefault(r.head_type, {})[r.type] = None
        return {t: tuple(attributes) for t, attributes in seen.items()}

    def canonical(self, facts: Facts) -> Facts:
        stated = (r for r in facts.relations if r.head.text and r.tail.text not in _NO_VALUES)
        return super().canonical(Facts(relations=tuple(stated)))

    def about(self, facts: Facts, items: Iterable[Item]) -> Facts:
        asked = {i.name: i.roles for i in items}
        return Facts(relations=tuple(r for r in facts.relations if r.type in asked.get(r.head_type or "", ())))

    def question(self, item: Item) -> Any:
        return {"entity_type": item.name, "attributes": list(item.roles)}

    def questions(self, items: Iterable[Item], schema: Schema | None = None) -> list[Any] | dict[str, str]:
        if schema is None:
            return list(map(self.question, items))
        known = {r.name: r.description for r in schema.relations}
        return [{"entity_type": i.name, "attributes": described(i.roles, known)} for i in items]

    def item(self, question: Any) -> Item:
        if isinstance(question, Mapping) and isinstance(question.get("entity_type"), str):
            attributes = question.get("attributes", [])
            if isinstance(attributes, list | dict) and all(isinstance(a, str) for a in attributes):
                return Item(question["entity_type"], tuple(attributes))
        raise InputError(f"{question!r} is no KG question", field="schema",
                         expected='{"entity_type": type, "attributes": [labels]}')

    def labels(self, item: Item) -> tuple[str, ...]:
        # Published annotation does not name the types of heads, so `keys` has attributes for labels.
        return item.roles

    def value(self, facts: Facts, item: Item, text: str) -> Any:
        heads: dict[str, dict[str, list[str]]] = {}
        for r in facts.relations:
            if r.head_type == item.name and r.head.text and r.tail.text not in _NO_VALUES:
                # An entity of the type is named even where none of its attributes is asked.
                heads.setdefault(r.head.text, {}).setdefault(r.type, []).append(r.tail.text)
        find = first_seen(text)
        return {
            head: {a: one_or_list(heads[head][a], find) for a in item.roles if a in heads[head]}
            for head in sorted(heads, key=find)
        }

    def read_value(self, value: Any, item: Item) -> Answer:
        if not isinstance(value, dict):
            return Answer(Facts(), (Problem("wrong form", f"{item.name}: not an object"),))
        relations: list[Relation] = []
        problems: list[Problem] = []
        for head, attributes in value.items():
            if not head or not isinstance(attributes, dict):
                problems.append(Problem("wrong form", f"{item.name}: an entity without attributes in an object"))
                continue
            for attribute, filler in attributes.items():
                if attribute not in item.roles:
                    problems.append(Problem("not asked", f"{item.name}|{attribute}"))
                    continue
                for text in filler if isinstance(filler, list) else [filler]:
                    if not isinstance(text, str):
                        problems.append(Problem("wrong form", f"{item.name}|{attribute}: not text"))
                    elif text not in _NO_VALUES:
                        relations.append(Relation(attribute, Span(head), Span(text), item.name))
        return Answer(Facts(relations=tuple(relations)), tuple(problems))

    def value_shape(self, item: Item, fill: Fill) -> Shape:
        attributes = some_of(InOrder((Text(f"{quoted(a)}: "), _one_or_more(fill(a)))) for a in item.roles)
        return some_of([InOrder((MENTION, Text(": "), attributes))])

    def label_rows(self, facts: Facts, positions: bool = False) -> list[dict[str, Any]]:
        return typed_rows(facts.relations if positions else super().canonical(facts).relations, positions)

    def read_label_rows(self, rows: Sequence[Mapping[str, Any]]) -> Facts:
        return read_typed_rows(rows, self.name)


def _one_or_more(value: Shape) -> Shape:
    return OneOf((value, ListOf(value, least=2)))


TASK = KnowledgeGraph()
