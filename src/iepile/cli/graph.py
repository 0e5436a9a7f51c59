"""`iepile kg`."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli.command import run_command
from iepile.cli.show import summary


def kg(argv: Sequence[str]) -> int:
    """Facts to a graph; `kg ccks2023`: answers in brackets to lists of triples; `kg view`: a graph to look at."""
    if argv and argv[0] == "ccks2023":
        from iepile.graph.ccks2023 import Ccks2023Config, convert

        return run_command("kg ccks2023", Ccks2023Config, lambda c: summary(convert(c)), argv[1:])
    if argv and argv[0] == "view":
        from iepile.graph.view import ViewConfig, view

        return run_command("kg view", ViewConfig, lambda c: summary(view(c)), argv[1:], ("input_file", "output_file"))
    from iepile.graph.build import KgConfig, build

    return run_command("kg", KgConfig, lambda c: summary(build(c)), argv)
