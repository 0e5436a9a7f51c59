"""`iepile train`: the compact model by default, a causal LM when one is named."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli.command import run_command
from iepile.cli.guides import TRAIN_NAMES, TRAIN_RETIRED, rename
from iepile.cli.progress import progress
from iepile.cli.show import summary


def train(argv: Sequence[str]) -> int:
    """Train the compact model, or tune `--model_name_or_path`."""
    args = rename(TRAIN_RETIRED.strip(argv), TRAIN_NAMES)
    names = {a.partition("=")[0].removeprefix("--").replace("-", "_") for a in args}
    if names & {"model_name_or_path", "finetuning_type"}:
        from iepile.extraction.dev_score import tune_scored
        from iepile.training.config import TrainConfig

        def run_tune(config: TrainConfig) -> None:
            with progress("tune") as tick:
                result = tune_scored(config, tick)
            summary(result)

        return run_command("train", TrainConfig, run_tune, args)
    from iepile.training.compact_rows import CompactJob, train_compact

    def run_compact(job: CompactJob) -> None:
        with progress("train") as tick:
            result = train_compact(job, tick)
        summary(result)

    if names & {"help", "h"}:
        print("Without --model_name_or_path, the compact model is trained (below). To tune a causal LM, see\n"
              "  iepile train --model_name_or_path MODEL --help\n")
    return run_command("train", CompactJob, run_compact, args)
