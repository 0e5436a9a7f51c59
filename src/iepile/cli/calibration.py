"""`iepile calibrate`."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli import show
from iepile.cli.command import run_command


def calibrate(argv: Sequence[str]) -> int:
    """What confidence is worth, counted on a dev file."""
    from iepile.extraction.calibrate import CalibrateConfig, tables
    from iepile.extraction.calibrate import calibrate as run

    def go(config: CalibrateConfig) -> None:
        summary = run(config)
        if show.as_json:
            show.summary(summary)
            return
        for title, header, rows in tables(summary):
            show.table(header, rows, title)
        print(f"written to {summary.output_file}")

    return run_command("calibrate", CalibrateConfig, go, argv)
