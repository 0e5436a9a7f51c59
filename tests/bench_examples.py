"""Where the suite of the example data lies, and the type of what runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from iepile.bench.report import BenchReport

EXAMPLES = Path(__file__).parents[1] / "examples"
SUITE = EXAMPLES / "bench/suite.yaml"
Run = Callable[..., BenchReport]
"""Takes a list for (data set, what happened) and settings of `BenchConfig`."""
