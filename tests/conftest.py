"""What all tests share: where the real data lies, and how hypothesis draws."""

from __future__ import annotations

import os
from pathlib import Path

# Tests run side by side on two cores: more threads would only wait for each other. Read when torch is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# Two busy cores make a deadline a coin toss; in CI a failure must be the same failure twice.
settings.register_profile("here", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and goldens beside the project (or IEPILE_SHARED)."""
    folder = Path(os.environ.get("IEPILE_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs the data folder {folder.name}/ beside the project, or IEPILE_SHARED")
    return folder
