"""The wheel and the source archive of a tree, built as for a release."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
EPOCH = "1700000000"
"""Seconds since 1970 that both archives bear as the time of their files."""


class Built(NamedTuple):
    """The two archives."""

    wheel: Path
    sdist: Path


def build(source: Path, out: Path) -> Built:
    """Build both from a source tree, with the build back end that is installed here and without a network."""
    pytest.importorskip("build", reason="needs the package build")
    pytest.importorskip("hatchling", reason="needs the package hatchling")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--sdist", "--outdir", str(out), str(source)],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return Built(wheel, sdist)
