"""Training rows become token ids: prompt and answer in one run, a row that is too long in several.

Neither the end of a prompt nor the end of an answer is ever cut.
"""

from __future__ import annotations

from array import array
from contextlib import suppress
from typing import Any, Literal

import msgspec

from iepile.errors import InputError
from iepile.instruction import read_instruction, text_first
from iepile.jsonl import BROKEN_JSON
from iepile.models.chat import Chat
from iepile.tasks.mentions import NOBODY
from iepile.training.lengths import Tally
from iepile.training.rows import Row, key_of
from iepile.training.windows import Reason, split_row

_decode = msgspec.json.Decoder().decode


class Reading(msgspec.Struct, frozen=True):
    """How rows become token ids."""

    cutoff_len: int = 1024
    """Most tokens of a row, prompt and answer together."""
    too_long: Literal["window", "drop"] = "window"
    """Longer rows are split with their labels, or left out."""
    train_on_prompt: bool = False
    """The prompt is learned as well."""
    text_first: bool = False
    """The text comes before the schema."""


class Encoded(msgspec.Struct, frozen=True):
    """A row, or a part of one, as token ids."""

    ids: array[int]
    prompt: int
    """Tokens before the first one that is learned."""
    group: int
    """The same for all questions with one source, instruction and text."""
    text: int
    """The same for all rows made of one text, its parts too."""
    key: int
    """Decides draws; from the content."""
    empty: bool
    """The answer states no fact."""


class Tokeniser:
    """Turns rows into token ids, and counts."""

    def __init__(self, chat: Chat, reading: Reading) -> None:
        self.chat, self.reading = chat, reading
        self.tally = Tally(reading.cutoff_len)

    def __call__(self, row: Row) -> list[Encoded]:
        """The row, or its parts, or nothing where it is left out.

        Raises:
            InputError: this tokenizer cannot encode the row.
        """
        try:
            return self._encode(row)
        except InputError as e:
            raise e.at(row.file, row.line) from None

    def _encode(self, row: Row) -> list[Encoded]:
        cutoff = self.reading.cutoff_len
        prompt, ids = self._ids(row.query, row.answer, row.text)
        prefix, text = _about(row)
        stated, odd = _stated(row.answer)
        self.tally.row(row, len(ids), odd and bool(prefix))
        if len(ids) <= cutoff:
            return [self._encoded(row, prompt, ids, (prefix, text), row.key, not stated)]
        if self.reading.too_long == "drop":
            self.tally.fate(Reason.TOO_LONG)
            return []
        split = split_row(row, lambda query, answer: len(self._ids(query, answer)[1]) <= cutoff)
        self.tally.fate(split)
        if isinstance(split, Reason):
            return []
        out: list[Encoded] = []
        for part in split.parts:
            prompt, ids = self._ids(part.query, part.answer)
            key = key_of(str(row.key), str(part.start), str(part.end))
            prefix = text_first(part.query).prefix
            out.append(self._encoded(row, prompt, ids, (prefix, text), key, not _stated(part.answer)[0]))
        return out

    def _ids(self, query: str, answer: str, text: str = "") -> tuple[int, list[int]]:
        if self.reading.text_first:
            with suppress(InputError):  # plain words have no schema to move
                query = text_first(query).text
        # Older templates have a place of their own for a text that stands apart.
        apart = text if text and query.endswith(f"\n{text}") else ""
        prompt = self.chat.prompt_ids(query.removesuffix(f"\n{apart}") if apart else query, apart)
        return len(prompt), prompt + self.chat.answer_ids(answer)

    def _encoded(self, row: Row, prompt: int, ids: list[int], about: tuple[str, str], key: int, empty: bool) -> Encoded:
        # Nothing stands before the first token that it could be predicted from.
        before = 1 if self.reading.train_on_prompt else prompt
        self.tally.example(len(ids), len(ids) - before)
        prefix, text = about
        return Encoded(array("i", ids), before, key_of(row.source, prefix or row.query), key_of(text or row.query),
                       key, empty)


def states_nothing(answer: str) -> bool:
    """Whether an answer is JSON that states no fact."""
    return not _stated(answer)[0]


def _about(row: Row) -> tuple[str, str]:
    """What all questions about a text have in common, and the text; empty for plain words."""
    try:
        return text_first(row.query).prefix, read_instruction(row.query).input
    except InputError:
        return "", row.text


def _stated(answer: str) -> tuple[bool, bool]:
    """Whether an answer states anything, and whether it is no JSON object."""
    try:
        value = _decode(answer)
    except BROKEN_JSON:
        return True, True
    return _holds(value), not isinstance(value, dict)


def _holds(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds, value.values()))
    if isinstance(value, list):
        return any(map(_holds, value))
    return value not in NOBODY and value is not None
