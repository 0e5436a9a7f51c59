"""Questions to a graph in SQL or SPARQL, asked in a process of their own that is held to limits.

A query may run for ever or take all memory: neither SQLite nor the store of triples can be trusted to stop in time from
within. The child bounds its memory and its time before it opens the graph, and is killed when its time is over.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import IepileError, InputError
from iepile.service.refusals import NotHere, TooLong

LANGUAGES = ("sql", "sparql")
SECONDS = 20.0
"""Seconds that a query may take, start included."""
MEMORY = 1 << 30
"""Bytes of memory that its process may take."""
ROWS = 10_000
"""Most rows of an answer."""
BYTES = 32 << 20
"""Most bytes of an answer."""


class Question(msgspec.Struct):
    """What a child is asked, on its standard input."""

    graph: str
    query: str
    language: str
    values: dict[str, str]
    limit: int


class Answer(msgspec.Struct, omit_defaults=True):
    """What it says."""

    columns: list[str] = []
    rows: list[list[Any]] = []
    more: bool = False
    """There are more rows."""
    error: dict[str, Any] = {}
    missing: str = ""


def ask(graph: Path, query: str, language: str, values: dict[str, str], limit: int) -> Answer:
    """Ask the graph in a file.

    Raises:
        InputError: no such language, a query that is none or would change something, or a value without a name.
        TooLong: it took too long, or too much memory.
        NotHere: the library for the language is not installed.
    """
    if language not in LANGUAGES:
        raise InputError(f"no language {language[:40]!r}", field="language", expected=", ".join(LANGUAGES))
    question = msgspec.json.encode(Question(str(graph), query, language, values, limit))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", "from iepile.service.graph_query import child; child()"]
    try:
        done = subprocess.run(command, input=question, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                              timeout=SECONDS, env=environment)
        answer = msgspec.json.decode(done.stdout, type=Answer)
    except (subprocess.TimeoutExpired, msgspec.DecodeError):
        raise TooLong(f"takes more than {SECONDS:g} seconds, or {MEMORY >> 20:,} MiB of memory", field="query",
                      fix="ask for less") from None
    except OSError as e:
        raise IepileError(f"no process could be started for the query: {e.strerror}") from None
    if answer.missing:
        raise NotHere(f"queries in {language} need {answer.missing}, which is not installed", field="language")
    if answer.error:
        raise InputError(answer.error["problem"], field=answer.error.get("field"),
                         expected=answer.error.get("expected"), fix=answer.error.get("fix"))
    return answer


def child() -> None:
    """The process: a question comes in, an answer goes out."""
    _bound()
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    sys.stdout.buffer.write(msgspec.json.encode(answered(question)))


def answered(question: Question) -> Answer:
    """The answer, or what is wrong with the question."""
    from iepile.errors import MissingDependency
    from iepile.graph.querying import QueryConfig, asked

    if question.query.startswith("@"):  # which names a file on the command line
        return Answer(error={"problem": "is no query", "field": "query"})
    pairs = [f"{name}={value}" for name, value in question.values.items()]
    config = QueryConfig(question.graph, question.query, question.language, pairs)
    try:
        with asked(config) as found:
            rows: list[list[Any]] = []
            size, more = 0, False
            for row in found.rows:
                if more := len(rows) >= question.limit or size > BYTES:
                    break
                rows.append([_plain(value) for value in row])
                size += sum(len(str(value)) for value in rows[-1])
            return Answer(list(found.columns), rows, more)
    except MissingDependency as e:
        return Answer(missing=e.library)
    except InputError as e:
        # Where the graph lies is nobody's business.
        told = {name: text.replace(question.graph, "the graph") for name in ("problem", "field", "expected", "fix")
                if (text := getattr(e, name))}
        return Answer(error=told)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _bound() -> None:
    """Bound memory, time and the files it writes, where the system can."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for name, most in (("RLIMIT_AS", MEMORY), ("RLIMIT_CPU", int(SECONDS) + 1), ("RLIMIT_FSIZE", MEMORY),
                       ("RLIMIT_CORE", 0)):
        _, hard = resource.getrlimit(getattr(resource, name))
        within = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(OSError, ValueError):  # a system that has no such limit
            resource.setrlimit(getattr(resource, name), (within, within))
