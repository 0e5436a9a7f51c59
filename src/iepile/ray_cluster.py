"""A connection to a Ray cluster: one of our own for the time of a job, or one that is there."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from iepile.errors import InputError, MissingDependency

RETRIES = 5
"""Times that a task is run again after its process or node died."""
CONNECT_SECONDS = 10.0
OBJECT_STORE = 128 << 20
"""Shared memory, for each CPU, of a cluster of our own: for jobs and the results on their way home."""


@contextmanager
def connected(address: str, workers: int) -> Iterator[Any]:
    """A connection to a cluster, for one ordered map or, held open, for many; the caller's own if there is one.

    Raises:
        InputError: no cluster at `address`.
        MissingDependency: Ray Data is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else a warning of a future default
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingDependency("ray", "ray", "working on a Ray cluster") from None
    log = logging.getLogger("ray.data")
    level, ours = log.level, not ray.is_initialized()
    try:
        if ours:  # else the caller's own connection is used and left alone
            _connect(ray, address, workers)
        log.setLevel(logging.CRITICAL)  # its errors are raised too
        yield ray
    finally:
        log.setLevel(level)
        if ours:
            ray.shutdown()


def _connect(ray: Any, address: str, workers: int) -> None:
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address == "local":
            cpus = workers if workers > 1 else os.cpu_count() or 1
            ray.init("local", num_cpus=cpus, include_dashboard=False, object_store_memory=OBJECT_STORE * cpus, **quiet)
        else:
            _listening(address)
            ray.init(address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as e:
        raise InputError(f"no Ray cluster at {address!r}: {e}", field="cluster", expected="local, auto or HOST:PORT",
                         fix="start one with `ray start --head`, or say local") from None


def _listening(address: str) -> None:
    """Ray itself tries for minutes.

    Raises:
        ConnectionError: an address HOST:PORT at which nothing listens.
    """
    host, colon, port = address.rpartition(":")
    if not colon or "/" in host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as e:
        raise ConnectionError(f"nothing answers there ({e})") from None


@contextmanager
def data_context(ray: Any) -> Iterator[Any]:
    """A context of Ray Data for one job: quiet, and what a job raises comes through as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of max_retries, which has no other place, and Ray's own
        context = ray.data.DataContext.get_current().copy()
        context.raise_original_map_exception = True
        context.enable_progress_bars = False
        with ray.data.DataContext.current(context):
            yield context
