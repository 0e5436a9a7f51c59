"""Jobs on disk: one SQLite file, so that a server that was killed knows what it had promised.

    store = JobStore(folder / "jobs.db")
    store.add(job)
    store.change(job.id, state=State.RUNNING)
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.service.calls import Closed
from iepile.service.job import Asked, FileCounts, Job, JobFile, State

APPLICATION = 0x69654A62
"""Marks our files among those of SQLite ("ieJb")."""
VERSION = 1
_SQL = Path(__file__).with_name("job_store.sql")
_COLUMNS = ("id", "state", "asked", "done", "total", "characters", "created", "started", "finished", "error", "counts")
_FILE = ("name", "size", "documents", "problem", "read")


class JobStore:
    """The jobs, by id. For many threads."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            InputError: it is not ours, or of another version.
        """
        self.path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
            (application,), (version,) = (self._db.execute(f"PRAGMA {name}").fetchone()
                                          for name in ("application_id", "user_version"))
            if (application, version) not in ((0, 0), (APPLICATION, VERSION)):
                raise InputError("is no file of jobs of this version", file=path, fix="choose another --data_dir")
            # What a client was promised is there after a power cut too.
            self._db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
                                   f"{_SQL.read_text('utf-8')} PRAGMA application_id = {APPLICATION}; "
                                   f"PRAGMA user_version = {VERSION};")
        except sqlite3.DatabaseError as e:
            raise InputError(f"is no file of jobs: {e}", file=path, fix="choose another --data_dir") from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(self, job: Job) -> None:
        """Keep a new job; it is promised once this returns.

        Raises:
            IepileError: the disk is full.
        """
        with self._all_or_none():
            values = [_value(job, name) for name in _COLUMNS]
            self._run(f"INSERT INTO job ({', '.join(_COLUMNS)}) VALUES ({_marks(_COLUMNS)})", values)
            for n, file in enumerate(job.files):
                self._run(f"INSERT INTO file (job, number, {', '.join(_FILE)}) VALUES (?, ?, {_marks(_FILE)})",
                          [job.id, n, *(getattr(file, name) for name in _FILE)])

    def get(self, id_: str, files: bool = True) -> Job | None:
        """A job, with its files or only how many they are; None: there is none."""
        with self._lock:
            found = self._jobs("WHERE id = ?", (id_,))
            if found and files:
                rows = self._run(f"SELECT {', '.join(_FILE)} FROM file WHERE job = ? ORDER BY number", (id_,))
                found[0].files = [JobFile(name, size, documents, problem, bool(read))
                                  for name, size, documents, problem, read in rows.fetchall()]
        return found[0] if found else None

    def page(self, offset: int, limit: int, states: Iterable[State] = ()) -> tuple[list[Job], int]:
        """Jobs without their files, the newest first, and how many there are."""
        wanted = list(states)
        where = f"WHERE state IN ({_marks(wanted)}) " if wanted else ""
        with self._lock:
            (total,) = self._run(f"SELECT count(*) FROM job {where}", wanted).fetchone()
            return self._jobs(f"{where}ORDER BY number DESC LIMIT ? OFFSET ?", (*wanted, limit, offset)), total

    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        with self._lock:
            found = dict(self._run("SELECT state, count(*) FROM job GROUP BY 1").fetchall())
        return {str(state): found.get(state, 0) for state in State}

    def in_state(self, *states: State) -> list[Job]:
        """The jobs in a state without their files, the oldest first."""
        return self._jobs(f"WHERE state IN ({_marks(states)}) ORDER BY number", states)

    def ids(self) -> set[str]:
        """All of them."""
        with self._lock:
            return {id_ for (id_,) in self._run("SELECT id FROM job").fetchall()}

    def change(self, id_: str, **values: Any) -> None:
        """Change fields of a job.

        Raises:
            IepileError: the disk is full.
        """
        encoded = [_encoded(value) for value in values.values()]
        with self._lock:
            self._run(f"UPDATE job SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?", [*encoded, id_])

    def move(self, id_: str, before: Iterable[State], **values: Any) -> bool:
        """`change`, if it is in one of these states; says whether it was."""
        states = list(before)
        encoded = [_encoded(value) for value in values.values()]
        with self._lock:
            return self._run(f"UPDATE job SET {', '.join(f'{name} = ?' for name in values)} "
                             f"WHERE id = ? AND state IN ({_marks(states)})", [*encoded, id_, *states]).rowcount > 0

    def change_files(self, id_: str, files: Mapping[int, JobFile]) -> None:
        """Note files of a job, by number, all or none."""
        with self._all_or_none():
            for number, file in files.items():
                self._run("UPDATE file SET documents = ?, problem = ?, read = ? WHERE job = ? AND number = ?",
                          (file.documents, file.problem, file.read, id_, number))

    def remove(self, id_: str) -> None:
        """Forget a job."""
        with self._lock:
            self._run("DELETE FROM job WHERE id = ?", (id_,))

    @contextmanager
    def _all_or_none(self) -> Iterator[None]:
        with self._lock:
            self._run("BEGIN IMMEDIATE")
            try:
                yield
                self._run("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.rollback()
                raise

    def _jobs(self, rest: str, values: Iterable[Any]) -> list[Job]:
        with self._lock:
            rows = self._run(f"SELECT {', '.join(_COLUMNS)} FROM job {rest}", list(values)).fetchall()
            return [self._job(dict(zip(_COLUMNS, row, strict=True))) for row in rows]

    def _job(self, row: dict[str, Any]) -> Job:
        given, read, failed, first = self._run(
            "SELECT count(*), ifnull(sum(read), 0), ifnull(sum(problem != ''), 0), ifnull(min(CASE number WHEN 0 THEN "
            "name END), '') FROM file WHERE job = ?", (row["id"],)).fetchone()
        return Job(**row | {
            "state": State(row["state"]), "asked": msgspec.json.decode(row["asked"], type=Asked),
            "counts": msgspec.json.decode(row["counts"]), "files": [],
            "file_counts": FileCounts(given, read, failed, first),
        })

    def _run(self, sql: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(sql, list(values))
        except sqlite3.ProgrammingError as e:
            if "closed" not in str(e):
                raise
            raise Closed("the service is shutting down") from None
        except sqlite3.OperationalError as e:
            raise IepileError(f"{self.path}: {e}\n  do:       make room on the disk, and see that it can be written"
                              ) from e


def _value(job: Job, name: str) -> Any:
    return _encoded(getattr(job, name))


def _encoded(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, Asked | dict) else value


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)
