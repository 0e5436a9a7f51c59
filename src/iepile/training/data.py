"""Instruction rows as training examples: token ids, loss on the answer only.

>>> rows = read_examples("train.json", chat, cutoff_len=1024)  # doctest: +SKIP

Nothing is ever cut: a row that does not fit is left out and counted.
"""

from __future__ import annotations

import logging
import random
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import read_rows
from iepile.models.chat import Chat
from iepile.training.layouts.batch import IGNORE

REPORT_EVERY = 1000

logger = logging.getLogger(__name__)


class Example(msgspec.Struct, frozen=True):
    """One row: prompt and answer in one run of token ids."""

    ids: array[int]
    """Token ids, the last one ends the answer."""
    prompt: int
    """How many of them are the prompt."""

    @property
    def labels(self) -> list[int]:
        """What is to be predicted at each place; `IGNORE` on the prompt."""
        return [IGNORE] * self.prompt + list(self.ids[self.prompt :])


@dataclass(frozen=True)
class Examples:
    """What a file gave."""

    rows: tuple[Example, ...]
    dropped: int = 0
    """Rows longer than allowed."""
    longest: int = 0
    """Tokens of the longest row of the file."""
    tasks: tuple[str, ...] = ()
    """Tasks the rows name, sorted."""
    lengths: tuple[int, ...] = field(init=False)
    """Tokens of each row."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", tuple(len(r.ids) for r in self.rows))

    def split(self, size: int, seed: int) -> tuple[Examples, Examples]:
        """Set `size` rows aside, drawn with `seed`: (the rest, those).

        Raises:
            InputError: nothing would be left to train on.
        """
        if size >= len(self.rows):
            raise InputError(f"is {size}, but there are {len(self.rows)} rows", field="val_set_size",
                             expected=f"below {len(self.rows)}")
        aside = set(random.Random(f"split {seed}").sample(range(len(self.rows)), size))
        rest = tuple(r for i, r in enumerate(self.rows) if i not in aside)
        kept = tuple(r for i, r in enumerate(self.rows) if i in aside)
        return Examples(rest, self.dropped, self.longest, self.tasks), Examples(kept, tasks=self.tasks)


def read_examples(
    path: str | Path, chat: Chat, cutoff_len: int, on_rows: Callable[[int], None] | None = None
) -> Examples:
    """Read a file of rows with `instruction` and `output` (and `input`, in the older form).

    Args:
        cutoff_len: most tokens of a row, prompt and answer together.
        on_rows: called now and then with the number of rows read.

    Raises:
        InputError: a row lacks instruction or answer, or no row fits.
    """
    rows: list[Example] = []
    tasks: set[str] = set()
    dropped = longest = n = 0
    for n, (line, row) in enumerate(read_rows(path), 1):
        query, answer = _question(row, path, line), _answer(row, path, line)
        try:
            prompt = chat.prompt_ids(query)
            ids = array("i", prompt + chat.answer_ids(answer))
        except InputError as e:
            raise e.at(path, line) from None
        longest = max(longest, len(ids))
        if len(ids) > cutoff_len:
            dropped += 1
        else:
            rows.append(Example(ids, len(prompt)))
            if isinstance(task := row.get("task"), str) and task:
                tasks.add(task)
        if on_rows is not None and n % REPORT_EVERY == 0:
            on_rows(n)
    if on_rows is not None:
        on_rows(n)
    if not rows:
        raise InputError(f"no row fits: the longest has {longest} tokens", file=path, field="cutoff_len",
                         expected=f"more than {cutoff_len}", fix="raise cutoff_len, or split the texts")
    if dropped:
        logger.warning("%s: %d of %d rows left out: longer than cutoff_len %d (the longest has %d tokens)",
                       path, dropped, n, cutoff_len, longest)
    return Examples(tuple(rows), dropped, longest, tuple(sorted(tasks)))


def _question(row: dict[str, Any], path: str | Path, line: int) -> str:
    query, more = row.get("instruction"), row.get("input")
    if not isinstance(query, str) or not query.strip():
        raise InputError("the row has no instruction", file=path, line=line, field="instruction", expected="text",
                         fix="make training rows with: iepile convert")
    return f"{query}\n{more}" if isinstance(more, str) and more else query


def _answer(row: dict[str, Any], path: str | Path, line: int) -> str:
    answer = row.get("output")
    if isinstance(answer, str) and answer.strip():
        return answer
    raise InputError("the row has no answer: these look like test rows", file=path, line=line, field="output",
                     expected="the answer as text", fix="make training rows with: iepile convert --split train")
