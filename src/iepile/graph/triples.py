"""From predictions or documents to edges, each with the trail that leads to it.

    from iepile.graph.triples import KgConfig, build
    build(KgConfig(input_file="pred.json", output_file="graph.graphml"))

An edge names its two ends, the document and the code points it was read from, how sure the model was,
which model it was, and a hash of the question. Events are nodes; their participants hang on them by role.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.instruction import read_instruction
from iepile.jsonl import check_target, read_rows
from iepile.records import Event, Facts, Span, text_id
from iepile.sentences import sentence_at, sentence_starts
from iepile.tasks.task import Task, Triple, get_task
from iepile.unified import document_from_row

FORMATS = {"jsonl": (".jsonl", ".json"), "graphml": (".graphml", ".xml")}
"""Forms a graph is written in, and the file endings that mean them."""
SNIPPET = 300
"""Longest quotation beside an edge, in code points."""


@dataclass
class KgConfig:
    """Make a knowledge graph of predictions or documents; every edge keeps its trail to the text."""

    input_file: str = ""
    """Predictions (rows with `instruction` and `facts` or `output`), or documents in the unified format."""
    output_file: str = ""
    """The graph: `.jsonl` for one edge a line, `.graphml` for graph programs."""
    format: str = ""
    """`jsonl` or `graphml`; empty: by the ending of the output."""
    model: str = ""
    """Name of the model, noted on every edge."""
    snippets: bool = True
    """Quote the sentences that an edge was read from."""


class Edge(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One edge of the graph with its provenance. Offsets are code points into the document's text."""

    head: str
    relation: str
    tail: str
    kind: str
    """`relation`, `role` (an event to a participant), `type` (a mention or event to its type)."""
    head_type: str | None = None
    tail_type: str | None = None
    head_start: int | None = None
    head_end: int | None = None
    tail_start: int | None = None
    tail_end: int | None = None
    event: str | None = None
    """Id of the event that is the head; `head` is then its trigger, or its type where it has none."""
    ungrounded: bool = False
    """An end is not in the text: do not trust the edge unseen."""
    confidence: float | None = None
    document: str
    source: str | None = None
    instruction: str | None = None
    """First 16 hex digits of the SHA-256 of the question."""
    model: str | None = None
    snippet: str | None = None
    """The sentences that hold both ends, shortened to 300 code points."""
    snippet_start: int | None = None


class Reading(msgspec.Struct, frozen=True):
    """What one document states for one task."""

    task: Task
    facts: Facts
    text: str
    document: str
    source: str | None
    asked: dict[str, str]
    """Label -> hash of the question that asked it."""
    line: int


class KgSummary(msgspec.Struct):
    """What a graph was made of."""

    output_file: str
    rows: int = 0
    documents: int = 0
    edges: int = 0
    kinds: dict[str, int] = {}
    """Edges by kind."""
    nodes: int = 0
    """Nodes after merging; not counted for JSON lines."""
    ungrounded: int = 0
    """Edges with an end that is not in the text."""
    invalid: int = 0
    """Answers in which no JSON object could be read."""


def build(config: KgConfig) -> KgSummary:
    """Make a graph of a file of predictions or documents; see `KgConfig`.

    Raises:
        InputError: a row that is neither, an unknown format, or an output that cannot be written.
    """
    from iepile.graph.export import write_edges, write_graphml

    for name in ("input_file", "output_file"):
        if not getattr(config, name):
            raise InputError("not given", field=name, fix=f"give --{name}")
    form = _format(config)
    check_target(config.output_file)
    summary = KgSummary(config.output_file)
    edges = edges_of_file(config, summary)
    if form == "jsonl":
        write_edges(edges, config.output_file)
    else:
        summary.nodes = write_graphml(edges, config.output_file)
    return summary


