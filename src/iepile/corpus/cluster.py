"""The ordered map on Ray Data: a task whose process or node died is run again.

A Ray Dataset is finite and its input lies in memory, but jobs come one by one. So they go out in windows, each a
dataset of some seconds of work. Within it Ray Data streams, as far ahead as half the object store holds results.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

from iepile.corpus.parallel import HeldBack
from iepile.errors import IepileError
from iepile.ray_cluster import RETRIES, connected, data_context

JOBS_A_TASK = 8
"""A task of Ray Data costs some 20 ms of CPU on top of its jobs."""
JOBS_A_CPU = 512
"""Jobs of a window for each CPU of the cluster: a window costs some 0.3 s on top of its tasks."""
BYTES_A_CPU = 16 << 20
"""Bytes of pickled jobs, for each CPU, after which a window ends all the same: what bounds memory."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def on_ray(
    make: Callable[[], Callable[[Job], Result]], jobs: Iterable[Job], address: str, workers: int
) -> Iterator[Result]:
    """`ordered_map` on a Ray cluster; see there.

    Raises:
        InputError: no cluster at `address`; or what a job raised.
        IepileError: a job failed with its process or node again and again.
        MissingDependency: Ray Data is not installed.
    """
    with connected(address, workers) as ray:
        work = partial(_work, f"{os.getpid()}-{time.monotonic_ns()}", make)
        todo = HeldBack(jobs)
        try:
            while window := _window(todo, cpus := max(1, int(ray.cluster_resources().get("CPU", 1)))):
                size = min(JOBS_A_TASK, -(-len(window) // (4 * cpus)))  # few jobs are for all CPUs too
                data = _dataset(ray, [window[i : i + size] for i in range(0, len(window), size)], work)
                # Closed here: an executor that outlives the cluster would start another.
                with closing(iter(data.iter_batches(batch_size=None, batch_format="pyarrow"))) as tables:
                    for row in (row for table in tables for row in table["data"]):
                        pickled, *blobs = (value.as_buffer() for value in row.values)
                        result, fault = pickle.loads(pickled, buffers=blobs)
                        if fault is not None:
                            raise fault
                        yield result
            todo.check()
        except ray.exceptions.RayTaskError as e:
            raise e.cause from None
        except ray.exceptions.RayError as e:
            raise IepileError(f"Ray gave up on a job; nothing was written\n  {e}") from None


def _window(todo: Iterator[Any], cpus: int) -> list[bytes]:
    window, room = [], BYTES_A_CPU * cpus
    for job in todo:
        window.append(pickle.dumps(job, 5))
        room -= len(window[-1])
        if room <= 0 or len(window) == JOBS_A_CPU * cpus:
            break
    return window


def _dataset(ray: Any, tasks: list[list[bytes]], work: Callable[[Any], Any]) -> Any:
    import pyarrow as pa

    blocks = [pa.table({"job": pa.array(jobs, pa.large_binary())}) for jobs in tasks]
    with data_context(ray) as context:
        context.execution_options.preserve_order = True
        return ray.data.from_arrow(blocks).map_batches(
            work, batch_size=None, batch_format="pyarrow", max_retries=RETRIES)


# What follows runs in a Ray worker process.

_functions: dict[str, Callable[[Any], Any]] = {}


def _work(name: str, make: Callable[[], Callable[[Any], Any]], table: Any) -> Any:
    import pyarrow as pa

    rows: list[list[Any]] = []
    try:
        if name not in _functions:
            _functions.clear()  # of an earlier run on the same cluster
            _functions[name] = make()
        for job in table["job"]:
            rows += [_row((_functions[name](pickle.loads(job.as_buffer())), None))]
    except IepileError as e:  # a value, that comes home after the results before it
        rows.append(_row((None, e)))
    return pa.table({"data": pa.array(rows, pa.list_(pa.large_binary()))})


def _row(result: tuple[Any, IepileError | None]) -> list[Any]:
    blobs: list[pickle.PickleBuffer] = []
    return [pickle.dumps(result, 5, buffer_callback=blobs.append), *(blob.raw() for blob in blobs)]
