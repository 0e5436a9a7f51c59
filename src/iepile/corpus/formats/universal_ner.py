"""UniversalNER: conversations that ask for one entity type at a time; mentions have no places.

    {"id": "x_0", "conversations": [
      {"from": "human", "value": "Text: a bar in Oslo"}, {"from": "gpt", "value": "I've read this text."},
      {"from": "human", "value": "What describes Location in the text?"}, {"from": "gpt", "value": "[\\"Oslo\\"]"}]}

One text is spread over as many records as there are types (in the evaluation sets), or asked about several
types in one record (in the training set): records that follow each other with the same text are one document,
as long as no type is asked for twice. Nobody looked for other types: those asked for are in `meta["asked"]`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.records import Document, Entity

_QUESTION = re.compile(r"What describes (.+) in the text\?\s*", re.DOTALL)
_mentions = msgspec.json.Decoder(list[str]).decode


class _Turn(msgspec.Struct):
    speaker: str = msgspec.field(name="from")
    value: str


class _Row(msgspec.Struct):
    conversations: list[_Turn]
    id: int | str | None = None


def read(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Yield one document a text."""
    number, text, asked = "", "", dict[str, list[str]]()
    for row in options.rows(path, _Row):
        if not row.conversations or not row.conversations[0].value.startswith("Text:"):
            raise ValueError("the first turn is not `Text: ...`")
        new_text = row.conversations[0].value.removeprefix("Text:").strip()
        answers = _answers(row.conversations[1:])
        if new_text != text or answers.keys() & asked.keys():
            if text:
                yield _document(text, number, asked, options)
            number, text, asked = "" if row.id is None else str(row.id), new_text, {}
            options.summary.count(Repair.NO_TEXT, not text)
        asked |= answers
    if text:
        yield _document(text, number, asked, options)


def _answers(turns: list[_Turn]) -> dict[str, list[str]]:
    """The mentions by type of the questions that are answered."""
    found: dict[str, list[str]] = {}
    for question, answer in itertools.pairwise(turns):
        if (m := _QUESTION.fullmatch(question.value)) and answer.speaker == "gpt":
            try:
                found.setdefault(m[1], []).extend(_mentions(answer.value))
            except msgspec.DecodeError as e:
                raise ValueError(f"the answer on {m[1]!r} is no JSON list of strings: {e}") from None
    return found


def _document(text: str, number: str, asked: dict[str, list[str]], options: ReadOptions) -> Document:
    entities = [
        Entity(options.label(label), options.locate(text, mention))
        for label, mentions in asked.items() for mention in mentions if mention
    ]
    options.summary.count(Repair.EMPTY_MENTION, sum(map(len, asked.values())) - len(entities))
    return options.finish(Document(
        text, number or None, entities=tuple(entities), annotated=("entity",), meta={"asked": list(asked)}))


def sniff(sample: Sample) -> str | None:
    """JSON records with `conversations` that begin with `Text:` and ask what describes a type."""
    turns = (sample.row or {}).get("conversations")
    values = [turn.get("value") for turn in turns if isinstance(turn, dict)] if isinstance(turns, list) else []
    strings = [value for value in values if isinstance(value, str)]
    found = strings and strings[0].startswith("Text:") and any(map(_QUESTION.fullmatch, strings))
    return "conversations that ask what describes a type" if found else None


FORMAT = Format(
    "universal_ner", "UniversalNER: conversations, a question an entity type", (".json",), read, sniff,
    example='{"id": "x_0", "conversations": [{"from": "human", "value": "Text: a bar in Oslo"}, '
            '{"from": "gpt", "value": "I\'ve read this text."}, '
            '{"from": "human", "value": "What describes Location in the text?"}, '
            '{"from": "gpt", "value": "[\\"Oslo\\"]"}]}',
)
