"""Documents to instruction rows: the polling conversion of IEPile, train and test (formats.md 2).

    iepile convert --src_path sample.json --schema_path schema.json --task NER --split train \\
        --tgt_path train.json
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from iepile.corpus.converter import Converter
from iepile.corpus.digests import DigestMap
from iepile.corpus.parallel import Blob, ordered_map
from iepile.errors import InputError
from iepile.jsonl import atomic_writer, check_targets, decode_row, dumps, read_lines
from iepile.records import Document
from iepile.schema import Schema
from iepile.tasks.task import Task, get_task
from iepile.unified import document_from_row

LINES_A_JOB = 256
"""Records a worker gets at a time."""
LINES_AT_ONCE = 32
"""Records whose rows are written at a time without workers: so few that they are still in the cache."""


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
    """What is asked: NER, RE, SPO, KG, EE, EET, EEA or TRIPLES; several with commas, from one schema with them all."""
    language: str = "zh"
    """Language of the prompt: zh, en, or one that `wording` has."""
    split: Literal["train", "dev", "test"] = "train"
    """train, dev: rows with answers and chosen negatives; test: rows that ask the whole schema."""
    split_num: int = 4
    """Labels a prompt; -1 asks all at once. Advised: 6 for NER, 1 for KG, 4 for the others."""
    neg_schema: float = 1.0
    """Share of negative labels to ask in training, 0 to 1; 1 asks all of them."""
    random_sort: bool = False
    """Shuffle the labels of a question instead of sorting them (train); where every record is asked all labels,
    in one of 256 orders that the seed draws."""
    cluster_mode: bool = False
    """Choose negatives by the hard-negative dictionary (train; needs hard_negative_path)."""
    hard_negative_path: str | None = None
    """Dictionary label -> easily confused labels, or IEPile's three-level hard_dict.json."""
    hard_negative_dataset: str | None = None
    """Data set to take from a three-level dictionary."""
    strict: bool = False
    """Never exceed split_num, and split the roles of one big event type or attributes of one entity type too."""
    negative_ratio: float | None = None
    """Rows without an answer to keep for each row with one (train), on average and at random; the authors
    advise 2 to 3. Reads the file twice. Default: all of them."""
    descriptions: bool = False
    """Write the descriptions of the schema into the questions: of labels (NER, RE, EET), roles (EE, EEA) or
    attributes (KG)."""
    wording: str | None = None
    """Prompts of your own: a TOML file with a table a language and a line a task."""
    positions: bool = False
    """Write offsets as well: `facts` in train rows, positions inside `label` in test rows."""
    re_keys: Literal["subject_object", "head_tail"] = "subject_object"
    """Names of the two ends in RE answers."""
    words: Literal["guide", "varied"] = "guide"
    """How TRIPLES asks: in the words of the guide, or in one of 20 wordings and 4 layouts, drawn record by record."""
    completion: Literal["said", "silent"] = "said"
    """What TRIPLES tells of texts that `iepile completion` took a piece out of: said, that missing triples are to be
    completed; silent, nothing, as the guide does."""
    source: str | None = None
    """Value of `source` in the rows; default: the document's own, else the folder of src_path."""
    seed: int = 42
    """Fixes every draw, record by record."""
    workers: int = 1
    """Processes; the output is the same for any number."""
    ray: str | None = None
    """Work on a Ray cluster instead: local (one of this machine), auto, or HOST:PORT; the output is the same."""


class ConvertSummary(msgspec.Struct):
    """What a conversion did."""

    records: int = 0
    rows: int = 0
    skipped: dict[str, int] = {}
    """Reason -> records that yielded no row."""
    left_out: dict[str, int] = {}
    """Reason -> rows or facts that were left out of records."""
    hard_labels_dropped: int = 0
    """Labels of the hard-negative dictionary that the schema lacks."""
    target: str = ""


def convert(config: ConvertConfig) -> ConvertSummary:
    """Convert a file; see `ConvertConfig`.

    Raises:
        InputError: bad input, named by file, line and field; nothing is written then.
    """
    check_targets([config.tgt_path],
                  (config.src_path, config.schema_path, config.hard_negative_path, config.wording))
    plan = _plan(config)
    dropped = sum(c.hard_labels_dropped for c in plan)
    total = ConvertSummary(target=config.tgt_path, hard_labels_dropped=dropped)
    ids = _Ids()
    with atomic_writer(config.tgt_path) as out:
        if config.negative_ratio is not None:
            _thin(plan, config)
        for job in _run(plan, config, _convert_lines):
            total.records += job.records
            for have, more in ((total.skipped, job.skipped), (total.left_out, job.left_out)):
                for reason, n in more.items():
                    have[reason] = have.get(reason, 0) + n
            total.rows += job.rows
            # Two records with one text (or id) stay two records: scoring must not merge them.
            out.write(ids.unique(job.keys, job.sizes, job.blob.data) if job.keys else job.blob.data)
    return total


class _Ids:
    """Tells test records of equal text or id apart: the second `x` becomes `x-2`."""

    def __init__(self) -> None:
        # A set of the ids themselves would take 200 MB for a million records.
        self.last = DigestMap()

    def unique(self, keys: list[str], sizes: list[int], rows: memoryview) -> memoryview | bytes:
        names = list(map(self._name, keys))
        if names == keys:
            return rows
        parts, at = [], 0
        for key, name, size in zip(keys, names, sizes, strict=True):
            part = bytes(rows[at : at + size])
            parts.append(part if name == key else part.replace(_id(key), _id(name)))
            at += size
        return b"".join(parts)

    def _name(self, key: str) -> str:
        digest = _digest(key)
        n = self.last.get(digest)
        if n is None:
            self.last.set(digest, 1)
            return key
        while self.last.get(own := _digest(name := f"{key}-{(n := n + 1)}")) is not None:
            pass
        self.last.set(digest, n)
        self.last.set(own, 1)
        return name


