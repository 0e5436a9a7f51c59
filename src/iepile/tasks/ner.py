"""NER: named entities. Question `"label"`, answer `{"label": ["mention", ...]}` (formats.md 1.3)."""

# What the methods of a task promise stands in task.py.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from iepile.errors import InputError
from iepile.records import Entity, Facts, Span
from iepile.schema import Schema
from iepile.tasks.matching import span_key
from iepile.tasks.mentions import described, first_seen, place, read_span, read_text
from iepile.tasks.shape import Fill, ListOf, Shape
from iepile.tasks.task import Answer, Item, Match, Problem, Task, Triple
from iepile.values import Values, told


class NamedEntities(Task):
    """Entities of given types."""

    name = "NER"
    annotation = "entity"
    split_num = 6
    groups = ("entity",)
    form = "mentions"

    def items(self, schema: Schema) -> tuple[Item, ...]:
        return tuple(map(Item, schema.entity_names))

    def positives(self, facts: Facts) -> dict[str, tuple[str, ...]]:
        return {e.type: () for e in facts.entities}

    def canonical(self, facts: Facts) -> Facts:
        kept: dict[tuple[str, str], Entity] = {}
        for e in facts.entities:
            if e.span.text:
                kept.setdefault((e.type, e.span.text), e)
        return Facts(tuple(kept.values()))

    def question(self, item: Item) -> str:
        return item.name

    def questions(self, items: Iterable[Item], schema: Schema | None = None) -> list[Any] | dict[str, str]:
        known = {} if schema is None else {e.name: e.description for e in schema.entities}
        return described((i.name for i in items), known)

    def item(self, question: Any) -> Item:
        if isinstance(question, str):
            return Item(question)
        raise InputError(f"{question!r} is no NER question", field="schema", expected="an entity type as text")

    def value(self, facts: Facts, item: Item, text: str) -> list[str]:
        found = [e.span.text for e in facts.entities if e.type == item.name and e.span.text]
        return sorted(dict.fromkeys(found), key=first_seen(text)) if len(found) > 1 else found

    def read_value(self, value: Any, item: Item) -> Answer:
        if not isinstance(value, list):
            return Answer(Facts(), (Problem("wrong form", f"{item.name}: not a list"),))
        good = [v for v in value if isinstance(v, str) and v]
        bad = len(value) - len(good)
        problems = (Problem("wrong form", f"{item.name}: {bad} of {len(value)} values are no mention"),) if bad else ()
        return Answer(Facts(tuple(Entity(item.name, Span(v)) for v in good)), problems)

    def values(self, schema: Schema) -> dict[str, Values]:
        return told((e.name, e.values) for e in schema.entities)

    def value_shape(self, item: Item, fill: Fill) -> Shape:
        return ListOf(fill(item.name))

    def keys(self, facts: Facts, match: Match = "string") -> dict[str, list[tuple[str, Hashable]]]:
        return {"entity": [(e.type, (e.type, span_key(e.span, match))) for e in facts.entities]}

    def triples(self, facts: Facts) -> list[Triple]:
        return [
            Triple(e.span, "type", Span(e.type), "type", head_type=e.type, confidence=e.confidence)
            for e in facts.entities
        ]

    def label_rows(self, facts: Facts, positions: bool = False) -> list[dict[str, Any]]:
        if not positions:
            return [{"entity": e.span.text, "entity_type": e.type} for e in self.canonical(facts).entities]
        return [{"entity": e.span.text, "entity_type": e.type, "pos": place(e.span)} for e in facts.entities]

    def read_label_rows(self, rows: Sequence[Mapping[str, Any]]) -> Facts:
        try:
            return Facts(tuple(Entity(read_text(r["entity_type"]), read_span(r["entity"], r.get("pos"))) for r in rows))
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise InputError(f"not an NER annotation ({e!r})", field="label",
                             expected='[{"entity": text, "entity_type": label}, ...]') from None


TASK = NamedEntities()
