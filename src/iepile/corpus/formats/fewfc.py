"""FewFC: Chinese financial events, JSON lines of a text and its events, each a list of mentions.

    {"id": "a1", "content": "银河公司昨日收购星海公司。",
     "events": [{"type": "收购", "mentions": [{"word": "收购", "span": [6, 8], "role": "trigger"},
                                              {"word": "银河公司", "span": [0, 4], "role": "sub-org"}]}]}

The trigger is the mention with the role `trigger`; one sentence often holds several events of one trigger.
Spans are characters, end exclusive. A few records have no event: annotated, with none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Argument, Document, Event, Span


class _Mention(msgspec.Struct):
    word: str
    span: tuple[int, int]
    role: str


class _Event(msgspec.Struct):
    type: str
    mentions: list[_Mention]


class _Row(msgspec.Struct):
    content: str
    id: int | str | None = None
    events: list[_Event] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a record."""
    for row in options.rows(path, _Row):
        if not row.content:
            options.summary.count(Repair.NO_TEXT)
            continue
        yield options.finish(Document(
            row.content, None if row.id is None else str(row.id),
            events=tuple(_event(e, row.content, options) for e in row.events or ()),
            annotated=() if row.events is None else ("event",),
        ))


def _event(event: _Event, text: str, options: ReadOptions) -> Event:
    trigger: Span | None = None
    arguments: list[Argument] = []
    for m in event.mentions:
        if not m.word:
            options.summary.count(Repair.EMPTY_MENTION)
            continue
        span = options.locate(text, m.word, m.span[0])
        if m.role == "trigger" and trigger is None:
            trigger = span
        else:
            arguments.append(Argument(options.label(m.role), span))
    return Event(options.label(event.type), trigger, tuple(arguments))


def sniff(sample: Sample) -> str | None:
    """JSON records with `content` and a list `events`."""
    row = sample.row or {}
    claimed = isinstance(row.get("content"), str) and isinstance(row.get("events"), list)
    return "JSON records with `content` and `events`" if claimed else None


FORMAT = Format(
    "fewfc", "FewFC events, JSON lines", (".json",), read, sniff,
    example='{"id": "a1", "content": "银河公司昨日收购星海公司。", "events": [{"type": "收购", "mentions": '
            '[{"word": "收购", "span": [6, 8], "role": "trigger"}, '
            '{"word": "银河公司", "span": [0, 4], "role": "sub-org"}]}]}',
)
