"""The work on jobs: threads that read files, begin jobs and answer them.

Up to four jobs are in work at once and take turns, a stretch of questions each. They begin in the order they came in,
but one of the four places is for small jobs only: such a job never waits for the end of a huge one. Files are read one
after another, of each job for half a second in turn.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from iepile.errors import IepileError, InputError
from iepile.extraction.engines.engine import Engine
from iepile.reading.limits import ReadLimits
from iepile.service.job import Job, JobFile, State
from iepile.service.job_answering import answer, counts_of
from iepile.service.job_faults import told
from iepile.service.job_folder import JobFolder
from iepile.service.job_reading import gather, read_file
from iepile.service.job_store import JobStore
from iepile.service.models import Models
from iepile.service.progress import Progress
from iepile.service.progress_events import ProgressEvents

AT_ONCE = 4
"""Jobs that are answered at once."""
SMALL = 100_000
"""Most characters of a job that may take the last place."""
NOTED = 1.0
"""Seconds between two notes on disk of how far a job is."""
TURN = 0.5
"""Seconds after which files of another job are read."""
PATIENCE = 20.0
"""Seconds that closing waits for what is in work."""

logger = logging.getLogger(__name__)


class Background(Engine, Protocol):
    """An engine whose work can be broken off from another thread."""

    def cancel(self) -> None:
        """Whoever waits for an answer gets an error."""
        ...


class Working:
    """A job in work."""

    def __init__(self, job: Job, engine: Background) -> None:
        self.job, self.engine = job, engine
        self.progress = Progress(job.done, job.total)
        self.noted = time.monotonic()


class JobWork:
    """The threads that work on the jobs of a store."""

    def __init__(self, folder: Path, store: JobStore, models: Models, events: ProgressEvents,
                 limits: ReadLimits) -> None:
        """
        Args:
            folder: where jobs and their results lie.
            models: what answers: `models[name].background()`.
            events: told of all that changes.
            limits: the most that reading one file may take.
        """
        self.folder, self.store, self.models, self.events, self.limits = folder, store, models, events, limits
        self.working: dict[str, Working] = {}
        self._news = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._last_read: dict[str, float] = {}
        """Job -> when one of its files was read: the next file is that of the job that waited longest."""
        self._closing = False

    def start(self) -> None:
        """Begin."""
        for target in (self._read_files, self._hand_out):
            thread = threading.Thread(target=target, name=target.__name__.strip("_"), daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Stop working; what is unfinished counts as running still."""
        with self._news:
            self._closing = True
            working, threads = list(self.working.values()), list(self._threads)
            self._news.notify_all()
        for work in working:
            work.engine.cancel()
        until = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def tell(self, id_: str) -> None:
        """Something of a job has changed."""
        with self._news:
            self._news.notify_all()
        self.events.tell(id_)

    def break_off(self, id_: str) -> bool:
        """Stop the work on a job; says whether there is any: it then ends soon, and takes the files of a job that is
        no longer kept away."""
        with self._news:
            work = self.working.get(id_)
        if work is not None:
            work.engine.cancel()
        self.tell(id_)
        return work is not None

    def told_by(self, model: str) -> str:
        """What a model is told by: where it lies. A model that was trained anew in that place is another."""
        return self.models.places.get(model, model)

    def _read_files(self) -> None:
        """Read files of waiting jobs, until the service closes."""
        while (job := self._next(self._unread)) is not None:
            folder = JobFolder(self.folder, job.id)
            self._last_read[job.id] = time.monotonic()
            with self._guarded(job):
                read, until = dict[int, JobFile](), time.monotonic() + TURN
                for number, file in enumerate(job.files):
                    if not file.read and not (self._closing or (read and time.monotonic() > until)):
                        read[number] = job.files[number] = read_file(job, number, folder, self.limits)
                self.store.change_files(job.id, read)
                if all(file.read for file in job.files):
                    self._gather(job, folder)
            self._clear_up(job, folder)

    def _clear_up(self, job: Job, folder: JobFolder) -> None:
        if self._closing:
            return  # the store may be closed; the next start sees to what is left
        if self.store.get(job.id, files=False) is None:
            folder.remove()
        self.tell(job.id)

    def _gather(self, job: Job, folder: JobFolder) -> None:
        self._last_read.pop(job.id, None)
        total, characters = gather(job, folder) if any(file.documents for file in job.files) else (0, 0)
        if not total:
            problem = "no file could be read" if job.files else "no documents"
            self.store.move(job.id, (State.WAITING,), state=State.FAILED, error=problem, finished=time.time())
        self.store.change(job.id, total=total, characters=characters)
        folder.forget_files()

    def _unread(self) -> Job | None:
        jobs = [job for job in self.store.in_state(State.WAITING) if not job.total]
        found = min(jobs, key=lambda job: self._last_read.get(job.id, 0.0), default=None)
        return None if found is None else self.store.get(found.id)

    def _hand_out(self) -> None:
        """Begin jobs, until the service closes."""
        while (job := self._next(self._ready)) is not None:
            self._begin(job)

    def _next(self, find: Callable[[], Job | None]) -> Job | None:
        """The next job that `find` gives; None: the service closes."""
        with self._news:
            while not self._closing:
                if (job := find()) is not None:
                    return job
                self._news.wait()
        return None

    def _ready(self) -> Job | None:
        free = AT_ONCE - len(self.working)
        if free <= 0:
            return None
        jobs = (job for job in self.store.in_state(State.WAITING) if job.total and job.id not in self.working)
        large = sum(work.job.characters > SMALL for work in self.working.values())
        return next((job for job in jobs if job.characters <= SMALL or large < AT_ONCE - 1), None)

    def _begin(self, job: Job) -> None:
        try:
            engine: Background = self.models[job.asked.model].background()
        except InputError as e:
            self.store.move(job.id, (State.WAITING,), state=State.FAILED, finished=time.time(),
                            error=f"{e.problem}: the service holds it no longer; serve it again and resume the job")
            self.tell(job.id)
            return
        work = Working(job, engine)
        with self._news:
            # Before it is said to run: who cancels it from then on finds what to break off.
            self.working[job.id] = work
        if not self.store.move(job.id, (State.WAITING,), state=State.RUNNING, started=job.started or time.time(),
                               error=""):
            with self._news:
                del self.working[job.id]
            return
        thread = threading.Thread(target=self._work, args=(work,), name=f"job {job.id}", daemon=True)
        with self._news:
            self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()
        self.tell(job.id)

    def _work(self, work: Working) -> None:
        job, folder = work.job, JobFolder(self.folder, work.job.id)
        try:
            with self._guarded(job):
                answer(job, folder, work.engine, self.told_by(job.asked.model), lambda *at: self._ticked(work, *at))
                self.store.move(job.id, (State.RUNNING,), state=State.DONE, done=job.total, finished=time.time(),
                                counts=counts_of(folder))
        finally:
            self._note(work)
            with self._news:
                del self.working[job.id]
            self._clear_up(job, folder)

    def _ticked(self, work: Working, done: int, total: int) -> None:
        work.progress.at(done)
        if time.monotonic() - work.noted > NOTED:
            work.noted = time.monotonic()
            self._note(work)
        self.events.tell(work.job.id)

    def _note(self, work: Working) -> None:
        with suppress(IepileError):  # a full disk is told by the journal
            self.store.change(work.job.id, done=work.progress.done)

    @contextmanager
    def _guarded(self, job: Job) -> Iterator[None]:
        """What goes wrong in a job is told by the job; the service goes on."""
        try:
            yield
        except Exception as e:
            if not self._closing and self.store.get(job.id, files=False) is not None:
                self._fail(job, told(e, job.id, self.folder))

    def _fail(self, job: Job, problem: str) -> None:
        """Note that a job failed, unless it was stopped on purpose; what is answered stays."""
        try:
            self.store.move(job.id, (State.WAITING, State.RUNNING), state=State.FAILED, error=problem,
                            finished=time.time())
        except IepileError:
            # It counts as running then: the next start goes on with it.
            logger.exception("job %s: cannot be noted as failed: %s", job.id, problem)
