"""`iepile train`: the compact model by default, a language model or a baseline when one is named."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from iepile.cli.command import run_command
from iepile.cli.guides import TRAIN_NAMES, TRAIN_RETIRED, rename
from iepile.cli.progress import progress
from iepile.cli.show import summary


@contextmanager
def _telling(name: str) -> Iterator[None]:
    """Show what a module says of its work, not only its warnings: how long the rows are."""
    logger, handler = logging.getLogger(name), logging.StreamHandler()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = True


def train(argv: Sequence[str]) -> int:
    """Train the compact model, or tune `--model_name_or_path`."""
    args = rename(TRAIN_RETIRED.strip(argv), TRAIN_NAMES)
    names = {a.partition("=")[0].removeprefix("--").replace("-", "_") for a in args}
    if baseline := _baseline(args):
        return _train_baseline(baseline, args)
    if names & {"model_name_or_path", "finetuning_type"}:
        from iepile.extraction.dev_score import tune_scored
        from iepile.training.config import TrainConfig
        from iepile.training.parallel.launch import is_main

        def run_tune(config: TrainConfig) -> None:
            with _telling("iepile.training.course"), progress("tune") as tick:
                result = tune_scored(config, tick)
            if is_main():
                summary(result)

        return run_command("train", TrainConfig, run_tune, args)
    from iepile.training.compact_rows import CompactJob, train_compact

    def run_compact(job: CompactJob) -> None:
        with progress("train") as tick:
            result = train_compact(job, tick)
        summary(result)

    if names & {"help", "h"}:
        print("Without --model_name_or_path, the compact model is trained (below). To tune a language model, see\n"
              "  iepile train --model_name_or_path MODEL --help\n"
              "and for baselines\n"
              "  iepile train --finetuning_type crf --help\n"
              "  iepile train --finetuning_type dictionary --help\n")
    return run_command("train", CompactJob, run_compact, args)


def _baseline(args: Sequence[str]) -> str:
    """The baseline that `--finetuning_type` names; empty where it names none."""
    for n, arg in enumerate(args):
        name, eq, value = arg.partition("=")
        if name.replace("-", "_") == "__finetuning_type":
            value = value if eq else next(iter(args[n + 1 :]), "")
            return value if value in ("crf", "dictionary") else ""
    return ""


def _train_baseline(name: str, args: Sequence[str]) -> int:
    from iepile.training.baselines import CrfJob, DictionaryJob, train_baseline

    def run(job: CrfJob | DictionaryJob) -> None:
        with progress("train") as tick:
            result = train_baseline(job, tick)
        summary(result)

    return run_command("train", CrfJob if name == "crf" else DictionaryJob, run, args)
