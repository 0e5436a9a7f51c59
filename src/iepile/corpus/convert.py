"""Documents to instruction rows: the polling conversion of IEPile, train and test (formats.md 2).

    iepile convert --src_path sample.json --schema_path schema.json --task NER --split train \\
        --tgt_path train.json
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from iepile.corpus.converter import Converter
from iepile.errors import IepileError, InputError
from iepile.jsonl import atomic_writer, check_target, decode_row, dumps, read_lines
from iepile.schema import Schema
from iepile.tasks.task import Task, get_task
from iepile.unified import document_from_row

LINES_A_JOB = 256
"""Records a worker gets at a time."""


@dataclass(kw_only=True)
class ConvertConfig:
    """Turn annotated documents into instruction rows for training or prediction."""

    src_path: str
    """Documents in the unified format (JSON lines, or one JSON array; .gz and .zst too)."""
    tgt_path: str
    """File to write, JSON lines; appears only when complete."""
    schema_path: str
    """Labels: three-line `schema.json`, or YAML/JSON with entities, relations, events."""
    task: str = "NER"
    """What is asked: NER, RE or EE; several with commas, from one schema that has them all."""
    language: str = "zh"
    """Language of the prompt: zh or en."""
    split: Literal["train", "test"] = "train"
    """train: rows with answers and chosen negatives; test: rows that ask the whole schema."""
    split_num: int = 4
    """Labels a prompt; -1 asks all at once. Advised: 6 for NER, 4 for the others."""
    neg_schema: float = 1.0
    """Share of negative labels to ask in training, 0 to 1; 1 asks all of them."""
    random_sort: bool = False
    """Shuffle the labels of a question instead of sorting them (train)."""
    cluster_mode: bool = False
    """Choose negatives by the hard-negative dictionary (train; needs hard_negative_path)."""
    hard_negative_path: str | None = None
    """Dictionary label -> easily confused labels, or IEPile's three-level hard_dict.json."""
    hard_negative_dataset: str | None = None
    """Data set to take from a three-level dictionary."""
    strict: bool = False
    """Never exceed split_num, and split the roles of one big event type too."""
    positions: bool = False
    """Write offsets as well: `facts` in train rows, positions inside `label` in test rows."""
    re_keys: Literal["subject_object", "head_tail"] = "subject_object"
    """Names of the two ends in RE answers."""
    source: str | None = None
    """Value of `source` in the rows; default: the document's own, else the folder of src_path."""
    seed: int = 42
    """Fixes every draw, record by record."""
    workers: int = 1
    """Processes; the output is the same for any number. Worth it only where labels are drawn (neg_schema
    below 1, random_sort, cluster_mode): without, writing is what takes the time."""


class ConvertSummary(msgspec.Struct):
    """What a conversion did."""

    records: int = 0
    rows: int = 0
    skipped: dict[str, int] = {}
    """Reason -> records that yielded no row."""
    hard_labels_dropped: int = 0
    """Labels of the hard-negative dictionary that the schema lacks."""
    target: str = ""


def convert(config: ConvertConfig) -> ConvertSummary:
    """Convert a file; see `ConvertConfig`.

    Raises:
        InputError: bad input, named by file, line and field; nothing is written then.
    """
    check_target(config.tgt_path)
    plan = _plan(config)
    dropped = sum(c.hard_labels_dropped for c in plan)
    total = ConvertSummary(target=config.tgt_path, hard_labels_dropped=dropped)
    ids = _Ids()
    with atomic_writer(config.tgt_path) as out:
        for job in _run(plan, config):
            total.records += job.records
            for reason, n in job.skipped.items():
                total.skipped[reason] = total.skipped.get(reason, 0) + n
            total.rows += job.rows
            # Two records with one text (or id) stay two records: scoring must not merge them.
            out.write(b"".join(ids.unique(key, rows) for key, rows in zip(job.keys, job.blobs, strict=True))
                      if job.keys else b"".join(job.blobs))
    return total


