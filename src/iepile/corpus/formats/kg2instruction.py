"""DeepKE's older instruction rows (kg2instruction, CCKS2023): the question in words, the text and the answer as text.

    {"id": "1", "instruction": "... ['person', 'place'] ... (Entity,Entity Type)\\n.", "input": "Ada left.",
     "output": "(Ada,person)"}
    {"id": 1, "instruction": "...", "input": "Ada met Bob.", "kg": [["Ada", "knows", "Bob"]]}

The layout of the answer is the one that the question describes. Neighbouring rows of one id and text (a question
may be cut into several, numbered by `split`) are one document. What a row states is, where it has more than one,
`label` (the annotation of the whole text), `kg`, `facts` (our predictions, with places) or `output`; a row without
these only asks. Mentions without a place are placed where the text has them once. What cannot be read in an answer is
counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.kg2instruction_answers import kind_of, read_answer, read_label
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.stated import stated_facts
from iepile.errors import InputError
from iepile.records import Document, Facts, Relation, Span


class _Row(msgspec.Struct):
    instruction: str
    input: str
    id: int | str | None = None
    output: str | None = None
    kg: list[tuple[str, str, str]] | None = None
    source: str | None = None
    label: str | list[dict[str, Any]] | None = None
    facts: Facts | None = None


Key = tuple[str | None, str | None, str]
"""Source, id and text."""


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a text."""
    for (source, number, text), rows in groupby(_said(path, options), key=lambda said: said[0]):
        said = [(kind, facts) for _, kind, facts in rows if facts is not None]
        if not text:
            options.summary.count(Repair.NO_TEXT)
            continue
        facts = stated_facts((facts for _, facts in said), text, options)
        kinds = tuple(kind for kind in ("entity", "relation", "event") if kind in dict(said))
        yield options.finish(Document(text, number, None, source, facts.entities, facts.relations, facts.events, kinds))


def _said(path: Path, options: ReadOptions) -> Iterator[tuple[Key, str, Facts | None]]:
    """Whose row it is, the kind of fact and what is stated, of each row; None where it only asks."""
    for row in options.rows(path, _Row):
        key = row.source, None if row.id is None else str(row.id), row.input
        kind = kind_of(row.instruction)
        if row.label is not None:
            yield key, "relation", read_label(row.label, *(options.place or (path, None)))
        elif row.kg is not None:
            yield key, "relation", Facts(relations=tuple(Relation(r, Span(h), Span(t)) for h, r, t in row.kg))
        elif row.facts is not None:
            yield key, kind or "relation", row.facts
        elif row.output is None:
            yield key, kind or "", None
        elif kind is None:
            file, line = options.place or (path, None)
            raise InputError("the question describes no answer layout of kg2instruction", file=file, line=line,
                             field="instruction", expected="(Entity,Entity Type), or another of its layouts",
                             fix="bring the facts into the unified format")
        else:
            facts, bad = read_answer(row.output, kind, row.instruction)
            options.summary.count(Repair.ANSWER, bad)
            yield key, kind, facts


def sniff(sample: Sample) -> str | None:
    """JSON records with `instruction` and `input`, and an answer layout in words or a list `kg`."""
    row = sample.row or {}
    asked, text = row.get("instruction"), row.get("input")
    if not isinstance(asked, str) or not isinstance(text, str):
        return None
    return "JSON records whose `instruction` describes a layout" if kind_of(asked) or "kg" in row else None


FORMAT = Format(
    "kg2instruction", "DeepKE's older instruction rows in words (kg2instruction, CCKS2023), JSON lines", (".json",),
    read, sniff, example='{"id": "1", "instruction": "Types: [\'person\']. Answer as (Entity,Entity Type).", '
                         '"input": "Ada left.", "output": "(Ada,person)"}')
