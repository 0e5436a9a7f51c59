"""One ordered map for every step over a corpus: in this process, in N processes, or on a Ray cluster.

    for result in ordered_map(partial(build, config), jobs, workers=4): ...

Results come in the order of the jobs whatever runs them, so the bytes a step writes do not hang on how many
workers it had. At most `LOOK_AHEAD` jobs a worker are under way (on Ray, a window of jobs: see cluster.py), so memory
does not grow with the corpus. Jobs are read in this process, on this machine, whatever runs them.

Between processes, a job travels through a pipe, and so does a result, except its `Blob`s: a worker writes those into a
part file that is used again and again, and the parent reads them through a memory map. Rows are 25 times their
input; pickled through a pipe they cost more than making them.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from mmap import ACCESS_READ, mmap
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, TypeVar, cast

from iepile.errors import IepileError, InputError

LOOK_AHEAD = 2
"""Jobs a worker that may be under way: one to work on, one to have ready."""

Job = TypeVar("Job")
Result = TypeVar("Result")


class Blob:
    """Bytes in a result that should not be copied more often than they must.

    In the parent `data` may be a view of a worker's part file: it ends when the next result is asked for, and
    using it later raises ValueError. Keep `bytes(blob.data)` to keep the bytes.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = data if isinstance(data, memoryview) else memoryview(data)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # Out of band (PEP 574): the pickle holds a mark, the bytes go beside it.
        return Blob, (pickle.PickleBuffer(self.data),)


def ordered_map(
    make: Callable[[], Callable[[Job], Result]],
    jobs: Iterable[Job],
    workers: int = 1,
    ray: str | None = None,
) -> Iterator[Result]:
    """Apply a function to jobs, and yield the results in the order of the jobs.

    Args:
        make: builds the function, once a worker; with more than one worker it must pickle, and so must jobs
            and results. What it raises is raised here.
        jobs: read in this process, as workers become free; for Ray, window by window.
        workers: processes; 1 works in this one.
        ray: instead of processes, Ray Data on a cluster: `local` starts one on this machine, with `workers`
            CPUs where that is above 1; `auto` or an address joins one that runs, and uses all of it.

    Raises:
        InputError: what a worker raised, whole; `workers` is not a count; or no cluster at `ray`.
        IepileError: a worker process died (on Ray: again and again).
        MissingDependency: `ray` without Ray Data.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}", field="workers", expected="1 or more")
    if ray is not None:
        from iepile.corpus.cluster import on_ray

        return on_ray(make, jobs, ray, workers)
    if workers == 1:
        return _here(make, jobs)
    return _in_processes(make, jobs, workers)


def _here(make: Callable[[], Callable[[Job], Result]], jobs: Iterable[Job]) -> Iterator[Result]:
    yield from map(make(), jobs)


def _in_processes(
    make: Callable[[], Callable[[Job], Result]], jobs: Iterable[Job], workers: int
) -> Iterator[Result]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    with (
        tempfile.TemporaryDirectory(prefix="iepile-", ignore_cleanup_errors=True) as folder,
        ProcessPoolExecutor(workers, get_context("spawn"), _start, (make,)) as pool,
    ):
        parts = [_Part(Path(folder) / str(n)) for n in range(LOOK_AHEAD * workers)]
        todo = HeldBack(jobs)
        with _undisturbed():
            waiting = deque(
                (pool.submit(_work, job, str(part.path)), part) for part, job in zip(parts, todo, strict=False)
            )
        try:
            while waiting:
                future, part = waiting.popleft()
                yield cast("Result", part.result(*future.result()))
                part.release()
                waiting.extend((pool.submit(_work, job, str(part.path)), part) for job in islice(todo, 1))
            todo.check()
        except BrokenProcessPool:
            raise IepileError("a worker process died, perhaps for want of memory; nothing was written\n"
                              "  do:       use fewer --workers") from None
        finally:
            # Not future.cancel(): the pool's own thread may be setting that future's result.
            pool.shutdown(cancel_futures=True)
            for part in parts:
                part.release()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits until the workers are started, and they, who inherit that, never get one."""
    import signal

    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class HeldBack(Iterator[Job]):
    """Jobs whose own fault (line 900 is not JSON) waits until the results before it were given out.

    So the first error of a file is the one reported, by any number of workers.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs = iter(jobs)
        self.fault: Exception | None = None

    def __next__(self) -> Job:
        if self.fault is not None:
            raise StopIteration
        try:
            return next(self.jobs)
        except StopIteration:
            raise
        except Exception as e:
            self.fault = e
            raise StopIteration from None

    def check(self) -> None:
        """Raise what was held back."""
        if self.fault is not None:
            raise self.fault


class _Part:
    """A file through which the blobs of one result at a time come home."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.views: list[memoryview] = []

    def result(self, pickled: bytes, sizes: Sequence[int]) -> object:
        if any(sizes):
            with self.path.open("rb") as f:
                whole = memoryview(mmap(f.fileno(), sum(sizes), access=ACCESS_READ))
        else:
            whole = memoryview(b"")  # an empty file cannot be mapped
        self.views, at = [whole], 0
        for size in sizes:
            self.views.append(whole[at : at + size])
            at += size
        # As the pool itself reads what its own processes send; nothing a user gave is read this way.
        return ForkingPickler.loads(pickled, buffers=self.views[1:])

    def release(self) -> None:
        while self.views:
            self.views.pop().release()


# What follows runs in a worker process.

_make: Callable[[], Callable[[Any], object]]
_function: Callable[[Any], object] | None = None


def _start(make: Callable[[], Callable[[Any], object]]) -> None:
    import signal
    from multiprocessing import parent_process
    from threading import Thread

    global _make
    _make = make
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle

    def follow() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
            os._exit(1)

    # A pool's processes wait for work for ever when the parent is killed.
    Thread(target=follow, daemon=True).start()


def _work(job: object, part: str) -> tuple[bytes, list[int]]:
    # Built here, not in _start: what fails there breaks the pool instead of reaching the user.
    global _function
    if _function is None:
        _function = _make()
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(_function(job), 5, buffer_callback=buffers.append)
    views = [b.raw() for b in buffers]
    try:
        # Written, not mapped: a full disk is then an error and not a SIGBUS.
        with open(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600), "wb", buffering=0) as f:
            for view in views:
                while view:
                    view = view[f.write(view):]
    except OSError as e:
        raise IepileError(f"{part}: {e.strerror}\n  do:       make room there, or set TMPDIR") from None
    return pickled, [v.nbytes for v in views]
