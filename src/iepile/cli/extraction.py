"""`iepile predict`, `extract`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from iepile.cli import show
from iepile.cli.command import run_command
from iepile.cli.guides import PREDICT_NAMES, PREDICT_RETIRED, rename
from iepile.cli.marked import fact_rows, marked
from iepile.cli.progress import progress
from iepile.errors import IepileError


def predict(argv: Sequence[str]) -> int:
    """Answer instruction rows, or texts by a schema."""
    from iepile.extraction.answered import PredictSummary
    from iepile.extraction.job import PredictJob, predict_job

    def go(config: PredictJob) -> None:
        with progress("predict") as tick:
            result = predict_job(config, tick)
        finish(result)

    def finish(result: PredictSummary) -> None:
        show.summary(result)
        _failed(result)

    return run_command("predict", PredictJob, go, rename(PREDICT_RETIRED.strip(argv), PREDICT_NAMES))


def extract(argv: Sequence[str]) -> int:
    """Facts of a text or of files of texts."""
    import msgspec

    from iepile.extraction.job import ExtractConfig, ExtractSummary, extract_job

    def go(config: ExtractConfig) -> None:
        if config.text == "-" or not (config.text or config.input_file or sys.stdin.isatty()):
            config.text = sys.stdin.buffer.read().decode("utf-8", "replace")
        with progress("extract") as tick:
            result = extract_job(config, tick)
        if not isinstance(result, ExtractSummary):
            show.summary(result)
            _failed(result)
        elif show.as_json:
            show.summary(result)
        elif config.show == "json":
            print(msgspec.json.format(msgspec.json.encode(result.facts), indent=1).decode())
        elif config.show == "table":
            show.table(("kind", "label", "text", "place", "confidence"), fact_rows(result.facts))
        else:
            print(marked(result.text, result.facts))

    return run_command("extract", ExtractConfig, go, argv, positional=("text",))


def _failed(result: object) -> None:
    """End with 1 where the engine failed on rows; they are written with their error, and asked again by a rerun."""
    errors, rows = getattr(result, "errors", 0), getattr(result, "rows", 0)
    if errors:
        raise IepileError(f"{errors} of {rows} rows failed; the first: {getattr(result, 'first_error', '')}\n"
                          "  do:       give the same command again to ask these once more, and nothing else")
