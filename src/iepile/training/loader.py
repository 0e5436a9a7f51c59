"""The steps of a run: which examples go through the model together, from memory or streamed.

>>> data = open_training_data(config, chat, context, plan)  # doctest: +SKIP
>>> for step in data.train.steps(config.gradient_accumulation_steps, start): ...  # doctest: +SKIP

A `Loader` gives the steps of epoch after epoch without end. Each says where it ended (`Step.after`); a checkpoint
keeps that place, as JSON, and a resumed run starts from it with the very same examples. How rows go together is
the layout's matter: a `Plan` gets examples and gives the row numbers of each batch.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import msgspec

from iepile.errors import InputError
from iepile.models.chat import Chat
from iepile.training.config import TrainConfig
from iepile.training.data import Example, Examples, read_examples
from iepile.training.lengths import DataReport
from iepile.training.mixture import read_mixture, source_weights
from iepile.training.rows import data_files
from iepile.training.tokenisation import Reading

Plan = Callable[[Examples, int], list[list[int]]]
"""Row numbers of each batch, from some examples and a number that makes the draw another one (the epoch, or the
chunk of the stream). The same for the same."""


class Place(msgspec.Struct, frozen=True):
    """Where a run stands in its data: so many batches of a chunk of an epoch are done."""

    epoch: int = 0
    chunk: int = 0
    """Part of the epoch that is planned at once; there is one only, unless rows are streamed."""
    batch: int = 0


class Step(msgspec.Struct, frozen=True):
    """What one optimizer step learns from."""

    epoch: int
    """Counted from 0."""
    share: float
    """Share of the epoch that is done after the step; 1.0 after its last one."""
    batches: list[list[Example]]
    """As many as were asked for; fewer at the end of an epoch."""
    after: Place
    """Where the next step starts."""


class Loader(ABC):
    """Gives a run its examples."""

    report: DataReport
    """About the files."""
    tasks: tuple[str, ...]
    """Tasks the rows name, sorted."""
    rows: int
    """Rows or parts of rows to train on; with streaming, rows of the files."""

    @abstractmethod
    def steps(self, group: int, start: Place | None = None) -> Iterator[Step]:
        """The steps from a place on, without end.

        Args:
            group: batches a step; an epoch's last step may have fewer.
        """

    @abstractmethod
    def step_count(self, epochs: float, group: int) -> int:
        """Steps of so many epochs.

        Raises:
            InputError: it is not known (streaming).
        """


class MemoryLoader(Loader):
    """All rows are read before the run starts."""

    def __init__(self, examples: Examples, plan: Plan, mixture: Mapping[str, float], seed: int) -> None:
        self.examples, self._plan, self._mixture, self._seed = examples, plan, mixture, seed
        self.report, self.tasks, self.rows = examples.report, examples.tasks, len(examples)
        if mixture:
            source_weights(mixture, examples.table.sources)

    def steps(self, group: int, start: Place | None = None) -> Iterator[Step]:
        """The steps from a place on, without end."""
        place = start or Place()
        epoch, first = place.epoch, place.batch
        while True:
            examples, batches = self._epoch(epoch)
            for i in range(first, len(batches), group):
                done = min(i + group, len(batches))
                last = done == len(batches)
                after = Place(epoch + 1) if last else Place(epoch, 0, done)
                yield Step(epoch, done / len(batches), [[examples[n] for n in b] for b in batches[i:done]], after)
            epoch, first = epoch + 1, 0

    def step_count(self, epochs: float, group: int) -> int:
        """Steps of so many epochs."""
        total = 0
        for epoch in range(math.ceil(epochs)):
            steps = math.ceil(len(self._epoch(epoch)[1]) / group)
            total += steps if epoch + 1 <= epochs else math.ceil(steps * (epochs - epoch))
        return total

    def _epoch(self, epoch: int) -> tuple[Examples, list[list[int]]]:
        examples = self.examples.mixed(self._mixture, self._seed, epoch)
        if not len(examples):
            raise InputError(f"no row is left in epoch {epoch + 1}", field="mixture", fix="give the sources more")
        return examples, self._plan(examples, epoch)


@dataclass(frozen=True)
class TrainingData:
    """What a run trains on and is measured with."""

    train: Loader
    valid: Examples | None
    report: DataReport
    """About the training files."""


def open_training_data(
    config: TrainConfig, chat: Chat, context: int | None, plan: Plan, on_rows: Callable[[int], None] | None = None
) -> TrainingData:
    """Read, check and measure the data that the settings name.

    Args:
        context: most tokens the model can read; None: not known.
        on_rows: called now and then with the number of training rows read.

    Raises:
        InputError: the data cannot be used.
    """
    reading = Reading(min(config.cutoff_len, context or config.cutoff_len), config.too_long, config.train_on_prompt,
                      config.text_first)
    mixture = read_mixture(config.mixture)
    valid: Examples | None = None
    if config.valid_file:
        data_files(config.valid_file, "valid_file")
        valid = read_examples(config.valid_file, chat, reading, None, config.cache_path)
    if config.streaming:
        from iepile.training.streaming import StreamLoader

        stream = StreamLoader(config.train_file, chat, reading, plan,
                              (mixture, config.negative_ratio, config.seed), on_rows)
        return TrainingData(stream, valid, stream.report)
    train = read_examples(config.train_file, chat, reading, on_rows, config.cache_path)
    if valid is None and config.val_set_size:
        train, valid = train.split(config.val_set_size, config.seed)
    train = train.without_negatives(config.negative_ratio, config.seed)
    return TrainingData(MemoryLoader(train, plan, mixture, config.seed), valid, train.report)


def skip_steps(loader: Loader, group: int, steps: int) -> Place:
    """The place after so many steps from the beginning, for a run that kept none."""
    place = Place()
    for step in islice(loader.steps(group), steps):
        place = step.after
    return place
