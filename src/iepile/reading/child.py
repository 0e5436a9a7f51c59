"""The process that reads one file for `read_bounded`: bounds itself first, then reads standard input and answers."""

from __future__ import annotations

import contextlib
import os
import sys

import msgspec

from iepile.errors import InputError, MissingDependency
from iepile.reading.bounded import Answer, Order
from iepile.reading.limits import ReadLimits


def main() -> None:
    """Read what standard input holds as the command line says; the answer goes to standard output."""
    order = msgspec.json.decode(sys.argv[1], type=Order)
    _bound(order.limits)
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not stand in the answer
    answer = _answer(order)
    try:
        data = msgspec.json.encode(answer)
    except MemoryError:
        data = msgspec.json.encode(_too_large(order))
    with os.fdopen(out, "wb") as stream:
        stream.write(data)


def _answer(order: Order) -> Answer:
    try:
        from iepile.reading.reader import read_document

        data = sys.stdin.buffer.read(order.limits.bytes_in + 1)
        return Answer(read_document(data, order.name, order.limits, order.options))
    except InputError as e:
        return Answer(error={k: getattr(e, k) for k in ("problem", "file", "line", "field", "expected", "fix")})
    except MissingDependency as e:
        return Answer(missing=[e.library, e.extra, e.needed_for])
    except MemoryError:
        return _too_large(order)


def _too_large(order: Order) -> Answer:
    return Answer(error={"problem": f"takes more than {order.limits.memory >> 20:,} MiB of memory to read",
                         "file": order.name, "field": "memory", "fix": "split the file, or allow more"})


def _bound(limits: ReadLimits) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    bounds = {"RLIMIT_AS": limits.memory, "RLIMIT_CPU": int(limits.seconds) + 5, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    for name, most in bounds.items():
        _, hard = resource.getrlimit(getattr(resource, name))
        within = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # a system that has no such limit
            resource.setrlimit(getattr(resource, name), (within, within))
