"""A file of predictions read and counted: by the fastest road that its rows allow, in memory that stays flat."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from iepile.evaluation.config import EvaluateConfig
from iepile.evaluation.count import Tally
from iepile.evaluation.facts import RecordReader
from iepile.evaluation.grouping import can_be_read_again
from iepile.evaluation.plain_ner import PlainNer
from iepile.jsonl import atomic_writer
from iepile.tasks.matching import Match


def counted(config: EvaluateConfig, match: Match) -> tuple[RecordReader, Tally]:
    """The facts of a file, counted, and what was odd about its rows.

    Raises:
        InputError: no such file, or an empty one.
    """
    with uncollected():
        if can_be_read_again(config.path1):
            # Rows of a text nearly always stand together. Where they do not, all is done again.
            reader, tally = _at_once(config, match)
            if not reader.keys.twice():
                return reader, tally
        return _in_parts(config, match)


@contextmanager
def _fresh(config: EvaluateConfig, match: Match) -> Iterator[tuple[RecordReader, Tally]]:
    by_language = "language" in config.sort_by.split(",")
    with ExitStack() as stack:
        every = stack.enter_context(atomic_writer(config.bad_rows)) if config.bad_rows else None
        reader = RecordReader(config.task, match, detail=by_language, every=every)
        yield reader, Tally(config.match_mode, match, reader.counts, by_language)


def _at_once(config: EvaluateConfig, match: Match) -> tuple[RecordReader, Tally]:
    with _fresh(config, match) as (reader, tally):
        plain = PlainNer(reader, tally)
        if not plain.suits() or not plain.count(config.path1):
            for record in reader.in_order(config.path1):
                tally.take(record)
    return reader, tally


def _in_parts(config: EvaluateConfig, match: Match) -> tuple[RecordReader, Tally]:
    with _fresh(config, match) as (reader, tally):
        for record in reader.in_parts(config.path1):
            tally.take(record)
    return reader, tally


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the cycle collector: it would walk over every record again and again, and none has a cycle."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
