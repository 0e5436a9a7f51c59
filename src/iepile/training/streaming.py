"""Rows that are read while a run trains on them, in bounded memory, from JSON lines or Parquet.

The files are gone through once beforehand: every row is checked, and the places of blocks of rows are noted. An
epoch goes through the blocks in a drawn order, a chunk of rows at a time; within a chunk rows go together as in
memory. Which rows a chunk has follows from (seed, epoch, chunk) alone, so a resumed run reads only from there on.
"""

from __future__ import annotations

import logging
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from iepile.errors import InputError
from iepile.jsonl import BOM, decode_row
from iepile.models.chat import Chat
from iepile.training.data import REPORT_EVERY, Example, Examples, nothing_fits
from iepile.training.lengths import DataReport
from iepile.training.loader import Loader, Place, Plan, Step
from iepile.training.mixture import draws, kept_negatives, negative_bounds, source_weights
from iepile.training.rows import PARQUET, Row, data_files, open_parquet, parquet_rows, read_row
from iepile.training.token_table import TableBuilder
from iepile.training.tokenisation import Reading, Tokeniser, states_nothing

logger = logging.getLogger(__name__)

BLOCK = 64
"""Rows of JSON lines that are read together."""
CHUNK = 8192
"""Rows among which examples are shuffled: what is in memory at a time."""
SAMPLE = 2048
"""Rows that the report before the start measures."""
LOST = "they stand whole in no part of their row"
_CHUNKS = 1_000_000
"""More than an epoch has chunks: makes one number of both for the plan."""


class Survey(msgspec.Struct):
    """What going through the files once has shown."""

    files: list[Path]
    blocks: Any
    """Rows that stand together, int64 (blocks, 4): number of the file; byte at which they begin (JSON lines) or row
    group (Parquet); line of the first one; how many."""
    sources: list[str]
    tasks: list[str]
    negatives: list[tuple[int, Any]]
    """Of each source, the rows with facts and the keys of those without."""

    @property
    def rows(self) -> int:
        """Rows in all."""
        return int(self.blocks[:, 3].sum())


def survey(names: str, negatives: bool, on_rows: Callable[[int], None] | None = None) -> Survey:
    """Go through files of rows, separated by commas.

    Args:
        negatives: note the rows without facts as well, 8 bytes each.

    Raises:
        InputError: a row cannot be trained on, or a file has no places to go to.
    """
    files = data_files(names)
    blocks = array("q")
    tasks: set[str] = set()
    positive: dict[str, int] = {}
    keys: dict[str, array[int]] = {}
    n = 0
    for number, path in enumerate(files):
        parquet = path.suffix == PARQUET
        for place, line, row in _placed(path):
            new = not blocks or blocks[-4] != number or (blocks[-3] != place if parquet else blocks[-1] == BLOCK)
            if new:
                blocks.extend((number, place, line, 0))
            blocks[-1] += 1
            if row.task:
                tasks.add(row.task)
            positive.setdefault(row.source, 0)
            if negatives and states_nothing(row.answer):
                keys.setdefault(row.source, array("Q")).append(row.key)
            else:
                positive[row.source] += 1
            n += 1
            if on_rows is not None and n % REPORT_EVERY == 0:
                on_rows(n)
    if on_rows is not None:
        on_rows(n)
    sources = sorted(positive)
    found = [(positive[s], np.array(keys.get(s, array("Q")), np.uint64)) for s in sources]
    return Survey(files, np.array(blocks, np.int64).reshape(-1, 4), sources, sorted(tasks), found)


def _placed(path: Path) -> Iterator[tuple[int, int, Row]]:
    """(Byte or row group, line, row) of every row of a file."""
    if path.suffix == PARQUET:
        file, line = open_parquet(path), 0
        for group in range(file.num_row_groups):
            for fields in parquet_rows(file, path, group):
                line += 1
                yield group, line, read_row(fields, path, line)
        if not line:
            raise InputError("the file is empty", file=path, expected="rows")
        return
    if path.suffix in (".gz", ".zst"):
        raise InputError("a compressed file cannot be streamed: it has no places to go to", file=path,
                         field="streaming", expected="JSON lines or Parquet", fix="unpack it, or leave streaming out")
    seen = False
    with path.open("rb") as f:
        at = 0
        for line, raw in enumerate(f, 1):
            start, at = at, at + len(raw)
            if not (text := raw.removeprefix(BOM).strip() if line == 1 else raw.strip()):
                continue
            if not seen and text[:1] == b"[":
                raise InputError("a JSON array cannot be streamed: it must be read whole", file=path,
                                 field="streaming", expected="JSON lines or Parquet",
                                 fix="write one row a line, or leave streaming out")
            seen = True
            yield start, line, read_row(decode_row(text, path, line), path, line)
    if not seen:
        raise InputError("the file is empty", file=path, expected="one JSON object a line")