def _digest(key: str) -> int:
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _id(key: str) -> bytes:
    return f'{{"id": {dumps(key)}, "task"'.encode()


class _Job(msgspec.Struct):
    """The rows of some records; of a test also each record's key and how many of the bytes are its own."""

    blob: Blob
    keys: list[str]
    sizes: list[int]
    records: int
    rows: int
    skipped: dict[str, int]
    left_out: dict[str, int]


def _plan(config: ConvertConfig) -> list[Converter]:
    if config.split not in ("train", "dev", "test"):
        raise InputError(f"split is {config.split!r}", field="split", expected="train, dev or test")
    if config.negative_ratio is not None and not (config.negative_ratio >= 0 and config.split != "test"):
        raise InputError(f"negative_ratio is {config.negative_ratio} for split {config.split}",
                         field="negative_ratio", expected="0 or more, for training rows")
    tasks = [get_task(name.strip()) for name in config.task.split(",")]
    if config.re_keys == "head_tail":
        from iepile.tasks.re import RelationExtraction

        if all(t.name != "RE" for t in tasks):
            raise InputError("re_keys is for task RE", field="re_keys", fix="drop the flag")
        tasks = [RelationExtraction(("head", "tail")) if t.name == "RE" else t for t in tasks]
    return [_converter(t)(t, Schema.read(config.schema_path, t.name), config) for t in tasks]


def _converter(task: Task) -> type[Converter]:
    if not task.in_words:
        return Converter
    from iepile.corpus.worded import WordedConverter

    return WordedConverter


def _thin(plan: list[Converter], config: ConvertConfig) -> None:
    """Count the rows with and without an answer, and set the share of the latter that is to be kept."""
    counts = [[0, 0] for _ in plan]
    for job in _run(plan, config, _count_lines):
        for count, (full, empty) in zip(counts, job, strict=True):
            count[0] += full
            count[1] += empty
    assert config.negative_ratio is not None
    for converter, (full, empty) in zip(plan, counts, strict=True):
        converter.keep = min(1.0, config.negative_ratio * full / empty) if empty else 1.0


Lines = list[tuple[int, bytes]]
"""Some undecoded records with their line numbers."""
Out = TypeVar("Out")


def _run(plan: list[Converter], config: ConvertConfig, work: Callable[[list[Converter], Lines], Out]) -> Iterator[Out]:
    """What `work` makes of all records of the source, job by job in their order."""
    elsewhere = config.workers > 1 or config.ray is not None
    lines, size = read_lines(config.src_path), LINES_A_JOB if elsewhere else LINES_AT_ONCE
    jobs = iter(lambda: list(islice(lines, size)), [])
    if config.ray is not None:  # whose workers stand in folders of their own
        paths = {k: getattr(config, k) for k in ("src_path", "schema_path", "hard_negative_path", "wording")}
        config = replace(config, **{k: os.path.abspath(v) for k, v in paths.items() if v})  # noqa: PTH100
    make = partial(_worker, config, [c.keep for c in plan], work) if elsewhere else lambda: partial(work, plan)
    return ordered_map(make, jobs, config.workers, config.ray)


def _worker(
    config: ConvertConfig, shares: list[float], work: Callable[[list[Converter], Lines], Out]
) -> Callable[[Lines], Out]:
    plan = _plan(config)
    for converter, share in zip(plan, shares, strict=True):
        converter.keep = share
    return partial(work, plan)


def _documents(plan: list[Converter], lines: Lines) -> Iterator[tuple[int, Document]]:
    """The records as documents with a source, each checked for annotation where that is needed."""
    config = plan[0].config
    path, train = config.src_path, config.split != "test"
    folder = Path(os.path.abspath(path)).parent.name  # noqa: PTH100 (resolve() would follow links)
    for n, line in lines:
        doc = document_from_row(decode_row(line, path, n), path, n)
        if config.source is not None or doc.source is None:
            doc = msgspec.structs.replace(doc, source=config.source if config.source is not None else folder)
        if train:
            for converter in plan:
                if converter.task.annotation not in doc.annotated:
                    raise _unannotated(converter.task, path, n)
        yield n, doc


def _count_lines(plan: list[Converter], lines: Lines) -> list[tuple[int, int]]:
    """Rows with and without an answer, by converter."""
    out = [(0, 0)] * len(plan)
    for n, doc in _documents(plan, lines):
        for k, converter in enumerate(plan):
            try:
                full, empty = converter.answered(doc)
            except InputError as e:
                raise e.at(converter.config.src_path, n) from None
            out[k] = (out[k][0] + full, out[k][1] + empty)
    for converter in plan:
        converter.left_out.clear()  # told by the conversion itself
    return out


def _convert_lines(plan: list[Converter], lines: Lines) -> _Job:
    config = plan[0].config
    job = _Job(Blob(b""), [], [], len(lines), 0, {}, {})
    blobs = []
    for n, doc in _documents(plan, lines):
        found = size = 0
        for converter in plan:
            try:
                blob, rows = converter.blob(doc)
            except InputError as e:
                raise e.at(config.src_path, n) from None
            blobs.append(blob)
            found += rows
            size += len(blob)
        if not found:
            job.skipped["no labels to ask"] = job.skipped.get("no labels to ask", 0) + 1
        job.rows += found
        if config.split == "test":
            job.keys.append(doc.key)
            job.sizes.append(size)
    for converter in plan:
        for reason, times in converter.left_out.items():
            job.left_out[reason] = job.left_out.get(reason, 0) + times
        converter.left_out.clear()
    job.blob = Blob(b"".join(blobs))
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
