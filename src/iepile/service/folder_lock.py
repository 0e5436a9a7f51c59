"""One service a folder: two would answer the same jobs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from iepile.errors import InputError


class FolderLock:
    """Held as long as the process lives, or until it is released."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            InputError: another service holds it.
        """
        self._file = (folder / "jobs.lock").open("ab")
        with suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._file.close()
                raise InputError("another service works in this folder", file=folder, field="data_dir",
                                 fix="stop it, or choose another --data_dir") from None
            except OSError:
                pass  # some network file systems know no locks

    def release(self) -> None:
        """Let others have it."""
        self._file.close()
