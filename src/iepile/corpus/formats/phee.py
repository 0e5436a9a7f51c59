"""PHEE: drug effects in medical text, JSON lines of a text and its events with nested arguments.

    {"id": "1_1", "context": "Rash after amoxicillin.", "annotations": [{"events": [
      {"event_type": "Adverse_event", "Trigger": {"text": [["after"]], "start": [[5]]}, "Treatment":
       {"text": [["amoxicillin"]], "start": [[11]], "Drug": {"text": [["amoxicillin"]], "start": [[11]]}}}]}]}

`text` holds mentions, each a list of pieces: a mention of several is read as the stretch that covers them,
and the pieces stand in `meta["pieces"]`. A nested argument gets a dotted role (`Treatment.Drug`), a
combination of drugs the roles `Combination.Drug` and `Combination.Trigger` of the event it belongs to.
Severity, negation and speculation are values, not participants: `meta["attributes"]`, one object an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct, convert

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Argument, Document, Event, Span
from iepile.tasks.mentions import read_text

_ABOUT = ("Severity", "Speculated", "Negated")
_OTHER_KEYS = ("text", "start", "entity_id", "event_id", "event_type")


class _Row(Struct):
    context: str
    id: int | str | None = None
    annotations: list[dict[str, list[dict[str, Any]]]] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        if not row.context:
            options.summary.count(Repair.NO_TEXT)
            continue
        raw = [e for a in row.annotations or () for e in a["events"]]
        attributes = [{k.lower(): e[k].get("value", True) for k in _ABOUT if k in e} for e in raw]
        nested = _Nested(row.context, options, [])
        yield options.finish(Document(
            row.context, None if row.id is None else str(row.id), events=tuple(map(nested.event, raw)),
            annotated=() if row.annotations is None else ("event",),
            meta={k: v for k, v in (("attributes", attributes), ("pieces", nested.pieces)) if any(v)},
        ))


class _Nested(NamedTuple):
    text: str
    options: ReadOptions
    pieces: list[list[list[int]]]

    def event(self, raw: dict[str, Any]) -> Event:
        triggers = list(self.mentions(raw.get("Trigger", {})))
        arguments = [Argument(self.options.label("Trigger"), span) for span in triggers[1:]]
        for role, node in raw.items():
            if role not in (*_OTHER_KEYS, *_ABOUT, "Trigger"):
                arguments += self.arguments(role, node)
        label = self.options.label(read_text(raw["event_type"]))
        return Event(label, triggers[0] if triggers else None, tuple(arguments))

    def arguments(self, role: str, node: dict[str, Any]) -> Iterator[Argument]:
        """The argument's own mentions, then those nested in it."""
        for span in self.mentions(node):
            yield Argument(self.options.label(role), span)
        for name, inner in node.items():
            if name == "Combination":
                for event in inner:
                    yield from self.arguments(name, event)
            elif name not in _OTHER_KEYS:
                yield from self.arguments(f"{role}.{name}", inner)

    def mentions(self, node: dict[str, Any]) -> Iterator[Span]:
        places = convert(node.get("start", []), list[list[int]])
        for words, starts in zip(convert(node.get("text", []), list[list[str]]), places, strict=True):
            if not words or not all(words):
                self.options.summary.count(Repair.EMPTY_MENTION)
                continue
            found = [self.options.locate(self.text, w, s).offsets for w, s in zip(words, starts, strict=True)]
            known = [place for place in found if place is not None]
            self.pieces.extend([[list(place) for place in sorted(known)]] * (len(known) > 1))
            yield self.options.stretch(self.text, known) if len(known) == len(words) else Span(" ".join(words))


def sniff(sample: Sample) -> str | None:
    """JSON records with `context` and `annotations`."""
    row = sample.row or {}
    return "JSON records with `context` and `annotations`" if {"context", "annotations"} <= set(row) else None


FORMAT = Format(
    "phee", "PHEE drug events with nested arguments, JSON lines", (".json",), read, sniff,
    example='{"id": "1_1", "context": "Rash after amoxicillin.", "annotations": [{"events": [{"event_type": "Harm", '
            '"Trigger": {"text": [["after"]], "start": [[5]]}, "Effect": {"text": [["Rash"]], "start": [[0]]}}]}]}',
)
