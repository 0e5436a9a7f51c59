"""The oracle: whoever knows the annotation answers perfectly, and scores 100 in whatever way mentions are compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from iepile.corpus.convert import ConvertConfig
from iepile.corpus.converter import Converter
from iepile.corpus.worded import WordedConverter
from iepile.evaluation.errors.effects import error_report
from iepile.evaluation.report import Report
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.instruction import read_instruction
from iepile.jsonl import write_rows
from iepile.records import Document, Facts
from iepile.schema import Schema
from iepile.tasks.matching import BY_PLACE, MATCHES, Match
from iepile.tasks.task import Item, Task, get_task

MODES: tuple[tuple[Match, str], ...] = tuple((match, mode) for match in MATCHES for mode in ("normal", "set"))


def schema_of(documents: Iterable[Document]) -> Schema:
    """The labels that occur."""
    entities: dict[str, None] = {}
    relations: dict[str, None] = {}
    signatures: dict[tuple[str, str, str], None] = {}
    events: dict[str, dict[str, None]] = {}
    for d in documents:
        entities.update(dict.fromkeys(e.type for e in d.entities))
        for r in d.relations:
            relations[r.type] = None
            if r.head_type and r.tail_type:
                signatures[r.head_type, r.type, r.tail_type] = None
            elif r.head_type:
                entities[r.head_type] = None
        for e in d.events:
            events.setdefault(e.type, {}).update(dict.fromkeys(a.role for a in e.arguments))
    # One label that no document has, so that there is always something to ask and to deny.
    plain = (Schema.of_entities(*entities, "~none") + Schema.of_relations(*relations, "~none")
             + Schema.of_events({**{k: list(v) for k, v in events.items()}, "~none": ["~role"]}))
    typed = Schema.of_signatures([*signatures, ("~none", "~none", "~none")])
    # SPO needs exact types; a relation that has none in the documents may join any.
    loose = tuple(r for r in plain.relations if r.name not in typed.relation_names)
    return Schema(plain.entities, typed.relations + loose, plain.events)


def explained(schema: Schema) -> Schema:
    """The schema with a description of every label and role."""
    return Schema(
        tuple(replace(e, description=f"any {e.name}") for e in schema.entities),
        tuple(replace(r, description=f"{r.name}: who, whom") for r in schema.relations),
        tuple(replace(e, description=f"a {e.name}", roles=tuple(replace(r, description="who") for r in e.roles))
              for e in schema.events),
    )


def rows(documents: Sequence[Document], task_name: str, **options: Any) -> Iterator[dict[str, Any]]:
    """Training rows with the annotation that they were made from, and what a perfect model finds, with its places."""
    task = get_task(task_name)
    config = ConvertConfig(src_path="", tgt_path="", schema_path="", task=task_name, positions=True, **options)
    schema = schema_of(documents)
    make = WordedConverter if task.in_words else Converter
    converter = make(task, explained(schema) if config.descriptions else schema, config)
    for n, doc in enumerate(documents):
        label = task.label_rows(doc.facts, positions=True)
        gold = once(task.read_label_rows(label))
        for line in converter.rows(doc):
            row = json.loads(line)
            items = asked_of(row, task)
            facts = placed(task, gold, task.settled(doc.facts, converter.items), items)
            yield row | {"id": str(n), "label": json.dumps(label), "facts": msgspec.to_builtins(facts)}


def asked_of(row: dict[str, Any], task: Task) -> tuple[Item, ...]:
    """What the instruction of a row asks."""
    if task.in_words:
        return task.read_words(row["instruction"])
    return task.read_items(read_instruction(row["instruction"]).schema)


def once(facts: Facts) -> Facts:
    """Without facts that are listed twice, place and all."""
    return Facts(*(tuple(dict.fromkeys(x)) for x in (facts.entities, facts.relations, facts.events)))


def placed(task: Task, gold: Facts, settled: Facts, items: Sequence[Item]) -> Facts:
    """The gold facts that the items ask for, each mention with its place."""
    if task.attributes:
        # Annotation need not say under which type a head is asked; each is asked under one.
        types = {(r.head.text, r.type, r.tail.text): r.head_type for r in settled.relations}
        gold = Facts(relations=tuple(replace(r, head_type=types[key]) for r in gold.relations
                                     if (key := (r.head.text, r.type, r.tail.text)) in types))
    return task.about(gold, items)


def perfect(
    tmp_path: Path, documents: Sequence[Document], task: str, modes: Sequence[tuple[Match, str]] = MODES, **options: Any
) -> Report | None:
    """Write perfect rows, and assert that each mode finds them perfect.

    Returns:
        The last mode's report; None where the task asks nothing of the texts (EEA without events).
    """
    path = tmp_path / "oracle.json"
    write_rows(path, rows(documents, task, **options))
    if not path.stat().st_size:
        return None
    grounded = any(s.grounded for d in documents for s in get_task(task).canonical(d.facts).spans())
    report = None
    for match, mode in modes:
        if match in BY_PLACE and not grounded:  # which is refused (test_score.py)
            continue
        report = evaluate(EvaluateConfig(path1=str(path), match=match, match_mode=mode))
        for row in (*report.scores, *report.field_scores, *report.by_label, *report.by_source):
            s = row.score
            assert s.tp == s.pred == s.gold, (match, mode, row)
            assert s.f1 == (100.0 if s.gold else 0.0)
        counts = report.counts
        assert (counts.invalid, counts.salvaged, counts.wrong_form, counts.not_asked, counts.missing) == (0,) * 5
        assert counts.gold_not_asked == counts.unreadable_rows == counts.unscored_records == counts.without_facts == 0
    match, mode = modes[0]
    assert error_report(str(path), match=match, match_mode=mode).counts == []
    return report
