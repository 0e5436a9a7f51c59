"""Label Studio: the JSON and JSON-MIN exports of text projects.

    [{"id": 1, "data": {"text": "Ada met Bob."}, "annotations": [{"was_cancelled": false, "result": [
       {"id": "a", "type": "labels", "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}},
       {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": ["knows"]}]}]}]
    [{"id": 1, "text": "Ada met Bob.", "label": [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}],
      "annotator": 1, "annotation_id": 4}]

Of several annotations the first that was not cancelled is taken; the others, and results of other kinds (choices,
ratings), are counted (NO_PLACE). A relation without label has the type `relation`, one of direction `bi` is two.
The text is `data.text`, else the longest of the data. Mentions that are given tell whether offsets are right.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Entity, Relation, Span


class _Value(msgspec.Struct):
    start: int
    end: int
    labels: list[str] = []
    text: str | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a task."""
    for row in options.rows(path, dict[str, Any]):
        data = row.get("data", row)
        texts = [v for k, v in data.items() if isinstance(v, str) and not k.endswith("_at")]
        if not (text := data.get("text") or max(texts, key=len, default="")):
            options.summary.count(Repair.NO_TEXT)
            continue
        results = _results(row, options)
        entities: dict[Any, list[Entity]] = {}
        for n, result in enumerate(results or ()):
            if result["type"] == "labels":
                value = msgspec.convert(result["value"], _Value)
                span = _span(value, text, options)
                entities[result.get("id", n)] = [Entity(options.label(k), span) for k in value.labels or ["entity"]]
            options.summary.count(Repair.NO_PLACE, result["type"] not in ("labels", "relation"))
        relations = tuple(r for result in results or () if result["type"] == "relation"
                          for r in _relations(result, entities, options))
        yield options.finish(Document(
            text, str(row["id"]) if "id" in row else None, relations=relations,
            entities=tuple(e for found in entities.values() for e in found),
            annotated=("entity",) * (results is not None) + ("relation",) * bool(relations)))


def _results(row: dict[str, Any], options: ReadOptions) -> list[dict[str, Any]] | None:
    done = row.get("annotations", row.get("completions"))
    if done is None:  # JSON-MIN, whose list is named as the project names its labels
        lists = [of for of in row.values() if isinstance(of, list) and all({"start", "end"} <= set(v) for v in of)]
        return [{"type": "labels", "value": value} for of in lists for value in of] if lists else None
    valid = [a for a in done if not a.get("was_cancelled")]
    options.summary.count(Repair.NO_PLACE, len(done) - bool(valid))
    return valid[0]["result"] if valid else None


def _span(value: _Value, text: str, options: ReadOptions) -> Span:
    there = text[value.start : value.end]
    if value.text is None or there.split() == value.text.replace("\\n", " ").split():
        return options.stretch(text, [(value.start, value.end)])
    return options.locate(text, value.text, value.start)


def _relations(result: dict[str, Any], known: dict[Any, list[Entity]], options: ReadOptions) -> Iterator[Relation]:
    if not {result["from_id"], result["to_id"]} <= set(known):
        options.summary.count(Repair.DANGLING)
        return
    head, tail, way = known[result["from_id"]][0], known[result["to_id"]][0], result.get("direction")
    pairs = [(head, tail)] * (way != "left") + [(tail, head)] * (way in ("left", "bi"))
    for label in result.get("labels") or ["relation"]:
        yield from (Relation(options.label(label), h.span, t.span, h.type, t.type) for h, t in pairs)


def sniff(sample: Sample) -> str | None:
    """JSON records with `data` and `annotations`, or with an annotator and spans that have `labels`."""
    if sample.row is None:  # one task may be longer than what guessing sees
        claimed = all(f'"{key}":' in sample.head for key in ("annotations", "result", "was_cancelled"))
    else:
        claimed = isinstance(sample.row.get("data"), dict) and bool({"annotations", "completions"} & set(sample.row))
        claimed = claimed or {"annotator", "annotation_id"} <= set(sample.row)
    return "JSON tasks with `annotations` and `result`, or with `annotator`" if claimed else None


FORMAT = Format(
    "label_studio", "Label Studio exports, JSON or JSON-MIN", (".json",), read, sniff,
    example='[{"id": 1, "data": {"text": "Ada met Bob."}, "annotations": [{"result": [{"id": "a", "type": "labels", '
            '"value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}}]}]}]')
