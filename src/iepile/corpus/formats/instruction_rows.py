"""IEPile's instruction rows, training, test or prediction, put back together to annotated texts.

    {"task": "NER", "source": "news", "instruction": "{\\"instruction\\": \\"...\\", \\"schema\\": [\\"person\\"],
     \\"input\\": \\"Ada met Bob.\\"}", "output": "{\\"person\\": [\\"Ada\\", \\"Bob\\"]}"}

The questions about one text stand in several rows, in shuffled files far apart. All rows of one source, id and
text become one document, at the place of the last: the file is read twice, and only texts with rows to come are
held. Facts are those of `label` (the annotation of the whole text), else of `facts` (our predictions, with places),
else of `output`; a row without these only asks. What is wrong in an answer is counted, the rest of it kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.stated import stated_facts
from iepile.errors import InputError
from iepile.instruction import Instruction, read_instruction
from iepile.instructions.wording import tasks_of
from iepile.jsonl import dumps
from iepile.records import Document, Facts
from iepile.tasks import get_task


class _Row(msgspec.Struct):
    instruction: str
    task: str | None = None
    source: str | None = None
    id: int | str | None = None
    label: str | list[dict[str, Any]] | None = None
    facts: Facts | None = None
    output: str | dict[str, Any] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a text, in the order of their last rows."""
    last = {key: number for number, (key, _, _) in enumerate(_rows(path, options))}
    unfinished: dict[bytes, list[tuple[str, Facts | None]]] = {}
    for number, (key, row, asked) in enumerate(_rows(path, options)):
        if not asked.input:
            options.summary.count(Repair.NO_TEXT)
            continue
        try:
            unfinished.setdefault(key, []).append(_said(row, asked, options))
        except InputError as e:
            raise e.at(*(options.place or ())) from None
        if last[key] == number:
            said = [(kind, facts) for kind, facts in unfinished.pop(key) if facts is not None]
            facts = stated_facts((facts for _, facts in said), asked.input, options)
            kinds = tuple(k for k in ("entity", "relation", "event") if k in dict(said))
            yield options.finish(Document(asked.input, None if row.id is None else str(row.id), None, row.source,
                                          facts.entities, facts.relations, facts.events, kinds))


def _rows(path: Path, options: ReadOptions) -> Iterator[tuple[bytes, _Row, Instruction]]:
    """The rows, each with what tells its text from others."""
    for row in options.rows(path, _Row):
        try:
            asked = read_instruction(row.instruction)
        except InputError as e:
            raise e.at(*(options.place or ())) from None
        text = repr((row.source, row.id, asked.input)).encode("utf-8", "replace")
        yield blake2b(text, digest_size=16).digest(), row, asked


def _said(row: _Row, asked: Instruction, options: ReadOptions) -> tuple[str, Facts | None]:
    """The kind of fact a row is about and the facts that it states; None where it only asks."""
    names = [row.task] if row.task else list(dict.fromkeys(t for t, _ in tasks_of(asked.prompt, asked.schema)))
    if len(names) != 1:
        raise InputError("the row names no task, and its prompt does not tell", field="task", fix='add "task": "NER"')
    task = get_task(names[0])
    items = task.read_items(asked.schema)
    if row.label is not None:
        return task.annotation, task.read_label_rows(json.loads(row.label) if isinstance(row.label, str) else row.label)
    if row.facts is not None or row.output is None:
        return task.annotation, row.facts
    answer = task.parse(row.output if isinstance(row.output, str) else dumps(row.output), items)
    options.summary.count(Repair.ANSWER, len(answer.problems))
    return task.annotation, answer.facts


def sniff(sample: Sample) -> str | None:
    """JSON records whose `instruction` is a JSON string with `schema` and `input`."""
    asked = str((sample.row or {}).get("instruction"))
    return "JSON records whose `instruction` holds a schema" if asked[:1] == "{" and '"schema"' in asked else None


FORMAT = Format(
    "instruction_rows", "IEPile instruction rows (training, test, prediction), JSON lines", (".json",), read, sniff,
    example=dumps({"task": "NER", "instruction": dumps({"instruction": "Find.", "schema": ["person"], "input": "Ada!"}),
                   "output": '{"person": ["Ada"]}'}))
