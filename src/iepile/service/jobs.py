"""Jobs: many documents, answered in the background, kept over a restart."""

from __future__ import annotations

from pathlib import Path

from iepile.service.models import Models


class Jobs:
    """The jobs of a service."""

    def __init__(self, folder: Path, models: Models) -> None:
        """`folder`: where jobs and their results lie."""
        self.folder, self.models = folder, models

    def start(self) -> None:
        """Go on with what was not finished."""

    def close(self) -> None:
        """Stop working; what is unfinished goes on at the next start."""
