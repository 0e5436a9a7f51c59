"""`iepile clean`, `leaks`."""

from __future__ import annotations

from collections.abc import Sequence

from iepile.cli import show
from iepile.cli.command import run_command
from iepile.corpus.leaks import LeaksConfig, LeaksSummary


def clean(argv: Sequence[str]) -> int:
    """Clean training documents."""
    from iepile.corpus.clean import CleanConfig
    from iepile.corpus.clean import clean as run

    return run_command("clean", CleanConfig, lambda c: show.summary(run(c)), argv, positional=("src_path", "tgt_path"))


def leaks(argv: Sequence[str]) -> int:
    """Find training texts in evaluation splits."""
    from iepile.corpus.leaks import leaks as run

    def display(result: LeaksSummary) -> None:
        pairs, result.pairs = result.pairs, result.pairs if show.as_json else []
        show.summary(result)
        if pairs and not show.as_json:
            show.table(
                ("train", "evaluation", "exact", "of them short", "near", "contained", "evaluation texts", "share"),
                [(p.train, p.evaluation, f"{p.exact:,}", f"{p.short:,}", f"{p.near:,}", f"{p.contained:,}",
                  f"{p.evaluation_texts:,}", f"{100 * p.evaluation_share:.1f} %") for p in pairs])

    return run_command("leaks", LeaksConfig, lambda c: display(run(c)), argv)
