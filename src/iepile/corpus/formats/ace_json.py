"""ACE-style JSON as the common ACE 2005 preprocessing writes it: one record a sentence, `golden-*` lists.

    [{"sentence_id": "s1", "words": ["Oil", "prices", "fell", "in", "Rome"],
      "golden-entity-mentions": [{"text": "Rome", "entity-type": "Place", "start": 4, "end": 5}],
      "golden-event-mentions": [{"event_type": "Fall", "polarity": "Positive", "modality": "Asserted",
        "trigger": {"text": "fell", "start": 2, "end": 3},
        "arguments": [{"role": "Item", "text": "Oil prices", "start": 0, "end": 2}]}]}]

Token numbers, end exclusive; equal ones stand for a part of a token, found by its text. `text` is often the
untokenised wording; the tokens are kept and the difference counted. Polarity, modality and the like go to
`meta["attributes"]`, one object an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tokens import TokenText
from iepile.records import Argument, Document, Entity, Event, Span

_ABOUT = ("polarity", "modality", "genericity", "tense")


class _Mention(msgspec.Struct):
    start: int
    end: int
    text: str | None = None


class _Entity(_Mention, rename={"type": "entity-type"}, kw_only=True):
    type: str


class _Argument(_Mention, kw_only=True):
    role: str


class _Event(msgspec.Struct):
    event_type: str
    trigger: _Mention
    arguments: list[_Argument] = []
    polarity: str | None = None
    modality: str | None = None
    genericity: str | None = None
    tense: str | None = None


class _Row(msgspec.Struct, rename={"entities": "golden-entity-mentions", "events": "golden-event-mentions"}):
    words: list[str]
    sentence_id: int | str | None = None
    entities: list[_Entity] | None = None
    events: list[_Event] | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a sentence."""
    for row in options.rows(path, _Row):
        if not any(row.words):
            options.summary.count(Repair.NO_TEXT)
            continue
        words, name, events = TokenText(row.words, options), options.label, row.events or []
        about = [{k: value for k in _ABOUT if (value := getattr(e, k)) is not None} for e in events]
        yield options.finish(Document(
            words.text, None if row.sentence_id is None else str(row.sentence_id), words.language,
            entities=tuple(Entity(name(e.type), _span(e, words, options)) for e in row.entities or ()),
            events=tuple(Event(name(e.event_type), _span(e.trigger, words, options), tuple(
                Argument(name(a.role), _span(a, words, options)) for a in e.arguments)) for e in events),
            annotated=("entity",) * (row.entities is not None) + ("event",) * (row.events is not None),
            meta={"attributes": about} if any(about) else {},
        ))


def _span(mention: _Mention, words: TokenText, options: ReadOptions) -> Span:
    if mention.start == mention.end and mention.text:  # a part of a token has no token numbers
        return options.locate(words.text, mention.text, words.starts[mention.start])
    return words.span(mention.start, mention.end, mention.text)


def sniff(sample: Sample) -> str | None:
    """JSON records with `words` and `golden-*` lists."""
    names = ('"golden-event-mentions"', '"golden-entity-mentions"')
    found = [name for name in names if name in sample.head]
    return "JSON records with " + " and ".join(found) if found and '"words"' in sample.head else None


FORMAT = Format(
    "ace_json", "sentences with golden-entity-mentions and golden-event-mentions, JSON", (".json",), read, sniff,
    example='{"words": ["Oil", "prices", "fell"], "golden-entity-mentions": [], "golden-event-mentions": '
            '[{"event_type": "Fall", "trigger": {"text": "fell", "start": 2, "end": 3}, "arguments": '
            '[{"role": "Item", "text": "Oil prices", "start": 0, "end": 2}]}]}',
)
