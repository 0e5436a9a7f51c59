"""`iepile run`, `quickstart`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.resources import as_file, files

from iepile.cli import show
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
            if job.verb == "evaluate" and not show.as_json:
                print(f"\n{job.name} ({job.verb})")
                _scores(job)
            elif job.verb in ("train", "tune", "predict", "evaluate"):
                summary(job.result, title=f"\n{job.name} ({job.verb})")
        pages = [page for job in done.jobs for page in _pages(job)]
        if pages and not show.as_json:
            print("\nLook at:", *pages, sep="\n  ")

    return run_command("run", RunConfig, go, argv, positional=("recipe",))


def quickstart(argv: Sequence[str]) -> int:
    """The shipped recipe, with a report for newcomers."""

    def go(config: QuickstartConfig) -> None:
        with as_file(files("iepile.recipes").joinpath("quickstart.yaml")) as recipe:
            done = run_shown(RunConfig(recipe=str(recipe), output=config.output))
        show_quickstart(done)

    return run_command("quickstart", QuickstartConfig, go, argv)


def _scores(job: Job) -> None:
    """The scores that `iepile evaluate` prints; errors, orders and thresholds are in its files."""
    import msgspec

    from iepile.evaluation.report import Report
    from iepile.evaluation.tables import tables

    if job.settings.get("protocol"):
        print(job.result["printed"])
        return
    scores = {k: v for k, v in job.result.items() if k not in ("errors", "confusions", "orders", "reliability")}
    for t in tables(msgspec.convert(scores, Report), job.settings.get("sort_by", "")):
        show.table(t.header, t.rows, t.title)


def _pages(job: Job) -> list[str]:
    """The pages that a job wrote."""
    names = {"evaluate": "report", "kg view": "output_file"}
    page = job.settings.get(names.get(job.verb, ""))
    return [str(page)] if page else []


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
