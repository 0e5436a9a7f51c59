"""Documents with predicted facts, scored against documents with gold ones.

    with prediction_rows("found.jsonl", "gold.jsonl") as path:
        evaluate(EvaluateConfig(path1=path))

Both sides become prediction rows, one a text and task, so that documents and rows are scored by the same rules. The
questions ask every label that occurs on either side: what is answered under a label of its own is wrong, not left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.evaluation.aligning import aligned
from iepile.instruction import Instruction
from iepile.jsonl import dumps, read_rows, write_rows
from iepile.records import Document, Facts
from iepile.schema import Schema
from iepile.tasks.task import Item, Task, get_task
from iepile.unified import document_from_row

TASK_OF = {"entity": "NER", "relation": "RE", "event": "EE"}
"""What a kind of annotation is scored as, where no task is given."""


@contextmanager
def prediction_rows(predicted: str, gold: str, task: str = "") -> Iterator[str]:
    """A file of prediction rows made of two files of documents, removed in the end.

    Args:
        predicted: documents with the facts found, as `iepile extract` and `iepile predict` write them.
        gold: documents with the facts there are (unified format); texts are told apart by id, else by content.
        task: score as this task; else every kind of fact that the gold has.

    Raises:
        InputError: a line that is no document, a text that is predicted but not in the gold, or nothing in common.
    """
    kinds = _kinds(gold, task)
    items = {t.name: _batches(t, _items(t, (gold, predicted))) for t in kinds}
    with tempfile.TemporaryDirectory(prefix="iepile-evaluate-") as folder:
        path = Path(folder) / "rows.json"
        write_rows(path, _rows(predicted, gold, kinds, items))
        yield str(path)


def _rows(
    predicted: str, gold: str, kinds: Sequence[Task], items: dict[str, list[tuple[Item, ...]]]
) -> Iterator[dict[str, Any]]:
    def key(entry: tuple[int, Document]) -> str:
        return entry[1].key

    for want, got in aligned(_documents(gold), _documents(predicted), key):
        if want is None:
            assert got is not None
            raise InputError(f"document {got[1].key!r} is not in the gold", file=predicted, line=got[0],
                             field="gold_path", fix="give the file that was predicted, with its annotation")
        truth, found = want[1], got[1] if got is not None else None
        if found is not None and found.text != truth.text:
            raise InputError(f"document {truth.key!r} has another text than in the gold", file=predicted,
                             line=got[0] if got else None, field="text",
                             fix="predict the texts of the gold file")
        for task in kinds:
            if task.annotation not in truth.annotated:
                continue
            asked = items[task.name]
            # A document without a list was not looked at for it: it answers nothing, and that is counted.
            answer = found.facts if found is not None and task.annotation in found.annotated else None
            label = dumps(task.label_rows(truth.facts, positions=True))
            for batch in asked:
                yield {
                    "id": truth.key, "task": task.name, "source": truth.source or "",
                    "instruction": Instruction("", list(task.questions(batch)), truth.text).render(), "label": label,
                    "output": None if answer is None else task.answer_text(answer, batch, truth.text),
                    "facts": msgspec.to_builtins(Facts() if answer is None else task.about(answer, batch)),
                }


def _documents(path: str) -> Iterator[tuple[int, Document]]:
    for line, row in read_rows(path):
        yield line, document_from_row(row, path, line)


def _kinds(gold: str, task: str) -> tuple[Task, ...]:
    if task:
        kinds = (get_task(task),)
        if kinds[0].poses_facts:
            raise InputError(f"documents cannot be scored as {task}: its questions tell a part of the answer",
                             field="task", fix="score them as EE, or score the rows that asked")
        return kinds
    found = dict.fromkeys(kind for _, doc in _documents(gold) for kind in doc.annotated)
    if not found:
        raise InputError("no document is annotated", file=gold, field="gold_path",
                         expected="documents with entity, relation or event lists")
    return tuple(get_task(TASK_OF[kind]) for kind in TASK_OF if kind in found)


def _items(task: Task, files: Iterable[str]) -> tuple[Item, ...]:
    """Everything that can be asked about the labels of the files."""
    entities: dict[str, None] = {}
    relations: dict[str, None] = {}
    signatures: dict[tuple[str, str, str], None] = {}
    events: dict[str, dict[str, None]] = {}
    for path in files:
        for _, doc in _documents(path):
            entities.update(dict.fromkeys(e.type for e in doc.entities))
            for r in doc.relations:
                relations[r.type] = None
                if r.head_type and r.tail_type:
                    signatures[r.head_type, r.type, r.tail_type] = None
            for e in doc.events:
                events.setdefault(e.type, {}).update(dict.fromkeys(a.role for a in e.arguments))
    if task.annotation == "entity":
        return task.items(Schema.of_entities(*sorted(entities)))
    if task.annotation == "event":
        return task.items(Schema.of_events({kind: sorted(roles) for kind, roles in sorted(events.items())}))
    typed = Schema.of_signatures(sorted(signatures)) if signatures else Schema()
    return task.items(typed) or task.items(Schema.of_relations(*sorted(relations)))


def _batches(task: Task, items: Sequence[Item]) -> list[tuple[Item, ...]]:
    """As few questions as can be: items with one key (SPO: of one predicate) cannot stand in one answer."""
    batches: list[dict[str, Item]] = [{}]
    for item in items:
        key = task.key(item)
        home = next((b for b in batches if key not in b), None)
        if home is None:
            batches.append(home := {})
        home[key] = item
    return [tuple(b.values()) for b in batches]
