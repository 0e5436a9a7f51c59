"""A browser for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browser import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Started where a test first wants it; skips where there is no Chromium."""
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found
