"""What a run goes through: its data, laid out in batches, and the steps these make.

>>> course = open_course(config, trainee, group=8)  # doctest: +SKIP
>>> for step in course.steps(place): ...  # doctest: +SKIP
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from iepile.jsonl import dumps
from iepile.training import lengths
from iepile.training.config import TrainConfig
from iepile.training.data import Example
from iepile.training.layouts.batch import Batch
from iepile.training.layouts.check import check_layout
from iepile.training.layouts.layout import Layout, Size, open_layout, plan
from iepile.training.loader import Loader, Place, Step, TrainingData, open_training_data
from iepile.training.trainee import Trainee
from iepile.training.validation import ValidationLoss, measure_validation, part_names

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Course:
    """The data of a run in a layout."""

    data: TrainingData
    layout: Layout
    plain: Layout
    """How validation rows lie: each by itself, so that figures of all layouts compare."""
    group: int
    """Batches a step, in all processes together."""
    total: int
    """Steps of the whole run."""

    @property
    def loader(self) -> Loader:
        """The training rows."""
        return self.data.train

    def steps(self, start: Place, done: int) -> Iterator[Step]:
        """The steps from a place on, up to the end of the run."""
        return islice(self.loader.steps(self.group, start), max(0, self.total - done))

    def collate(self, rows: Sequence[Example], pad: int) -> Batch:
        """Tensors of a batch."""
        return self.layout.collate(rows, pad)

    def validate(self, trainee: Trainee, rows: int, on_progress: Callable[[int, int], None]) -> ValidationLoss | None:
        """The validation loss in all and by task and source; None without validation rows.

        Args:
            rows: rows of a batch.
        """
        valid = self.data.valid
        if valid is None:
            return None

        def measure(numbers: list[int]) -> tuple[float, int]:
            batch = self.plain.collate([valid[i] for i in numbers], trainee.tokenizer.pad_token_id)
            return trainee.measure(batch), batch.targets

        return measure_validation(part_names(valid), valid.lengths, rows, measure, on_progress, trainee.world)


def open_course(config: TrainConfig, trainee: Trainee, group: int,
                on_rows: Callable[[int], None] | None = None) -> Course:
    """Read the data of a run, make sure that the model takes its layout, and tell how long the rows are.

    Args:
        group: batches a step, in all processes together.
        on_rows: called now and then with the number of rows read.

    Raises:
        InputError: the data cannot be used, or not with this model in this layout.
    """
    layout = open_layout(config.layout, trainee.model, config.max_row_tokens)
    plain = open_layout("padded", trainee.model)
    size = Size(config.per_device_train_batch_size, config.max_tokens_per_batch)

    def planned(examples: Sequence[Example], draw: int) -> list[list[int]]:
        return plan(layout, examples, size, config.seed, draw)

    world = trainee.world
    # What the main process writes into the cache, the others read.
    with world.main_first() if world.size > 1 and config.cache_path else nullcontext():
        data = open_training_data(config, trainee.chat, trainee.context, planned, on_rows)
    if world.main:
        logger.info("%s", data.report.text())
        Path(config.output_dir, lengths.REPORT).write_text(dumps(data.report.to_json()) + "\n", encoding="utf-8")
    total = config.max_steps if config.max_steps > 0 else data.train.step_count(config.num_train_epochs, group)
    if config.layout != "padded":
        first = next(iter(data.train.steps(1)))
        trainee.examine(lambda loss, model: check_layout(
            layout, loss, model, first.batches[0], trainee.tokenizer.pad_token_id))
    return Course(data, layout, plain, group, total)
