"""`iepile evaluate`."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli import show
from iepile.cli.command import run_command


def evaluate(argv: Sequence[str]) -> int:
    """Score predictions."""
    from iepile.evaluation.score import EvaluateConfig
    from iepile.evaluation.score import evaluate as run
    from iepile.evaluation.tables import tables

    def go(config: EvaluateConfig) -> None:
        report = run(config)
        if show.as_json:
            show.summary(report)
            return
        for t in tables(report, config.sort_by):
            show.table(t.header, t.rows, t.title)

    return run_command("evaluate", EvaluateConfig, go, argv)
