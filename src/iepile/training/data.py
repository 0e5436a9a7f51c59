"""Instruction rows as training examples: token ids, loss on the answer only, batches of like length.

>>> rows = read_examples("train.json", chat, cutoff_len=1024)  # doctest: +SKIP
>>> for batch in plan_batches(rows.lengths, 8, 0, seed=42, epoch=0): ...  # doctest: +SKIP

Nothing is ever cut: a row that does not fit is left out and counted.
"""

from __future__ import annotations

import logging
import random
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import read_rows
from iepile.models.chat import Chat

IGNORE = -100
"""Label of a token that is not learned."""
STRETCH = 50
"""Batches' worth of rows among which rows of like length are put together."""
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


def plan_batches(lengths: Sequence[int], rows: int, tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Row numbers of each batch of an epoch; the same for the same seed and epoch.

    Rows are shuffled, then put together by length within stretches, so that there is little padding and the
    order of batches still is random. The batch with the longest row comes first: what does not fit in memory
    shows at once.

    Args:
        rows: rows of a batch, where `tokens` is 0.
        tokens: most tokens of a batch, padding included; one row alone may have more.
    """
    rng = random.Random(f"batches {seed} {epoch}")
    order = list(range(len(lengths)))
    rng.shuffle(order)
    mean = sum(lengths) / max(len(lengths), 1)
    usual = max(1, int(tokens / mean)) if tokens else rows
    batches: list[list[int]] = []
    for start in range(0, len(order), usual * STRETCH):
        part = sorted(order[start : start + usual * STRETCH], key=lambda i: -lengths[i])
        batch: list[int] = []
        for i in part:
            full = len(batch) == rows if not tokens else bool(batch) and (len(batch) + 1) * lengths[batch[0]] > tokens
            if full:
                batches.append(batch)
                batch = []
            batch.append(i)
        batches.append(batch)
    rng.shuffle(batches)
    first = max(range(len(batches)), key=lambda b: lengths[batches[b][0]])
    batches[0], batches[first] = batches[first], batches[0]
    return batches


@dataclass(frozen=True)
class Batch:
    """Tensors of a batch, shape (rows, longest), padded on the left so that the answers end together."""

    input_ids: Any
    attention_mask: Any
    position_ids: Any
    labels: Any
    keep: int
    """Places at the end of the rows that hold everything to be predicted, and the place before."""
    targets: int
    """Tokens to be predicted."""


def collate(examples: Iterable[Example], pad: int) -> Batch:
    """Put examples into tensors.

    Args:
        pad: token id to fill up with.
    """
    import torch

    rows = list(examples)
    longest = max(len(r.ids) for r in rows)
    ids = torch.full((len(rows), longest), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORE)
    for i, r in enumerate(rows):
        n, answer = len(r.ids), len(r.ids) - r.prompt
        ids[i, longest - n :] = torch.tensor(r.ids.tolist())
        mask[i, longest - n :] = 1
        labels[i, longest - answer :] = ids[i, longest - answer :]
    keep = min(max(len(r.ids) - r.prompt for r in rows) + 1, longest)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return Batch(ids, mask, positions, labels, keep, sum(len(r.ids) - r.prompt for r in rows))