class _Ids:
    """Tells test records of equal text or id apart: the second `x` becomes `x-2`."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.last: dict[str, int] = {}

    def unique(self, key: str, rows: bytes) -> bytes:
        name = key
        while name in self.used:
            self.last[key] = self.last.get(key, 1) + 1
            name = f"{key}-{self.last[key]}"
        self.used.add(name)
        return rows if name == key else rows.replace(_id(key), _id(name))


def _id(key: str) -> bytes:
    return f'{{"id": {dumps(key)}, "task"'.encode()


class _Job(msgspec.Struct):
    """The rows of some records: for training one blob, for a test one a record, with the records' keys."""

    blobs: list[bytes]
    keys: list[str]
    records: int
    rows: int
    skipped: dict[str, int]


def _plan(config: ConvertConfig) -> list[Converter]:
    if config.split not in ("train", "test"):
        raise InputError(f"split is {config.split!r}", field="split", expected="train or test")
    if config.workers < 1:
        raise InputError(f"workers is {config.workers}", field="workers", expected="1 or more")
    tasks = [get_task(name.strip()) for name in config.task.split(",")]
    if config.re_keys == "head_tail":
        from iepile.tasks.re import RelationExtraction

        if all(t.name != "RE" for t in tasks):
            raise InputError("re_keys is for task RE", field="re_keys", fix="drop the flag")
        tasks = [RelationExtraction(("head", "tail")) if t.name == "RE" else t for t in tasks]
    return [Converter(t, Schema.read(config.schema_path, t.name), config) for t in tasks]


def _run(plan: list[Converter], config: ConvertConfig) -> Iterator[_Job]:
    lines = read_lines(config.src_path)
    jobs = iter(lambda: list(islice(lines, LINES_A_JOB)), [])
    if config.workers == 1:
        yield from map(partial(_convert_lines, plan), jobs)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    with ProcessPoolExecutor(config.workers, get_context("spawn"), _start, (config,)) as pool:
        waiting = deque(pool.submit(_work, job) for job in islice(jobs, 2 * config.workers))
        try:
            while waiting:
                done = waiting.popleft().result()
                waiting.extend(pool.submit(_work, job) for job in islice(jobs, 1))
                yield done
        except BrokenProcessPool:
            raise IepileError("a worker process died, perhaps for want of memory; nothing was written\n"
                              "  do:       use fewer --workers") from None
        finally:
            for job in waiting:
                job.cancel()


_worker: list[Converter] | None = None


def _start(config: ConvertConfig) -> None:
    global _worker
    _worker = _plan(config)


def _work(lines: list[tuple[int, bytes]]) -> _Job:
    assert _worker is not None
    return _convert_lines(_worker, lines)


def _convert_lines(plan: list[Converter], lines: list[tuple[int, bytes]]) -> _Job:
    config = plan[0].config
    path, train = config.src_path, config.split == "train"
    folder = Path(os.path.abspath(path)).parent.name  # noqa: PTH100 (resolve() would follow links)
    job = _Job([], [], len(lines), 0, {})
    for n, line in lines:
        doc = document_from_row(decode_row(line, path, n), path, n)
        if config.source is not None or doc.source is None:
            doc = msgspec.structs.replace(doc, source=config.source if config.source is not None else folder)
        found = 0
        blobs = []
        for converter in plan:
            if train and converter.task.annotation not in doc.annotated:
                raise _unannotated(converter.task, path, n)
            try:
                blob, rows = converter.blob(doc)
            except InputError as e:
                raise e.at(path, n) from None
            blobs.append(blob)
            found += rows
        if not found:
            job.skipped["no labels to ask"] = job.skipped.get("no labels to ask", 0) + 1
        job.rows += found
        job.blobs.append(blobs[0] if len(blobs) == 1 else b"".join(blobs))
        if not train:
            job.keys.append(doc.key)
    if train:
        job.blobs = [b"".join(job.blobs)]  # one piece is cheaper to send home from a worker
    return job


def _unannotated(task: Task, path: str, line: int) -> InputError:
    return InputError(
        f"the record has no {task.name} annotation",
        file=path,
        line=line,
        field=task.annotation,
        expected=f'a list under "{task.annotation}"',
        fix="check --task; for texts without annotation use --split test",
    )
