"""The wheel and the source archive of a tree, built as for a release."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
EPOCH = "1700000000"
"""Seconds since 1970 that both archives bear as the time of their files."""


class Built(NamedTuple):
    """The two archives, and what they were built from."""

    tree: Path
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
    return Built(source, wheel, sdist)


def copy_tree(target: Path) -> Path:
    """This tree as it stands now, without what git and the tools leave in it: nothing changes while it is built."""
    left_out = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info",
                                      "runs", "build", "dist", "site")
    return Path(shutil.copytree(ROOT, target, ignore=left_out, symlinks=True))
