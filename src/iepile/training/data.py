"""Instruction rows as training examples: token ids, and which of them are learned.

>>> rows = read_examples("train.json", chat, Reading(cutoff_len=1024))  # doctest: +SKIP
>>> train, valid = rows.split(500, seed=42)  # doctest: +SKIP

Nothing is ever cut: a row that does not fit is split with its labels (windows.py), or left out and counted.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import msgspec
import numpy as np

from iepile.errors import InputError
from iepile.models.chat import Chat
from iepile.training import token_cache
from iepile.training.layouts.batch import IGNORE
from iepile.training.lengths import DataReport
from iepile.training.mixture import copies, draws, kept_negatives, negative_bounds, source_weights
from iepile.training.rows import data_files, read_training_rows
from iepile.training.token_table import TableBuilder, TokenTable
from iepile.training.tokenisation import Reading, Tokeniser

REPORT_EVERY = 1000

logger = logging.getLogger(__name__)


class Example(msgspec.Struct, frozen=True):
    """One row: prompt and answer in one run of token ids."""

    ids: array[int]
    """Token ids, the last one ends the answer."""
    prompt: int
    """How many of them come before the first one that is learned: the prompt; 1 where the prompt is learned too,
    since nothing stands before the first token."""
    group: int = 0
    """The same number for all questions with one source, instruction and text: with `text_first`, their ids begin
    alike. Take what they have in common for shared, not a border in the text: tokens may straddle it."""

    @property
    def labels(self) -> list[int]:
        """What is to be predicted at each place; `IGNORE` on what is not learned."""
        return [IGNORE] * self.prompt + list(self.ids[self.prompt :])


@dataclass(frozen=True, eq=False)
class Examples(Sequence[Example]):
    """Some of the rows of a table, in some order; a row may stand several times."""

    table: TokenTable
    order: Any
    """Row numbers in the table, int64."""
    report: DataReport
    """About the files they were read from."""
    file: str = ""
    """For messages."""

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, i: int) -> Example: ...
    @overload
    def __getitem__(self, i: slice) -> list[Example]: ...
    def __getitem__(self, i: int | slice) -> Example | list[Example]:
        if isinstance(i, slice):
            return [self[n] for n in range(*i.indices(len(self)))]
        n = int(self.order[i])
        return Example(self.table.row_ids(n), int(self.table.prompt[n]), int(self.table.group[n]))

    def __iter__(self) -> Iterator[Example]:
        return (self[i] for i in range(len(self)))

    @property
    def rows(self) -> Sequence[Example]:
        """The examples, made as they are asked for."""
        return self

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each example."""
        return tuple(self.table.lengths[self.order].tolist())

    @cached_property
    def groups(self) -> tuple[int, ...]:
        """`Example.group` of each."""
        return tuple(self.table.group[self.order].tolist())

    @property
    def dropped(self) -> int:
        """Rows of the files that were left out because they are too long."""
        return sum(self.report.dropped.values())

    @property
    def longest(self) -> int:
        """Tokens of the longest row of the files."""
        return self.report.tokens.max

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks the rows name, sorted."""
        return tuple(t for t in self.report.by_task if not t.startswith("("))

    def take(self, order: Any) -> Examples:
        """Those of some numbers, in that order."""
        return replace(self, order=self.order[np.asarray(order, np.int64)])

    def split(self, size: int, seed: int) -> tuple[Examples, Examples]:
        """Set about `size` examples aside, all or none of those made of one text: (the rest, those).

        Never more than `size`, but for one text that has more. Which texts they are follows from their content.

        Raises:
            InputError: nothing would be left to train on.
        """
        if size >= len(self):
            raise InputError(f"is {size}, but there are {len(self)} rows", field="val_set_size",
                             expected=f"below {len(self)}")
        texts, sizes = np.unique(self.table.text[self.order], return_counts=True)
        aside: list[int] = []
        room = size
        for i in np.argsort(draws(texts, "split", seed), kind="stable").tolist():
            if sizes[i] <= room:
                aside.append(texts[i])
                room -= int(sizes[i])
        if size and not aside:
            aside = [texts[int(np.argmin(sizes))]]
        chosen = np.isin(self.table.text[self.order], np.array(aside, np.uint64))
        if chosen.all():
            raise InputError("all rows are about one text", field="val_set_size",
                             fix="give other texts as valid_file, or leave it out")
        return self.take(np.flatnonzero(~chosen)), self.take(np.flatnonzero(chosen))

    def without_negatives(self, ratio: float, seed: int) -> Examples:
        """Of each source at most `ratio` examples without any fact for each one with facts; below 0: all."""
        if ratio < 0:
            return self
        t, n = self.table, self.order
        source, empty, keys = t.source[n], t.empty[n].astype(bool), t.key[n]
        bounds = negative_bounds(ratio, seed, (
            (int(np.sum(~empty[source == s])), keys[empty & (source == s)]) for s in range(len(t.sources))
        ))
        kept = kept_negatives(bounds, source, empty, keys, seed)
        if not kept.any():
            raise InputError("no example is left: none states a fact", file=self.file, field="negative_ratio",
                             fix="add rows with facts, or leave negative_ratio out")
        gone = np.bincount(source[~kept], minlength=len(t.sources)).tolist()
        left_out = {name: count for name, count in zip(t.sources, gone, strict=True) if count}
        return replace(self.take(np.flatnonzero(kept)), report=replace(self.report, left_out=left_out))

    def mixed(self, mixture: Mapping[str, float], seed: int, epoch: int) -> Examples:
        """The examples of an epoch: each as often as its source is to be seen, by chance where that is no whole number.

        All questions about a text are drawn together, so that they can share its reading (layout `branched`).

        Raises:
            InputError: a source is named that there is not.
        """
        if not mixture:
            return self
        weights = np.array(source_weights(mixture, self.table.sources))
        counts = copies(weights[self.table.source[self.order]], self.table.group[self.order], seed, epoch)
        return self.take(np.repeat(np.arange(len(self)), counts))


def read_examples(
    names: str | Path, chat: Chat, reading: Reading | int, on_rows: Callable[[int], None] | None = None,
    cache_path: str = "",
) -> Examples:
    """Read files of rows (see rows.py), separated by commas.

    Args:
        reading: how rows become token ids; a number: that `cutoff_len`.
        on_rows: called now and then with the number of rows read.
        cache_path: folder that keeps the token ids; empty: none.

    Raises:
        InputError: a file cannot be read, a row lacks instruction or answer, or no row fits.
    """
    names = str(names)
    reading = Reading(reading) if isinstance(reading, int) else reading
    key = token_cache.content_key(data_files(names), chat, reading) if cache_path else ""
    found = token_cache.load(cache_path, key) if key else None
    if found is None:
        table, report = _tokenised(names, chat, reading, on_rows)
        if key:
            token_cache.save(cache_path, key, table, report)
            table, report = token_cache.load(cache_path, key) or (table, report)
    else:
        table, report = found
        if on_rows is not None:
            on_rows(report.rows)
    for warning in report.warnings():
        logger.warning("%s: %s", names, warning)
    return Examples(table, np.arange(len(table)), report, names)


def _tokenised(
    names: str, chat: Chat, reading: Reading, on_rows: Callable[[int], None] | None
) -> tuple[TokenTable, DataReport]:
    tokenise, builder, n = Tokeniser(chat, reading), TableBuilder(), 0
    for n, (row, parts) in enumerate(tokenise(read_training_rows(names)), 1):
        builder.add(row.source, row.task, parts)
        if on_rows is not None and n % REPORT_EVERY == 0:
            on_rows(n)
    if on_rows is not None:
        on_rows(n)
    table, report = builder.table(), tokenise.tally.report()
    if not len(table):
        raise nothing_fits(names, report)
    return table, report


def nothing_fits(names: str, report: DataReport) -> InputError:
    """The error where every row is too long."""
    why = "; ".join(f"{n} rows: {reason}" for reason, n in report.dropped.items())
    return InputError(f"no row fits: the longest has {report.tokens.max} tokens ({why})", file=names,
                      field="cutoff_len", expected=f"more than {report.cutoff_len}, for example {report.fits_most}",
                      fix="raise cutoff_len, or split the texts")