class StreamLoader(Loader):
    """Rows are read as the run needs them."""

    def __init__(self, names: str, chat: Chat, reading: Reading, plan: Plan,
                 selection: tuple[Mapping[str, float], float, int], on_rows: Callable[[int], None] | None = None,
                 ) -> None:
        """`selection`: mixture, negative ratio, seed."""
        self._names, self._chat, self._reading, self._plan = names, chat, reading, plan
        self._mixture, self._ratio, self._seed = selection
        self.survey = survey(names, self._ratio >= 0, on_rows)
        self.rows = self.survey.rows
        self.tasks = tuple(self.survey.tasks)
        if self._mixture:
            source_weights(self._mixture, self.survey.sources)
        self._bounds = negative_bounds(self._ratio, self._seed, self.survey.negatives) if self._ratio >= 0 else []
        self._order = lru_cache(maxsize=1)(self._order_of)
        self.report = self._sample()
        self._gone: Counter[str] = Counter()
        for warning in self.report.warnings():
            logger.warning("%s%s: %s", names, f", {SAMPLE} rows of it" if self.report.sampled else "", warning)

    def steps(self, group: int, start: Place | None = None) -> Iterator[Step]:
        """The steps from a place on, without end."""
        place = start or Place()
        epoch = place.epoch
        while True:
            waiting: list[list[Example]] = []
            some = False
            for share, after, batch in self._batches(place if place.epoch == epoch else Place(epoch)):
                some = True
                waiting.append(batch)
                if len(waiting) == group or after.epoch > epoch:
                    yield Step(epoch, share, waiting, after)
                    waiting = []
            if not some and not place.batch and not place.chunk:
                raise InputError(f"no row is left in epoch {epoch + 1}", file=self._names, field="mixture",
                                 fix="give the sources more, or raise negative_ratio or cutoff_len")
            epoch += 1
            place = Place(epoch)

    def step_count(self, epochs: float, group: int) -> int:
        """Not known before the rows are read."""
        raise InputError("rows are streamed, so the number of steps is not known beforehand", field="max_steps",
                         expected="a number above 0", fix="set max_steps, or leave streaming out")

    def _batches(self, start: Place) -> Iterator[tuple[float, Place, list[Example]]]:
        """(Share of the epoch done, place after it, examples) of each batch of the rest of an epoch."""
        held: tuple[float, Place, list[Example]] | None = None
        for chunk in range(start.chunk, -(-self.rows // CHUNK)):
            examples = self._chunk(start.epoch, chunk)
            batches = self._plan(examples, start.epoch * _CHUNKS + chunk) if len(examples) else []
            size = min(CHUNK, self.rows - chunk * CHUNK)
            for n in range(start.batch if chunk == start.chunk else 0, len(batches)):
                if held is not None:
                    yield held
                share = (chunk * CHUNK + size * (n + 1) / len(batches)) / self.rows
                held = share, Place(start.epoch, chunk, n + 1), [examples[i] for i in batches[n]]
        for why, n in sorted(self._gone.items()):
            what = "facts" if why == LOST else "rows"
            logger.warning("%s: %d %s of epoch %d were left out: %s", self._names, n, what, start.epoch + 1, why)
        self._gone.clear()
        if held is not None:
            # Known only now: later chunks may hold nothing to train on.
            yield 1.0, Place(start.epoch + 1), held[2]

    def _chunk(self, epoch: int, chunk: int) -> Examples:
        tokenise = Tokeniser(self._chat, self._reading)
        builder = TableBuilder()
        for row, parts in tokenise(self._rows(epoch, chunk * CHUNK, CHUNK)):
            builder.add(row.source, row.task, parts)
        self._gone += tokenise.tally.dropped + Counter({LOST: tokenise.tally.lost})
        table = builder.table(self.survey.sources)
        examples = Examples(table, np.arange(len(table)), self.report, self._names)
        if self._bounds:
            kept = kept_negatives(self._bounds, table.source, table.empty.astype(bool), table.key, self._seed)
            examples = examples.take(np.flatnonzero(kept))
        return examples.mixed(self._mixture, self._seed, epoch)

    def _rows(self, epoch: int, start: int, count: int) -> Iterator[Row]:
        """Rows of an epoch in their drawn order, from a number on."""
        order, ends = self._order(epoch)
        first = int(np.searchsorted(ends, start, side="right"))
        skip = start - (int(ends[first - 1]) if first else 0)
        found = (row for n, block in enumerate(order[first:])
                 for row in islice(self._block(*self.survey.blocks[block].tolist()), skip if n == 0 else 0, None))
        return islice(found, count)

    def _block(self, file: int, place: int, line: int, left: int) -> Iterator[Row]:
        path = self.survey.files[file]
        if path.suffix == PARQUET:
            for n, fields in enumerate(parquet_rows(open_parquet(path), path, place)):
                yield read_row(fields, path, line + n)
            return
        with path.open("rb") as f:
            f.seek(place)
            while left:
                raw = f.readline()
                text = raw.removeprefix(BOM).strip() if line == 1 else raw.strip()
                if text:
                    left -= 1
                    yield read_row(decode_row(text, path, line), path, line)
                elif not raw:
                    raise InputError("the file has become shorter while it is read", file=path)
                line += 1

    def _order_of(self, epoch: int) -> tuple[Any, Any]:
        """The blocks of an epoch in order, and the rows up to the end of each."""
        blocks = self.survey.blocks
        order = np.argsort(draws(np.arange(len(blocks)), "blocks", self._seed, epoch), kind="stable")
        return order, np.cumsum(blocks[order, 3])

    def _sample(self) -> DataReport:
        tokenise = Tokeniser(self._chat, self._reading)
        for _ in tokenise(self._rows(0, 0, SAMPLE)):
            pass
        report = tokenise.tally.report(sampled=self.rows > SAMPLE)
        if not report.examples and not report.sampled:
            raise nothing_fits(self._names, report)
        return report