def _format(config: KgConfig) -> str:
    endings = {ending: form for form, all_of_it in FORMATS.items() for ending in all_of_it}
    name = config.output_file.removesuffix(".gz").removesuffix(".zst")
    form = config.format or endings.get(Path(name).suffix.lower(), "")
    if form not in FORMATS:
        raise InputError(
            f"no graph format {config.format!r}" if config.format else "the ending tells no graph format",
            file=None if config.format else config.output_file,
            field="format",
            expected=" or ".join(FORMATS),
        )
    return form


def edges_of_file(config: KgConfig, summary: KgSummary) -> Iterator[Edge]:
    """The edges of the input of `config`, counted in `summary` as they come.

    Raises:
        InputError: a row that is neither a prediction nor a document.
    """
    types = _types(config.input_file)
    seen: set[tuple[str | None, str]] = set()
    for reading in readings(config.input_file, summary):
        key = (reading.source, reading.document)
        seen.add(key)
        summary.documents = len(seen)
        for edge in edges_of(reading, types.get(key), config.model or None, config.snippets):
            summary.edges += 1
            summary.kinds[edge.kind] = summary.kinds.get(edge.kind, 0) + 1
            summary.ungrounded += edge.ungrounded
            yield edge


def readings(path: str, summary: KgSummary | None = None) -> Iterator[Reading]:
    """What the documents of a file state; the rows that ask one document are put together.

    Raises:
        InputError: a row that is neither a prediction nor a document.
    """
    summary = summary or KgSummary("")
    for (kind, *_), rows in groupby(read_rows(path), lambda numbered: _group(numbered[1])):
        if kind == "document":
            for line, row in rows:
                summary.rows += 1
                yield from _of_document(row, path, line)
        else:
            yield _of_predictions(list(rows), path, summary)


def _group(row: Mapping[str, Any]) -> tuple[Any, ...]:
    if isinstance(row.get("instruction"), str):
        own = row["instruction"] if row.get("id") is None else None
        return ("prediction", row.get("task"), row.get("source"), row.get("id"), own)
    return ("document",)


def _of_document(row: dict[str, Any], path: str, line: int) -> Iterator[Reading]:
    if not isinstance(row.get("text"), str):
        raise InputError("neither a prediction nor a document", file=path, line=line,
                         expected="`instruction` and `output` or `facts`; or `text` and annotation")
    doc = document_from_row(row, path, line)
    parts = (("NER", Facts(entities=doc.entities)), ("RE", Facts(relations=doc.relations)),
             ("EE", Facts(events=doc.events)))
    for task, facts in parts:
        if facts:
            yield Reading(get_task(task), facts, doc.text, doc.key, doc.source, {}, line)


def _of_predictions(rows: list[tuple[int, dict[str, Any]]], path: str, summary: KgSummary) -> Reading:
    """Rows of one document and task as one reading."""
    parts: list[Facts] = []
    asked: dict[str, str] = {}
    first_line, first = rows[0]
    text = ""
    for line, row in rows:
        summary.rows += 1
        try:
            instruction = read_instruction(row["instruction"])
            task = get_task(str(row.get("task") or ""))
            items = task.read_items(instruction.schema)
            if "facts" in row:
                facts = msgspec.convert(row["facts"], Facts)
            elif isinstance(row.get("output"), str):
                answer = task.parse(row["output"], items)
                summary.invalid += any(p.kind == "invalid" for p in answer.problems)
                facts = answer.facts
            else:
                raise InputError("neither `facts` nor `output`", field="facts",
                                 fix="give the file that `iepile predict` wrote")
        except msgspec.ValidationError as e:
            raise InputError(f"not facts: {e}", file=path, line=line, field="facts") from None
        except InputError as e:
            raise e.at(path, line) from None
        digest = sha256(row["instruction"].encode("utf-8", "surrogatepass")).hexdigest()[:16]
        for item in items:
            # An SPO fact goes by its predicate, a KG fact by its attribute.
            for label in (task.key(item), *task.labels(item)):
                asked.setdefault(label, digest)
        text = instruction.input
        parts.append(facts)
    key = text_id(text) if first.get("id") is None else str(first["id"])
    source = None if first.get("source") is None else str(first["source"])
    return Reading(task, task.join(parts), text, key, source, asked, first_line)


