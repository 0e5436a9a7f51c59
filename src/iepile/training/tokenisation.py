"""Training rows become token ids: prompt and answer in one run, a row that is too long in several.

Neither the end of a prompt nor the end of an answer is ever cut.
"""

from __future__ import annotations

import os
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any, Literal

import msgspec

from iepile.errors import InputError
from iepile.instruction import read_instruction, text_first
from iepile.jsonl import BROKEN_JSON
from iepile.models.chat import Chat
from iepile.tasks.mentions import NOBODY
from iepile.training.lengths import Tally
from iepile.training.rows import Row, key_of
from iepile.training.windows import Reason, Split, split_row

MOST_WORKERS = 8
"""Threads that encode rows, if there are as many processors; the rest of the work is done by one."""
BATCH = 32
"""Rows that a thread takes at a time."""
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


class Outcome(msgspec.Struct, frozen=True):
    """What became of a row."""

    parts: list[Encoded]
    """The row, or its parts, or nothing where it is left out."""
    tokens: int
    """Of the row as it was."""
    odd: bool
    """The question is JSON and the answer is not."""
    split: Split | Reason | None = None
    """Where it is too long."""


class Tokeniser:
    """Turns rows into token ids, and counts."""

    def __init__(self, chat: Chat, reading: Reading) -> None:
        self.chat, self.reading = chat, reading
        self.tally = Tally(reading.cutoff_len)

    def __call__(self, rows: Iterable[Row]) -> Iterator[tuple[Row, list[Encoded]]]:
        """Each row with what it gives, in order. Several threads share the work: tokenizers let others run.

        Raises:
            InputError: this tokenizer cannot encode a row, or the rows raise it.
        """
        workers = min(MOST_WORKERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
        for row, outcome in in_order(self.encode, rows, workers):
            self._count(row, outcome)
            yield row, outcome.parts

    def encode(self, row: Row) -> Outcome:
        """One row.

        Raises:
            InputError: this tokenizer cannot encode it.
        """
        try:
            return self._encode(row)
        except InputError as e:
            raise e.at(row.file, row.line) from None

    def _count(self, row: Row, outcome: Outcome) -> None:
        self.tally.row(row, outcome.tokens, outcome.odd)
        if outcome.split is not None:
            self.tally.fate(outcome.split)
        for part in outcome.parts:
            self.tally.example(len(part.ids), len(part.ids) - part.prompt)

    def _encode(self, row: Row) -> Outcome:
        cutoff = self.reading.cutoff_len
        prompt, ids = self._ids(row.query, row.answer, row.text)
        prefix, text = _about(row)
        stated, odd = _stated(row.answer)
        odd = odd and bool(prefix)
        if len(ids) <= cutoff:
            return Outcome([self._encoded(row, prompt, ids, (prefix, text), row.key, not stated)], len(ids), odd)
        if self.reading.too_long == "drop":
            return Outcome([], len(ids), odd, Reason.TOO_LONG)
        split = split_row(row, lambda query, answer: len(self._ids(query, answer)[1]) <= cutoff)
        parts: list[Encoded] = []
        for part in () if isinstance(split, Reason) else split.parts:
            prompt, shorter = self._ids(part.query, part.answer)
            key = key_of(str(row.key), str(part.start), str(part.end))
            about = text_first(part.query).prefix, text
            parts.append(self._encoded(row, prompt, shorter, about, key, states_nothing(part.answer)))
        return Outcome(parts, len(ids), odd, split)

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
        prefix, text = about
        return Encoded(array("i", ids), before, key_of(row.source, prefix or row.query), key_of(text or row.query),
                       key, empty)


def in_order(job: Callable[[Row], Outcome], rows: Iterable[Row], workers: int) -> Iterator[tuple[Row, Outcome]]:
    """Do a job on each row, in several threads; results and errors come in the order of the rows."""
    source = iter(rows)
    # A tokenizer may settle its own state at the first use: better alone.
    for row in source if workers < 2 else islice(source, 1):
        yield row, job(row)
    failed: list[Exception] = []

    def batches() -> Iterator[list[Row]]:
        batch: list[Row] = []
        try:
            for row in source:
                batch.append(row)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
        except Exception as e:  # rows before the bad one still have their turn
            failed.append(e)
        if batch:
            yield batch

    with ThreadPoolExecutor(max(1, workers)) as pool:
        waiting: deque[tuple[list[Row], Future[list[Outcome]]]] = deque()
        try:
            for batch in batches():
                waiting.append((batch, pool.submit(lambda b: [job(r) for r in b], batch)))
                if len(waiting) > 2 * workers:
                    done, future = waiting.popleft()
                    yield from zip(done, future.result(), strict=True)
            for done, future in waiting:
                yield from zip(done, future.result(), strict=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if failed:
        raise failed[0]


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
