"""`iepile bench`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from iepile.cli import show
from iepile.cli.command import run_command
from iepile.cli.progress import progress
from iepile.errors import IepileError

if TYPE_CHECKING:
    from iepile.bench.suite import Chosen
    from iepile.extraction.run import Progress


def bench(argv: Sequence[str]) -> int:
    """Score a model on a suite of data sets, beside published figures."""
    from iepile.bench.bench import BenchConfig
    from iepile.bench.bench import bench as run
    from iepile.bench.tables import tables

    def go(config: BenchConfig) -> None:
        bars = ExitStack()

        def on_event(chosen: Chosen, what: str, words: str) -> Progress | None:
            name = f"{chosen.card.name} {chosen.entry.task}"
            if what == "start":
                return bars.enter_context(progress(name))
            bars.close()
            how = words if what == "done" else f"{what}: {words}"
            print(f"  {name}: {how}", file=sys.stderr, flush=True)
            return None

        with bars:
            report = run(config, on_event)
        if show.as_json:
            show.summary(report)
        else:
            for t in tables(report, config.beside):
                show.table(t.header, t.rows, t.title)
        if report.failed:
            names = ", ".join(f.dataset for f in report.failed)
            raise IepileError(f"{len(report.failed)} of {len(report.failed) + len({r.dataset for r in report.results})}"
                              f" data sets failed: {names}\n"
                              "  do:       mend what is wrong and give the same command again: the others are kept")

    return run_command("bench", BenchConfig, go, argv, positional=("root",))
