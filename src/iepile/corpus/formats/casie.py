"""CASIE: cybersecurity events, one JSON object a document; a folder of them (`annotation/`) or one file.

    {"sourcefile": "1.txt", "content": "Hackers took the files.", "cyberevent": {"hopper": [{"events": [
      {"nugget": {"startOffset": 8, "endOffset": 12, "text": "took"}, "type": "Attack", "subtype": "Databreach",
       "realis": "Actual", "argument": [{"startOffset": 13, "endOffset": 22, "text": "the files",
                                         "type": "Data", "role": {"type": "Compromised-Data"}}]}]}]}}

A hopper holds the mentions of one event; each mention is read as an event, its type the subtype. In some
files the offsets are shifted: the nearest occurrence is taken (MOVED). A file without `cyberevent` is
annotated and has no event. `meta["attributes"]` says for each event, in order, how real it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Argument, Document, Event


class _Mention(msgspec.Struct):
    startOffset: int
    text: str


class _Role(msgspec.Struct):
    type: str


class _Argument(_Mention):
    role: _Role


class _Event(msgspec.Struct):
    nugget: _Mention
    type: str | None = None
    subtype: str | None = None
    realis: str | None = None
    argument: list[_Argument] = []


class _Hopper(msgspec.Struct):
    events: list[_Event] = []


class _CyberEvent(msgspec.Struct):
    hopper: list[_Hopper] = []


class _Row(msgspec.Struct):
    content: str
    sourcefile: str | None = None
    cyberevent: _CyberEvent | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a file (or a record, where a file holds several)."""
    for file in options.files(path, ".json"):
        for row in options.rows(file, _Row):
            if not row.content:
                options.summary.count(Repair.NO_TEXT)
                continue
            found = [e for h in (row.cyberevent.hopper if row.cyberevent else ()) for e in h.events]
            attributes = [{"realis": e.realis} if e.realis else {} for e in found]
            yield options.finish(Document(
                row.content, row.sourcefile, events=tuple(_event(e, row.content, options) for e in found),
                annotated=("event",), meta={"attributes": attributes} if any(attributes) else {},
            ))


def _event(event: _Event, text: str, options: ReadOptions) -> Event:
    arguments = [a for a in event.argument if a.text]
    options.summary.count(Repair.EMPTY_MENTION, len(event.argument) - len(arguments) + (not event.nugget.text))
    trigger = options.locate(text, event.nugget.text, event.nugget.startOffset) if event.nugget.text else None
    return Event(options.label(event.subtype or event.type or "event"), trigger, tuple(
        Argument(options.label(a.role.type), options.locate(text, a.text, a.startOffset)) for a in arguments))


def sniff(sample: Sample) -> str | None:
    """A JSON object with `content` and `cyberevent`, or a folder whose first JSON file is one."""
    first = sample.first(".json") if sample.is_folder else sample
    row = (first and first.row) or {}
    claimed = "content" in row and ("cyberevent" in row or {"sourcefile", "info"} <= set(row))
    return "JSON documents with `content` and `sourcefile` or `cyberevent`" if claimed else None


FORMAT = Format(
    "casie", "CASIE cybersecurity events, one JSON object a document, in a folder or a file", (".json",), read, sniff,
    example='{"sourcefile": "1.txt", "content": "Hackers took the files.", "cyberevent": {"hopper": [{"events": '
            '[{"nugget": {"startOffset": 8, "endOffset": 12, "text": "took"}, "type": "Attack", '
            '"subtype": "Databreach", "realis": "Actual", "argument": []}]}]}}',
)
