"""`iepile evaluate` and `iepile compare`."""

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
        elif config.protocol:
            # The last line is that of the program whose rules these are.
            for note in report.notes:
                print(f"line {note.line}: {note.problem}" if note.line else note.problem)
            print(report.printed)
        else:
            for t in tables(report, config.sort_by):
                show.table(t.header, t.rows, t.title)

    return run_command("evaluate", EvaluateConfig, go, argv)


def compare(argv: Sequence[str]) -> int:
    """Compare runs on the same texts."""
    from iepile.evaluation.compare import CompareConfig, tables
    from iepile.evaluation.compare import compare as run

    def go(config: CompareConfig) -> None:
        report = run(config)
        if show.as_json:
            show.summary(report)
            return
        for t in tables(report):
            show.table(t.header, t.rows, t.title)

    return run_command("compare", CompareConfig, go, argv, positional=("paths*",))
