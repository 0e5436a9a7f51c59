"""RE: relations. Question `"label"`, answer `{"label": [{"subject": ..., "object": ...}, ...]}`.

`subject`/`object` is what the published corpus and the guides use; `head`/`tail`, which some of the
references' scripts write, is read as well and written on demand (`RelationExtraction(("head", "tail"))`).
"""

# What the methods of a task promise stands in task.py.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from iepile.errors import InputError
from iepile.records import Facts, Relation, Span
from iepile.schema import Schema
from iepile.tasks.matching import span_key
from iepile.tasks.mentions import described, first_seen, place, read_span, read_text
from iepile.tasks.shape import MENTION, Fill, ListOf, Shape, object_of
from iepile.tasks.task import Answer, Item, Match, Problem, Task, Triple
from iepile.tasks.value_forms import Form
from iepile.values import Values, told


class RelationExtraction(Task):
    """Relations of given types between two mentions."""

    name = "RE"
    annotation = "relation"
    split_num = 4
    groups = ("relation",)
    form: ClassVar[Form | None] = "pairs"

    def __init__(self, ends: tuple[str, str] = ("subject", "object")) -> None:
        """`ends`: names of head and tail in answers."""
        self.ends = ends

    def items(self, schema: Schema) -> tuple[Item, ...]:
        return tuple(map(Item, schema.relation_names))

    def positives(self, facts: Facts) -> dict[str, tuple[str, ...]]:
        return {r.type: () for r in facts.relations}

    def canonical(self, facts: Facts) -> Facts:
        # The types of head and tail are no part of an RE answer, so they do not tell two relations apart.
        kept: dict[tuple[str, str, str], Relation] = {}
        for r in facts.relations:
            if r.head.text and r.tail.text:
                kept.setdefault((r.head.text, r.type, r.tail.text), r)
        return Facts(relations=tuple(kept.values()))

    def question(self, item: Item) -> str:
        return item.name

    def questions(self, items: Iterable[Item], schema: Schema | None = None) -> list[Any] | dict[str, str]:
        known = {} if schema is None else {r.name: r.description for r in schema.relations}
        return described((i.name for i in items), known)

    def item(self, question: Any) -> Item:
        if isinstance(question, str):
            return Item(question)
        raise InputError(f"{question!r} is no RE question", field="schema", expected="a relation type as text")

    def value(self, facts: Facts, item: Item, text: str) -> list[dict[str, str]]:
        head, tail = self.ends
        found = [(r.head.text, r.tail.text) for r in facts.relations
                 if r.type == item.name and r.head.text and r.tail.text]
        if not found:
            return []
        find = first_seen(text)
        ordered = sorted(dict.fromkeys(found), key=lambda p: (find(p[0]), find(p[1]))) if len(found) > 1 else found
        return [{head: h, tail: t} for h, t in ordered]

    def read_value(self, value: Any, item: Item) -> Answer:
        if not isinstance(value, list):
            return Answer(Facts(), (Problem("wrong form", f"{item.name}: not a list"),))
        good: list[Relation] = []
        problems: list[Problem] = []
        for v in value:
            v = v if isinstance(v, dict) else {}
            h, t = v.get("subject", v.get("head")), v.get("object", v.get("tail"))
            if isinstance(h, str) and isinstance(t, str) and h and t:
                good.append(Relation(item.name, Span(h), Span(t)))
            else:
                problems.append(Problem("wrong form", f"{item.name}: a pair without two mentions"))
        return Answer(Facts(relations=tuple(good)), tuple(problems))

    def values(self, schema: Schema) -> dict[str, Values]:
        return told((r.name, r.values) for r in schema.relations)

    def value_shape(self, item: Item, fill: Fill) -> Shape:
        head, tail = self.ends
        return ListOf(object_of(((head, MENTION), (tail, fill(self.key(item))))))

    def keys(self, facts: Facts, match: Match = "string") -> dict[str, list[tuple[str, Hashable]]]:
        return {"relation": [
            (r.type, (span_key(r.head, match), r.type, span_key(r.tail, match))) for r in facts.relations
        ]}

    def triples(self, facts: Facts) -> list[Triple]:
        return [Triple(r.head, r.type, r.tail, "relation", r.head_type, r.tail_type, r.confidence)
                for r in facts.relations]

    def label_rows(self, facts: Facts, positions: bool = False) -> list[dict[str, Any]]:
        rows = facts.relations if positions else self.canonical(facts).relations
        out = [{"head": r.head.text, "relation": r.type, "tail": r.tail.text} for r in rows]
        if positions:
            return [o | {"head_pos": place(r.head), "tail_pos": place(r.tail)} for o, r in zip(out, rows, strict=True)]
        return out

    def read_label_rows(self, rows: Sequence[Mapping[str, Any]]) -> Facts:
        try:
            return Facts(relations=tuple(
                Relation(read_text(r["relation"]), read_span(r["head"], r.get("head_pos")),
                         read_span(r["tail"], r.get("tail_pos")))
                for r in rows
            ))
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise InputError(f"not an RE annotation ({e!r})", field="label",
                             expected='[{"head": text, "relation": label, "tail": text}, ...]') from None


TASK = RelationExtraction()
