"""`iepile kg`."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli.command import run_command
from iepile.cli.show import summary


def kg(argv: Sequence[str]) -> int:
    """Facts to a graph."""
    from iepile.graph.triples import KgConfig, build

    return run_command("kg", KgConfig, lambda c: summary(build(c)), argv)
