"""Jobs on disk: what is put in comes out, by many threads, and files that are not ours are refused."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from iepile.errors import InputError
from iepile.service.calls import Closed
from iepile.service.job import Asked, Job, JobFile, State, is_id, new_id
from iepile.service.job_store import JobStore


def a_job(files: int = 2) -> Job:
    return Job(new_id(), Asked({"entities": {"人": {}}}, ["NER"], "m", {"orders": 2}),
               [JobFile(f"{n}'\"; DROP TABLE job; --.txt", n) for n in range(files)], 5.25)


def test_a_job_comes_out_as_it_went_in(tmp_path: Path) -> None:
    store, job = JobStore(tmp_path / "jobs.db"), a_job()
    store.add(job)
    found = store.get(job.id)
    assert found is not None
    assert (found.asked, found.files, found.created, found.state) == (job.asked, job.files, 5.25, State.WAITING)
    short = store.get(job.id, files=False)
    assert short is not None and short.files == [] and short.file_counts.given == 2
    assert short.file_counts.first == job.files[0].name
    store.change_files(job.id, {1: JobFile("other name", 9, 3, "bad", True)})
    again = store.get(job.id)
    assert again is not None and again.files[1] == JobFile(job.files[1].name, 1, 3, "bad", True), "names stay"
    assert (again.file_counts.read, again.file_counts.failed) == (1, 1)
    store.close()
    store = JobStore(tmp_path / "jobs.db")
    assert store.get(job.id) == again
    store.remove(job.id)
    assert store.get(job.id) is None and store.ids() == set()
    assert store.page(0, 10) == ([], 0)
    store.close()


def test_a_state_is_left_by_one_only(tmp_path: Path) -> None:
    store, job = JobStore(tmp_path / "jobs.db"), a_job()
    store.add(job)
    won: list[bool] = []
    threads = [threading.Thread(target=lambda: won.append(
        store.move(job.id, (State.WAITING,), state=State.RUNNING))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 15 + [True]
    assert store.counts() == {"waiting": 0, "running": 1, "done": 0, "failed": 0, "cancelled": 0}
    store.close()


def test_a_job_that_cannot_be_added_is_not_there_by_half(tmp_path: Path) -> None:
    store, job = JobStore(tmp_path / "jobs.db"), a_job()
    job.files.append(JobFile(None, 3))  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        store.add(job)
    assert store.get(job.id) is None
    store.add(a_job())
    store.close()


def test_what_is_asked_of_a_closed_store(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs.db")
    store.close()
    with pytest.raises(Closed):
        store.ids()


@pytest.mark.parametrize("kind", ["text", "other", "version"])
def test_files_that_are_not_ours(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "jobs.db"
    if kind == "text":
        path.write_bytes(b"nothing of the kind" * 100)
    else:
        if kind == "version":
            JobStore(path).close()
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE x (y)")
            db.execute("PRAGMA user_version = 7")
        db.close()
    before = path.read_bytes()
    with pytest.raises(InputError, match="is no file of jobs"):
        JobStore(path)
    assert path.read_bytes() == before


def test_ids() -> None:
    made = {new_id() for _ in range(100)}
    assert len(made) == 100 and all(is_id(id_) for id_ in made)
    assert not any(map(is_id, ("", "..", "a" * 31, "A" * 32, "../" * 11, "0" * 33, "é" * 32)))
