"""Instruction rows as labelled texts, which baselines learn from: what all rows of one text state, with places.

What a row states is its `label` where it has one (test rows, predictions), else its `facts` with places
(`convert --positions`), else the answer in `output`, whose words are looked for in the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.instruction import read_instruction
from iepile.jsonl import BROKEN_JSON, read_rows
from iepile.models.baselines.labelled import Label, Labelled, relation_label
from iepile.models.baselines.tokens import Place, tokens
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks.task import Item, Task, get_task
from iepile.training.mention_places import meant, nearest, places

ABSENT = "mention not in the text"
_label = msgspec.json.Decoder(list[dict[str, Any]])


def read_labelled(files: Sequence[str | Path], tasks: Collection[str], left_out: Counter[str]) -> list[Labelled]:
    """Read rows as texts, in order of first appearance; rows of one source and text are put together.

    Args:
        tasks: names of the tasks to read.
        left_out: counts rows of other tasks, and facts whose mention does not occur in the text.

    Raises:
        InputError: an unreadable file, or a row that states nothing or not what it was asked; names file and line.
    """
    texts: dict[tuple[str, str], _Gathered] = {}
    for file in files:
        for n, row in read_rows(file):
            try:
                task = _task(row)
                if task.name not in tasks:
                    left_out[f"row of {task.name}"] += 1
                    continue
                instruction = read_instruction(row["instruction"])
                items = task.read_items(instruction.schema)
                facts = _stated(row, task, items, instruction.input)
            except InputError as e:
                raise e.at(file, n) from None
            source = row.get("source")
            key = (source if isinstance(source, str) else "", instruction.input)
            texts.setdefault(key, _Gathered(instruction.input)).add(task, items, facts, left_out)
    return [g.labelled(source) for (source, _), g in texts.items()]


def _task(row: dict[str, Any]) -> Task:
    for key in ("task", "instruction"):
        if not isinstance(row.get(key), str):
            raise InputError(f"the row has no {key}", field=key, expected="a training row",
                             fix="convert documents with iepile convert")
    return get_task(row["task"])


def _stated(row: dict[str, Any], task: Task, items: Sequence[Item], text: str) -> Facts:
    if row.get("label") is not None:
        label = row["label"] if isinstance(row["label"], str) else msgspec.json.encode(row["label"])
        try:
            facts = task.read_label_rows(_label.decode(label))
        except BROKEN_JSON as e:
            raise InputError(f"not an annotation: {e}", field="label", expected="a list of objects") from None
        return _checked(task.about(task.settled(facts, items), items), text, "label")
    if row.get("facts") is not None:
        try:
            facts = msgspec.convert(row["facts"], Facts)
        except msgspec.ValidationError as e:
            raise InputError(f"not facts: {e}", field="facts", fix="convert again with --positions") from None
        return _checked(task.about(facts, items), text, "facts")
    if not isinstance(row.get("output"), str):
        raise InputError("the row has neither output nor label", field="output", expected="a training row",
                         fix="convert documents with iepile convert")
    answer = task.parse(row["output"], items)
    if not answer.valid:
        p = answer.problems[0]
        raise InputError(f"the answer is not one of this question: {p.kind}: {p.detail}", field="output",
                         expected="the JSON that the schema of the instruction asks for")
    return answer.facts


def _checked(facts: Facts, text: str, field: str) -> Facts:
    for span in facts.spans():
        place = span.offsets
        if place is not None and not (0 <= place[0] < place[1] <= len(text) and text[slice(*place)] == span.text):
            raise InputError(f"{span.text[:40]!r} does not stand at {place[0]} to {place[1]} of the text", field=field,
                             fix="convert again: the text was changed after it was annotated")
    return facts


def asked_labels(task: Task, items: Iterable[Item]) -> Iterator[Label]:
    """The labels that a question asks, as baselines name them."""
    for item in items:
        if task.annotation == "entity":
            yield "entity", item.name
        elif task.name == "SPO":
            head, name, tail = item.about
            yield "relation", name, head, tail
        elif task.name == "KG":
            yield from (("relation", attribute, item.name, "") for attribute in item.roles)
        elif task.annotation == "relation":
            yield "relation", item.name, "", ""
        else:
            if not task.poses_facts:  # triggers that a question tells are not asked
                yield "event", item.name
            yield from (("argument", item.name, role) for role in item.roles)


class _Gathered:
    """What all rows of one text asked and said."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: dict[Label, None] = {}
        self.entities: dict[tuple[str, Place], None] = {}
        self.relations: dict[tuple[Label, Place, Place], None] = {}
        self.events: dict[tuple[str, Place | None], dict[tuple[str, Place], None]] = {}

    def add(self, task: Task, items: Iterable[Item], facts: Facts, left_out: Counter[str]) -> None:
        self.asked.update(dict.fromkeys(asked_labels(task, items)))
        for e in facts.entities:
            found = self.places(e.span)
            self.entities.update(((e.type, place), None) for place in found)
            left_out[ABSENT] += not found
        for r in facts.relations:
            if pair := nearest(self.places(r.head), self.places(r.tail)):
                # RE does not ask for types, so what rows tell of them is no part of the label.
                label = ("relation", r.type, "", "") if task.name == "RE" else relation_label(
                    msgspec.structs.replace(r, tail_type=r.tail_type if task.name == "SPO" else None))
                self.relations[label, *pair] = None
            else:
                left_out[ABSENT] += 1
        taken: set[tuple[str, Place]] = set()
        for event in facts.events:
            self._event(event, taken, left_out)

    def _event(self, event: Event, taken: set[tuple[str, Place]], left_out: Counter[str]) -> None:
        fillers = [(a.role, self.places(a.span)) for a in event.arguments]
        trigger: Place | None = None
        if event.trigger is not None:
            triggers = self.places(event.trigger)
            if not triggers:
                left_out[ABSENT] += 1
                return
            others = {place for kind, place in taken if kind == event.type}
            trigger = meant(triggers, [found for _, found in fillers if found], others)
            taken.add((event.type, trigger))
        arguments = self.events.setdefault((event.type, trigger), {})
        for role, found in fillers:
            if pair := nearest([trigger or (0, 0)], found):
                arguments[role, pair[1]] = None
            else:
                left_out[ABSENT] += 1

    def places(self, span: Span) -> list[Place]:
        """Where the span stands; where only its words are known, as whole tokens if it does so anywhere."""
        found = places(self.text, span)
        if span.offsets is not None or not found:
            return found
        borders = tokens(self.text)
        starts, ends = {s for s, _ in borders}, {e for _, e in borders}
        return [p for p in found if p[0] in starts and p[1] in ends] or found

    def labelled(self, source: str) -> Labelled:
        def span(place: Place) -> Span:
            return Span(self.text[slice(*place)], *place)

        events = sorted(self.events.items(), key=lambda e: (e[0][0], e[0][1] or (-1, 0)))
        return Labelled(self.text, Facts(
            tuple(Entity(kind, span(place)) for kind, place in sorted(self.entities)),
            tuple(Relation(name, span(head), span(tail), head_type or None, tail_type or None)
                  for (_, name, head_type, tail_type), head, tail in sorted(self.relations)),
            tuple(Event(kind, None if trigger is None else span(trigger),
                        tuple(Argument(role, span(place)) for role, place in sorted(filled)))
                  for (kind, trigger), filled in events),
        ), source, frozenset(self.asked))
