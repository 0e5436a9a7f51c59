"""`iepile plot`."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli.command import run_command
from iepile.cli.show import summary


def plot(argv: Sequence[str]) -> int:
    """Draw the course of a training run."""
    from iepile.training.plot import PlotConfig
    from iepile.training.plot import plot as draw

    return run_command("plot", PlotConfig, lambda c: summary(draw(c)), argv, positional=("run",))
