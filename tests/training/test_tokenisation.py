"""Rows become token ids in several threads as in one: the same, in order, and errors where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.models.chat import Chat
from iepile.training import tokenisation
from iepile.training.rows import Row, read_row
from iepile.training.tokenisation import Outcome, Reading, Tokeniser, in_order, states_nothing
from tiny_models import byte_level_tokenizer, sentencepiece_tokenizer
from training_rows import ner_row

CHATML = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
          "<|im_start|>assistant\n")


def rows(n: int) -> list[Row]:
    return [read_row(ner_row(i, words=i % 90), "f.json", i + 1) for i in range(n)]


@pytest.mark.parametrize("tokenizer, template", [
    (byte_level_tokenizer(chat_template=CHATML), "tokenizer"), (byte_level_tokenizer(), "qwen"),
    (sentencepiece_tokenizer(), "llama2"),
])
def test_threads_change_nothing(tokenizer: Any, template: str) -> None:
    tokenise = Tokeniser(Chat(tokenizer, template), Reading(300))
    one, many = (list(in_order(tokenise.encode, rows(120), workers)) for workers in (1, 4))
    assert one == many and [r.line for r, _ in many] == list(range(1, 121))
    assert any(outcome.split for _, outcome in many)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_error_in_the_file_is_the_one_told(workers: int) -> None:
    def job(row: Row) -> Outcome:
        if row.line == 40:
            raise InputError("cannot be encoded", line=40)
        return Outcome([], row.line, False)

    def read(bad: int) -> Iterator[Row]:
        yield from rows(bad - 1)
        raise InputError("cannot be read", line=bad)

    for bad, line in ((60, 40), (20, 20), (33, 33), (1, 1)):
        seen: list[int] = []
        with pytest.raises(InputError) as e:
            for row, _ in in_order(job, read(bad), workers):
                seen.append(row.line)
        assert e.value.line == line and seen == list(range(1, len(seen) + 1))
        assert workers > 1 or len(seen) == line - 1


def test_rows_are_read_no_farther_ahead_than_threads_need() -> None:
    read: list[int] = []

    def source() -> Iterator[Row]:
        for row in rows(3000):
            read.append(row.line)
            yield row

    stream = in_order(lambda row: Outcome([], row.line, False), source(), 2)
    for _ in range(50):
        next(stream)
    assert len(read) <= 50 + tokenisation.BATCH * (2 * 2 + 2)
    stream.close()


@pytest.mark.parametrize("answer, nothing", [
    ('{"a": []}', True), ('{"a": [], "b": {}}', True), ('{"a": [{"trigger": "NAN", "arguments": {"r": "NAN"}}]}', True),
    ("{}", True), ('{"a": {"x": {}}}', True), ('{"a": ["x"]}', False), ('{"a": {"x": {"b": "y"}}}', False),
    ('{"a": [{"trigger": "t", "arguments": {}}]}', False), ('{"a": ["x', False), ("plain", False),
])
def test_answers_that_state_nothing(answer: str, nothing: bool) -> None:
    assert states_nothing(answer) is nothing
