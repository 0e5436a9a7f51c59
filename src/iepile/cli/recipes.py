"""`iepile run`, `quickstart`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.resources import as_file, files

from iepile.cli.command import run_command
from iepile.cli.progress import progress
from iepile.cli.quickstart import QuickstartConfig, show_quickstart
from iepile.cli.show import summary
from iepile.recipe import Job, RunConfig, RunSummary
from iepile.recipe import run as run_recipe


def run(argv: Sequence[str]) -> int:
    """Run a recipe."""

    def go(config: RunConfig) -> None:
        done = run_shown(config)
        for job in done.jobs:
            if job.verb in ("train", "tune", "predict", "evaluate"):
                summary(job.result, title=f"\n{job.name} ({job.verb})")

    return run_command("run", RunConfig, go, argv, positional=("recipe",))


def quickstart(argv: Sequence[str]) -> int:
    """The shipped recipe, with a report for newcomers."""

    def go(config: QuickstartConfig) -> None:
        with as_file(files("iepile.recipes").joinpath("quickstart.yaml")) as recipe:
            done = run_shown(RunConfig(recipe=str(recipe), output=config.output))
        show_quickstart(done)

    return run_command("quickstart", QuickstartConfig, go, argv)


def run_shown(config: RunConfig) -> RunSummary:
    """Run a recipe with a line a job and a bar where it takes long."""
    bars = ExitStack()

    def on_event(job: Job, what: str) -> Callable[..., None] | None:
        if what == "start":
            return bars.enter_context(progress(job.name))
        bars.close()
        how = "kept" if what == "kept" else f"{job.seconds:.1f} s"
        print(f"  {job.name}: {how}", file=sys.stderr, flush=True)
        return None

    with bars:
        return run_recipe(config, on_event)
