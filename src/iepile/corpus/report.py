"""What a build did, for people: `report.md`, and the same as `report.json`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from iepile.jsonl import atomic_writer

if TYPE_CHECKING:
    from iepile.corpus.build import BuildSummary


def write_report(folder: Path, summary: BuildSummary) -> None:
    """Write both files into `folder`."""
    with atomic_writer(folder / "report.json") as f:
        f.write(msgspec.json.format(msgspec.json.encode(summary), indent=1) + b"\n")
    with atomic_writer(folder / "report.md") as f:
        f.write(report_text(summary).encode())


def report_text(summary: BuildSummary) -> str:
    """The report in Markdown."""
    sets = summary.sets
    parts = ["# Corpus\n", _table(
        ("data set", "language", "domain", "role", "format", "read", "kept", "mentions", "with place", "rows"),
        [(b.name, b.language, b.domain, b.role, ", ".join(b.formats), _splits(b.read), _splits(b.kept),
          f"{b.mentions:,}", f"{b.grounded / b.mentions:.1%}" if b.mentions else "-",
          ", ".join(f"{k} {n:,}" for k, n in b.rows.items())) for b in sets]),
        "## Left out\n", _table(
        ("data set", "reason", "documents"),
        [(b.name, reason, f"{n:,}") for b in sets for reason, n in sorted(b.dropped.items())]),
        "## Mended while reading\n", _table(
        ("data set", "what", "times"), [(b.name, what, f"{n:,}") for b in sets for what, n in b.repairs.items()]),
        "## Files\n", _table(("file", "rows"), [(name, f"{n:,}") for name, n in summary.rows.items()])]
    if summary.missing:
        parts += ["## Missing\n", "".join(f"- {why}\n" for why in summary.missing.values())]
    return "\n".join(parts)


def _splits(counts: dict[str, int]) -> str:
    return ", ".join(f"{split} {n:,}" for split, n in counts.items())


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    if len(lines) == 2:
        return "Nothing.\n"
    cells = ([cell.replace("|", "\\|").replace("<", "&lt;") for cell in line] for line in lines)
    return "".join("| " + " | ".join(line) + " |\n" for line in cells)
