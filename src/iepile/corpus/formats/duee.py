"""DuEE 1.0 and DuEE-fin: JSON lines of a text and its events.

    {"text": "...", "id": "...", "event_list": [{"event_type": "组织关系-裁员", "trigger": "裁员",
     "trigger_start_index": 15,
     "arguments": [{"role": "时间", "argument": "5月份", "argument_start_index": 10}]}]}

DuEE-fin has no start indexes: its mentions are placed where the text has them once. Some of them are
only in the title or name a value of a list (a stage); those are kept without offsets and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.jsonl import read_rows
from iepile.records import Argument, Document, Event, Span


class _Argument(msgspec.Struct):
    role: str
    argument: str
    argument_start_index: int | None = None


class _Event(msgspec.Struct):
    event_type: str
    arguments: list[_Argument]
    trigger: str | None = None
    trigger_start_index: int | None = None


class _Row(msgspec.Struct):
    text: str | None = None
    id: int | str | None = None
    title: str | None = None
    event_list: list[_Event] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a line; a record without `event_list` is not annotated (a test file)."""
    for row in options.rows(path, _Row):
        if not row.text:
            options.summary.count(Repair.NO_TEXT)
            continue
        yield options.finish(Document(
            row.text,
            None if row.id is None else str(row.id),
            events=tuple(_event(item, row.text, options) for item in row.event_list or ()),
            annotated=() if row.event_list is None else ("event",),
            meta={"title": row.title} if row.title else {},
        ))


def read_event_schema(path: str) -> dict[str, list[str]]:
    """Event type -> roles of a DuEE schema file (JSON lines of event_type and role_list)."""
    return {
        str(row["event_type"]): [str(role["role"]) for role in row["role_list"]] for _, row in read_rows(path)
    }


def _event(item: _Event, text: str, options: ReadOptions) -> Event:
    arguments = []
    for argument in item.arguments:
        span = _span(text, argument.argument, argument.argument_start_index, options)
        if span is not None:
            arguments.append(Argument(options.label(argument.role), span))
    trigger = _span(text, item.trigger, item.trigger_start_index, options) if item.trigger else None
    return Event(options.label(item.event_type), trigger, tuple(arguments))


def _span(text: str, mention: str, start: int | None, options: ReadOptions) -> Span | None:
    if not mention:
        options.summary.count(Repair.EMPTY_MENTION)
        return None
    return options.locate(text, mention, start)


def sniff(sample: Sample) -> str | None:
    """JSON records with `text` and `event_list`."""
    row = sample.row or {}
    return "JSON records with `event_list`" if "text" in row and "event_list" in row else None


FORMAT = Format(
    "duee", "DuEE 1.0 and DuEE-fin events, JSON lines", (".json",), read, sniff, read_event_schema,
    example='{"text": "银河公司5月裁员20人", "id": "1", "event_list": [{"event_type": "裁员", "trigger": "裁员", '
            '"trigger_start_index": 6, "arguments": [{"role": "裁员方", "argument": "银河公司", '
            '"argument_start_index": 0}]}]}',
)
