"""Jobs: many documents, answered in the background, kept over a restart.

    jobs = Jobs(folder, models); jobs.start()
    folder = jobs.incoming(id_); jobs.submit(job)

What is told here is kept in jobs.db; the work itself is that of job_work.py.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from iepile.errors import IepileError, InputError
from iepile.extraction.predict import answered_so_far
from iepile.jsonl import check_folder, read_rows
from iepile.reading.limits import LIMITS, ReadLimits
from iepile.service.folder_lock import FolderLock
from iepile.service.job import Job, State, is_id
from iepile.service.job_answering import config_of
from iepile.service.job_folder import SCRATCH, JobFolder
from iepile.service.job_store import JobStore
from iepile.service.job_work import JobWork
from iepile.service.models import Models
from iepile.service.progress_events import ProgressEvents
from iepile.service.refusals import Conflict, NoRoom, NotFound

SWEEP = 3600.0
"""Seconds between two looks for jobs that are too old."""
DAY = 86_400
ROOM = 64 << 20
"""Bytes of the disk that stay free: no job is taken in that would need them."""


class Jobs:
    """The jobs of a service."""

    def __init__(self, folder: Path, models: Models, keep_days: float = 0, limits: ReadLimits = LIMITS) -> None:
        """
        Args:
            folder: where jobs and their results lie.
            models: what answers: `models[name].background()`.
            keep_days: jobs that ended longer ago are removed; 0: they stay.
            limits: the most that reading one file may take.

        Raises:
            InputError: the folder cannot be written, or another service works in it.
        """
        self.folder, self.models, self.keep_days = check_folder(folder / "jobs"), models, keep_days
        self._lock = FolderLock(folder)
        self.store = JobStore(folder / "jobs.db")
        self.events = ProgressEvents()
        self._work = JobWork(self.folder, self.store, models, self.events, limits)
        self._closed = threading.Event()

    def start(self) -> None:
        """Go on with what was not finished."""
        for job in self.store.in_state(State.RUNNING):
            self.store.change(job.id, state=State.WAITING)
        known = self.store.ids()
        for path in self.folder.iterdir():
            # Cut off before it was promised, while it was removed, or while a graph was built.
            if (is_id(path.name) and path.name not in known) or path.name.startswith(SCRATCH):
                shutil.rmtree(path, ignore_errors=True)
        self._work.start()
        if self.keep_days:
            threading.Thread(target=self._sweep, name="old jobs", daemon=True).start()

    def close(self) -> None:
        """Stop working; what is unfinished goes on at the next start."""
        self._closed.set()
        self.events.close()
        self._work.close()
        self.store.close()
        self._lock.release()

    # What requests ask for.

    def incoming(self, id_: str, size: int = 0) -> JobFolder:
        """A folder for the files of a new job; `submit` or `drop` it.

        Raises:
            NoRoom: the disk is full.
        """
        if shutil.disk_usage(self.folder).free < size + ROOM:
            raise NoRoom("the disk of the service is full", fix="try again later, or remove jobs")
        folder = JobFolder(self.folder, id_)
        folder.make()
        return folder

    def submit(self, job: Job) -> None:
        """Take a job in, whose files lie in its folder: it is promised once this returns."""
        self.store.add(job)
        self._work.tell(job.id)

    def drop(self, folder: JobFolder) -> None:
        """Take the folder of a job away that did not come about; not of one that is promised."""
        with suppress(IepileError):  # the service closes: its next start sees to it
            if self.store.get(folder.path.name) is None:
                folder.remove()

    def get(self, id_: str, files: bool = True) -> Job:
        """A job as it stands, with its files or only how many they are.

        Raises:
            NotFound: there is none.
        """
        job = self.store.get(id_, files) if is_id(id_) else None
        if job is None:
            raise NotFound("no such job", field="id", fix="GET /v1/documents lists them")
        return self.live(job)

    def live(self, job: Job) -> Job:
        """A job as it was kept, with how far it is now."""
        if (work := self._work.working.get(job.id)) is not None and job.state is State.RUNNING:
            job.done = max(job.done, work.progress.done)
        return job

    def seconds_left(self, id_: str) -> float | None:
        """How long a job will take yet, as far as can be told."""
        work = self._work.working.get(id_)
        return None if work is None else work.progress.seconds_left()

    def cancel(self, id_: str) -> Job:
        """Stop a job; what is answered stays.

        Raises:
            NotFound: there is none.
            Conflict: it has ended.
        """
        self.get(id_)
        if not self.store.move(id_, (State.WAITING, State.RUNNING), state=State.CANCELLED, finished=time.time()):
            raise Conflict(f"the job is {self.get(id_).state}", field="state", expected="waiting or running")
        self._work.break_off(id_)
        return self.get(id_)

    def resume(self, id_: str) -> Job:
        """Go on with a job that was cancelled, failed, or has questions that failed; what is answered stays.

        Raises:
            NotFound: there is none.
            Conflict: there is nothing to go on with.
        """
        job = self.get(id_)
        going = job.state in (State.FAILED, State.CANCELLED) or (job.state is State.DONE and job.counts.get("errors"))
        if not going or not (job.total or JobFolder(self.folder, id_).texts.exists()):
            raise Conflict(f"the job is {job.state}", field="state", expected="cancelled, failed, or done with errors",
                           fix="hand the documents in as a new job")
        if id_ in self._work.working:
            raise Conflict("the job is being stopped", field="state", fix="try again in a moment")
        self.store.move(id_, (job.state,), state=State.WAITING, error="", finished=None)
        self._work.tell(id_)
        return self.get(id_)

    def remove(self, id_: str) -> None:
        """Forget a job, and take its files away.

        Raises:
            NotFound: there is none.
        """
        self.get(id_)
        self.store.remove(id_)
        if not self._work.break_off(id_):
            JobFolder(self.folder, id_).remove()

    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        return self.store.counts()

    def rows(self, id_: str) -> Iterator[dict[str, Any]]:
        """The documents of a job with their facts, in order; of one that is not done those that are answered.

        Raises:
            NotFound: there is none.
        """
        job, folder = self.get(id_), JobFolder(self.folder, id_)
        if folder.result.exists():
            return (row for _, row in read_rows(folder.result))
        if not job.total or not folder.input.exists():
            return iter(())
        try:
            engine = self.models[job.asked.model].background()
        except InputError:
            return iter(())
        return answered_so_far(config_of(job, folder, self._work.told_by(job.asked.model)), engine)

    def _sweep(self) -> None:
        while True:
            for job in self.store.in_state(State.DONE, State.FAILED, State.CANCELLED):
                if job.finished is not None and job.finished < time.time() - self.keep_days * DAY:
                    self.remove(job.id)
            if self._closed.wait(SWEEP):
                return
