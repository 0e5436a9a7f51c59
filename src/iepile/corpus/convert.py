"""Documents to instruction rows: the polling conversion of IEPile, train and test (formats.md 2).

    iepile convert --src_path sample.json --schema_path schema.json --task NER --split train \\
        --tgt_path train.json

Rows that differ only in the text share everything else, so each batch of labels is rendered and escaped
once; that, and not more processes, is what makes this several times faster than the reference.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from json.encoder import encode_basestring  # the C version where there is one
from pathlib import Path
from typing import Literal

import msgspec

from iepile.errors import IepileError, InputError
from iepile.instructions.polling import Polling, PollingOptions, read_hard_negatives
from iepile.instructions.wording import prompt
from iepile.jsonl import atomic_writer, check_target, decode_row, dumps, read_lines
from iepile.records import Document, Facts
from iepile.schema import Schema
from iepile.tasks.task import Item, Task, get_task
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


class _Poll(msgspec.Struct, frozen=True):
    """What all rows that ask one batch of labels share."""

    items: tuple[Item, ...]
    question: bytes
    """The escaped instruction up to the text."""
    nothing: bytes
    """The row after the text, where the answer is empty."""


class Converter:
    """Documents to rows of one task; built once, used for many documents. See `ConvertConfig`."""

    def __init__(self, task: Task, schema: Schema, config: ConvertConfig) -> None:
        """
        Raises:
            InputError: nothing to ask, an impossible option, a bad hard-negative file.
        """
        self.task, self.config = task, config
        items = task.items(schema)
        if not items:
            raise InputError(
                f"the schema has nothing that {task.name} can ask",
                file=config.schema_path,
                expected=f"labels for task {task.name}",
                fix="check --task and --schema_path",
            )
        self.known = {i.name: frozenset(i.roles) for i in items}
        self.hard_labels_dropped = 0
        self.polling = Polling(
            items,
            PollingOptions(
                config.split_num,
                config.neg_schema,
                config.random_sort,
                config.strict,
                self._hard(),
                config.seed,
            ),
        )
        self.prompt = prompt(task.name, config.language)
        self._polls: dict[tuple[Item, ...], _Poll] = {}
        batches = self.polling.every() if config.split == "test" else self.polling.fixed
        self._fixed = None if batches is None else [self._poll(b) for b in batches]
        self._asking: dict[str, list[int]] = {}
        for n, poll in enumerate(self._fixed or ()):
            for item in poll.items:
                self._asking.setdefault(item.name, []).append(n)
        self._heads: dict[str, bytes] = {}
        self._pieces: dict[bytes, list[bytes]] = {}

    def _hard(self) -> dict[str, tuple[str, ...]] | None:
        c = self.config
        if not c.cluster_mode:
            return None
        if c.split == "test":
            raise InputError("hard negatives are for training rows", field="cluster_mode", fix="drop the flag")
        if c.hard_negative_path is None:
            raise InputError("cluster_mode needs a dictionary", field="hard_negative_path",
                             fix="give --hard_negative_path FILE")
        hard, self.hard_labels_dropped = read_hard_negatives(
            c.hard_negative_path, c.hard_negative_dataset, self.task.name, self.known.__contains__
        )
        return hard

    def rows(self, doc: Document) -> list[str]:
        """JSON lines (each with its newline) for one document; empty if there is nothing to ask.

        Raises:
            InputError: a label or role that the schema lacks.
        """
        return [line + "\n" for line in self.blob(doc)[0].decode().split("\n")[:-1]]

    def blob(self, doc: Document) -> tuple[bytes, int]:
        """`rows` as one piece of UTF-8, and how many they are."""
        positives = self.task.positives(doc.facts)
        for name, roles in positives.items():
            if name not in self.known or not self.known[name].issuperset(roles):
                self._unknown(name, roles)
        text = encode_basestring(encode_basestring(doc.text)[1:-1])[1:-1].encode()
        head = self._head(doc.source or "")
        if self.config.split == "test":
            assert self._fixed is not None
            first = f'{{"id": {dumps(doc.key)}, '.encode() + head
            last = text + b'\\"}"' + self._label(doc) + b"}\n"
            return first + (last + first).join([p.question for p in self._fixed]) + last, len(self._fixed)
        head = b"{" + head
        if self._fixed is None:
            polls = [self._poll(b) for b in self.polling.training(positives, doc.key)]
            pieces = _around_text(head, polls)
            hits = [n for n, p in enumerate(polls) if any(i.name in positives for i in p.items)]
        else:
            # What stands between two copies of the text is the same for every record where nothing is found.
            polls = self._fixed
            pieces = self._pieces.get(head) or self._pieces.setdefault(head, _around_text(head, polls))
            pieces = pieces.copy()
            hits = sorted({n for name in positives for n in self._asking[name]})
        for n in hits:
            rest = head + polls[n + 1].question if n + 1 < len(polls) else b""
            pieces[n + 1] = self._end(polls[n].items, doc.facts, doc.text) + rest
        return text.join(pieces), len(polls)

    def _head(self, source: str) -> bytes:
        head = self._heads.get(source)
        if head is None:
            head = f'"task": {dumps(self.task.name)}, "source": {dumps(source)}, "instruction": "'.encode()
            self._heads[source] = head
        return head

    def _end(self, items: tuple[Item, ...], facts: Facts, text: str) -> bytes:
        """A training row after the text."""
        end = f'\\"}}", "output": {encode_basestring(self.task.answer_text(facts, items, text))}'
        if self.config.positions:
            end += f', "facts": {dumps(msgspec.to_builtins(self.task.about(facts, items)))}'
        return end.encode() + b"}\n"

    def _poll(self, batch: tuple[Item, ...]) -> _Poll:
        found = self._polls.get(batch)
        if found is None:
            if len(self._polls) > 4096:  # sampled negatives make ever new batches
                self._polls.clear()
            schema = dumps([self.task.question(i) for i in batch])
            question = f'{{"instruction": {dumps(self.prompt)}, "schema": {schema}, "input": "'
            found = _Poll(batch, encode_basestring(question)[1:-1].encode(), self._end(batch, Facts(), ""))
            self._polls[batch] = found
        return found

    def _label(self, doc: Document) -> bytes:
        if self.task.annotation not in doc.annotated:
            return b""
        rows = dumps(self.task.label_rows(doc.facts, self.config.positions))
        return b', "label": ' + encode_basestring(rows).encode()

    def _unknown(self, name: str, roles: tuple[str, ...]) -> None:
        if name not in self.known:
            raise InputError(
                f"the schema has no {self.task.name} label {name!r}",
                field=self.task.annotation,
                expected=f"one of: {', '.join(list(self.known)[:12])}",
                fix="add it to the schema, or correct the record",
            )
        bad = next(r for r in roles if r not in self.known[name])
        raise InputError(
            f"the schema gives {name!r} no role {bad!r}",
            field="event.arguments.role",
            expected=f"one of: {', '.join(sorted(self.known[name]))}",
            fix="add it to the schema, or correct the record",
        )


def _around_text(head: bytes, polls: list[_Poll]) -> list[bytes]:
    """What joins copies of the text into the rows of a record in which nothing is found."""
    pieces, end = [], b""
    for poll in polls:
        pieces.append(end + head + poll.question)
        end = poll.nothing
    return [*pieces, end] if polls else [b""]


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
