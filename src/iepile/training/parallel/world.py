"""The processes of a run. This one knows of itself alone; see `open_world`."""

from __future__ import annotations

from collections.abc import Sequence


class World:
    """One process."""

    rank = 0
    """Number of this process, from 0."""
    size = 1
    """Number of processes."""

    @property
    def main(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Sums over the processes, in order."""
        return list(values)

    def barrier(self) -> None:
        """Wait until every process is here."""
