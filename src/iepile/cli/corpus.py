"""`iepile generate`, `import`, `completion`, `convert`, `negatives`, `stats`, `validate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from iepile.cli.command import run_command
from iepile.cli.show import summary

SHOWN = 4
"""Missing data sets whose home the terminal shows; of more, the names."""


def generate(argv: Sequence[str]) -> int:
    """Make annotated example documents."""
    from iepile.corpus.synthetic.write import GenerateConfig, write_documents

    return run_command("generate", GenerateConfig, lambda c: summary(write_documents(c)), argv)


def import_(argv: Sequence[str]) -> int:
    """Read a raw data set."""
    from iepile.corpus.importing import ImportConfig, import_documents

    return run_command("import", ImportConfig, lambda c: summary(import_documents(c)), argv,
                       positional=("src_path", "tgt_path"))


def completion(argv: Sequence[str]) -> int:
    """Take clauses out of texts while their triples stay."""
    from iepile.corpus.completion import CompletionConfig
    from iepile.corpus.completion import completion as run

    return run_command("completion", CompletionConfig, lambda c: summary(run(c)), argv,
                       positional=("src_path", "tgt_path"))


def convert(argv: Sequence[str]) -> int:
    """Documents to instruction rows."""
    from iepile.corpus.convert import ConvertConfig
    from iepile.corpus.convert import convert as run

    return run_command("convert", ConvertConfig, lambda c: summary(run(c)), argv)


def negatives(argv: Sequence[str]) -> int:
    """Mine hard negatives."""
    from iepile.cli import show
    from iepile.corpus.negatives import NegativesConfig, NegativesSummary
    from iepile.corpus.negatives import negatives as run

    def display(result: NegativesSummary) -> None:
        inspected = result.inspected
        if show.as_json:
            return summary(result)
        if result.target:
            result.inspected = {}
            summary(result)
        for label, row in inspected.items():
            print(f"{label}: {len(row)} hard negatives" if row else f"{label}: no hard negative")
            for n in row:
                print(f"  {n.score:.3f}  {n.label}")
                for method, score in n.by_method.items():
                    print(f"         {method} {score:.3f}: {'; '.join(n.evidence[method])}")

    return run_command("negatives", NegativesConfig, lambda c: display(run(c)), argv)


def validate(argv: Sequence[str]) -> int:
    """Check a data file."""
    from iepile.corpus.validate import ValidateConfig, validated

    return run_command("validate", ValidateConfig, lambda c: summary(validated(c)), argv, positional=("file",))


def stats(argv: Sequence[str]) -> int:
    """Count what is in a corpus."""
    from iepile.cli import show
    from iepile.corpus.statistics import Statistics, StatsConfig
    from iepile.corpus.statistics import stats as run

    def display(result: Statistics) -> None:
        if show.as_json:
            return show.summary(result.to_dict())
        show.table(
            ("data set", "task", "language", "domain", "records", "facts", "labels", "tokens"),
            [(c.source, c.task, c.language, c.domain, f"{c.records:,}", f"{c.facts:,}",
              f"{len({*c.labels, *c.asked}):,}", f"{c.tokens:,}") for c in result.cells],
        )

    return run_command("stats", StatsConfig, lambda c: display(run(c)), argv, positional=("input_files*",))


def build(argv: Sequence[str]) -> int:
    """Build a corpus."""
    from iepile.cli import show
    from iepile.corpus.build import BuildConfig, BuildSummary
    from iepile.corpus.build import build as run

    def told(step: str, what: str) -> None:
        if what != "start":
            print(f"  {step}: {what}", file=sys.stderr, flush=True)

    def display(result: BuildSummary) -> None:
        if show.as_json:
            return show.summary(result)
        show.table(
            ("data set", "read", "kept", "mentions", "with place", "rows"),
            [(b.name, f"{sum(b.read.values()):,}", f"{sum(b.kept.values()):,}", f"{b.mentions:,}",
              f"{b.grounded / b.mentions:.1%}" if b.mentions else "-", f"{sum(b.rows.values()):,}")
             for b in result.sets],
        )
        print(f"{sum(result.rows.values()):,} rows in {result.output}; report.md there says more")
        few = list(result.missing.values()) if len(result.missing) <= SHOWN else [
            f"{len(result.missing)} data sets: {', '.join(result.missing)}; report.md says where to get each"]
        for why in few:
            print(f"missing: {why}")

    return run_command("build", BuildConfig, lambda c: display(run(c, told)), argv, positional=("corpus",))
