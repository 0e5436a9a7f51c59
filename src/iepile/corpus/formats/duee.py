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
from typing import Any

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.jsonl import read_rows
from iepile.records import Argument, Document, Event, Span


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a line; a record without `event_list` is not annotated (a test file)."""
    for line, row in read_rows(path):
        text = row.get("text")
        if not isinstance(text, str) or not text:
            options.summary.count(Repair.NO_TEXT)
            continue
        events = row.get("event_list")
        try:
            found = tuple(_event(item, text, options) for item in events or ())
        except (AttributeError, KeyError, TypeError) as e:
            raise InputError(
                f"an event cannot be read ({type(e).__name__}: {e})",
                file=path,
                line=line,
                field="event_list",
                expected="objects with event_type, trigger and arguments of role and argument",
                fix="mend or remove the record",
            ) from e
        number = row.get("id")
        yield options.finish(
            Document(
                text,
                None if number is None else str(number),
                events=found,
                annotated=() if events is None else ("event",),
                meta={"title": row["title"]} if row.get("title") else {},
            )
        )


def read_event_schema(path: str) -> dict[str, list[str]]:
    """Event type -> roles of a DuEE schema file (JSON lines of event_type and role_list)."""
    return {
        str(row["event_type"]): [str(role["role"]) for role in row["role_list"]] for _, row in read_rows(path)
    }


def _event(item: dict[str, Any], text: str, options: ReadOptions) -> Event:
    word = item.get("trigger")
    arguments = []
    for argument in item["arguments"]:
        span = _span(text, argument["argument"], argument.get("argument_start_index"), options)
        if span is not None:
            arguments.append(Argument(options.label(argument["role"]), span))
    trigger = _span(text, word, item.get("trigger_start_index"), options) if word else None
    return Event(options.label(item["event_type"]), trigger, tuple(arguments))


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
    "duee", "DuEE 1.0 and DuEE-fin events, JSON lines", (".json",), read, sniff, read_event_schema
)
