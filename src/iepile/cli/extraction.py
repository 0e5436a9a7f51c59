"""`iepile predict`, `extract`."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli import show
from iepile.cli.command import run_command
from iepile.cli.guides import PREDICT_NAMES, PREDICT_RETIRED, rename
from iepile.cli.marked import marked
from iepile.cli.progress import progress


def predict(argv: Sequence[str]) -> int:
    """Answer instruction rows."""
    from iepile.extraction.job import PredictJob, predict_job

    def go(config: PredictJob) -> None:
        with progress("predict") as tick:
            result = predict_job(config, tick)
        show.summary(result)

    return run_command("predict", PredictJob, go, rename(PREDICT_RETIRED.strip(argv), PREDICT_NAMES))


def extract(argv: Sequence[str]) -> int:
    """Facts of a text or of a file of texts."""
    from iepile.extraction.job import ExtractConfig, extract_job

    def go(config: ExtractConfig) -> None:
        with progress("extract") as tick:
            result = extract_job(config, tick)
        if result.facts is not None and not show.as_json:
            print(marked(config.text, result.facts))
        else:
            show.summary(result)

    return run_command("extract", ExtractConfig, go, argv)
