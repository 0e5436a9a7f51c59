"""The last steps of a build: the conversions, each finished once and for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from iepile.corpus.convert import ConvertConfig, convert
from iepile.jsonl import read_bytes
from iepile.stamps import Stamps


def converter(stamps: Stamps) -> Callable[[ConvertConfig], tuple[int, bool]]:
    """What converts a file, here or in a worker process; tells the rows, and whether it was done before."""

    def run(config: ConvertConfig) -> tuple[int, bool]:
        # However many workers made them, the rows are the same: a finished step stays finished.
        settings = [replace(config, workers=1, ray=None), _hard_negatives(config)]
        name = f"convert {Path(config.tgt_path).name} {config.split}"
        done = stamps.run(name, settings, [Path(config.src_path), Path(config.schema_path)], [Path(config.tgt_path)],
                          partial(convert, config))
        return done.result["rows"], done.kept

    return run


def _hard_negatives(config: ConvertConfig) -> object:
    """The part of the dictionary that a conversion reads: another data set's part does not concern it."""
    if config.hard_negative_path is None:
        return None
    return msgspec.json.decode(read_bytes(config.hard_negative_path))[config.task][config.hard_negative_dataset]