Mentions = dict[str, str | None]
"""Mention -> its entity type; None where a document gives it several."""


def _types(path: str) -> dict[tuple[str | None, str], Mentions]:
    """What the entities of each document say about the types of its mentions."""
    types: dict[tuple[str | None, str], Mentions] = {}
    for reading in readings(path):
        for e in reading.facts.entities:
            known = types.setdefault((reading.source, reading.document), {})
            known[e.span.text] = e.type if known.get(e.span.text, e.type) == e.type else None
    return types


def edges_of(
    reading: Reading, types: Mentions | None = None, model: str | None = None, snippets: bool = True
) -> Iterator[Edge]:
    """The edges of one reading, in the order of its facts.

    Args:
        types: types of mentions, for ends that carry none.
        model: noted on every edge.
        snippets: whether to quote the text.
    """
    maker = _EdgeMaker(reading, types or {}, model, snippets)
    facts = reading.facts
    for entity in facts.entities:
        yield from maker.edges(Facts(entities=(entity,)), entity.type)
    for relation in facts.relations:
        yield from maker.edges(Facts(relations=(relation,)), relation.type)
    for n, event in enumerate(facts.events):
        yield from maker.edges(Facts(events=(event,)), event.type, event, n)


class _EdgeMaker:
    def __init__(self, reading: Reading, types: Mentions, model: str | None, snippets: bool) -> None:
        self.reading, self.types, self.model = reading, types, model
        self.starts = sentence_starts(reading.text) if snippets else None

    def edges(self, facts: Facts, label: str, event: Event | None = None, n: int = 0) -> Iterator[Edge]:
        """The edges of one fact, given alone, so that two events of one trigger stay two nodes."""
        event_id = None if event is None else f"{self.reading.document}:{self.reading.line}:{n}"
        for t in self.reading.task.triples(facts):
            yield self.edge(t, label, event_id, event is not None and event.trigger is None)

    def edge(self, t: Triple, label: str, event: str | None, no_trigger: bool) -> Edge:
        ends = [s for s, is_text in ((t.head, not no_trigger), (t.tail, t.kind != "type")) if is_text]
        snippet = self.snippet([s for s in ends if s.grounded])
        return Edge(
            head=t.head.text, relation=t.relation, tail=t.tail.text, kind=t.kind,
            head_type=t.head_type or (None if event else self.types.get(t.head.text)),
            tail_type=t.tail_type or (None if t.kind == "type" else self.types.get(t.tail.text)),
            head_start=t.head.start, head_end=t.head.end, tail_start=t.tail.start, tail_end=t.tail.end,
            event=event, ungrounded=not all(s.grounded for s in ends), confidence=t.confidence,
            document=self.reading.document, source=self.reading.source,
            instruction=self.reading.asked.get(label), model=self.model,
            snippet=snippet.text if snippet else None, snippet_start=snippet.start if snippet else None,
        )

    def snippet(self, ends: list[Span]) -> Span | None:
        """The sentences from the first end to the last."""
        if self.starts is None or not ends:
            return None
        text = self.reading.text
        first = min(s.start for s in ends if s.start is not None)
        last = max(s.end for s in ends if s.end is not None)
        start, after = self.starts[sentence_at(self.starts, first)], sentence_at(self.starts, last - 1) + 1
        end = self.starts[after] if after < len(self.starts) else len(text)
        if end - start > SNIPPET:
            start = max(start, first - SNIPPET // 6)
            end = min(end, start + SNIPPET)
        quoted = text[start:end]
        start += len(quoted) - len(quoted.lstrip())
        quoted = quoted.strip()
        return Span(quoted, start, start + len(quoted))
