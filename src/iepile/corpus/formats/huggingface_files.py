"""The files of a Hugging Face data set on disk: which there are, their rows and the names of their labels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iepile.corpus.formats.reading import ReadOptions
from iepile.errors import InputError, MissingDependency
from iepile.jsonl import read_bytes

ENDINGS = (".arrow", ".parquet", ".jsonl")
_SPLIT = re.compile(r"(?:^|[/\\._-])(train|validation|valid|dev|test)(?=[/\\._-]|$)")
_INFO = ("dataset_info.json", "dataset_infos.json")


@dataclass(frozen=True)
class DataFile:
    """One file of a data set."""

    path: Path
    split: str | None
    """`train`, `dev` or `test`, where its path says so."""


def data_files(path: Path, options: ReadOptions) -> Iterator[DataFile]:
    """The files to read, of the split asked for where the paths name splits.

    Raises:
        InputError: there are none.
    """
    found = []
    for file in options.files(path, *ENDINGS):
        if not file.name.startswith(("cache-", "indices")):
            named = _SPLIT.findall(str(file.relative_to(path)) if file != path else file.name)
            split = {"validation": "dev", "valid": "dev"}.get(named[-1], named[-1]) if named else None
            found.append(DataFile(file, split))
    splits = list(dict.fromkeys(f.split for f in found if f.split))
    if options.split is not None and splits and options.split not in splits:
        raise InputError(f"no split {options.split!r}", file=path, field="split", expected=", ".join(splits))
    yield from (f for f in found if options.split is None or not splits or f.split == options.split)


def rows(file: Path, options: ReadOptions) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(row, features of the file) of each row; the row's number is kept as its line.

    Raises:
        InputError: the file cannot be read.
        MissingDependency: it is Arrow or Parquet, and pyarrow is not installed.
    """
    if file.suffix not in (".arrow", ".parquet"):
        beside = _features_beside(file)
        yield from ((row, beside) for row in options.rows(file, dict[str, Any]))
        return
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingDependency("pyarrow", "formats", "reading Arrow and Parquet files") from None
    try:
        with file.open("rb") as f:
            magic = f.read(4)
            f.seek(0)
            if magic == b"PAR1":
                table = pq.ParquetFile(f)
                schema, batches = table.schema_arrow, table.iter_batches()
            elif magic == b"ARRO":
                table = pa.ipc.open_file(f)
                schema, batches = table.schema, (table.get_batch(n) for n in range(table.num_record_batches))
            else:
                batches = pa.ipc.open_stream(f)
                schema = batches.schema
            known = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
            features = known.get("info", {}).get("features") or _features_beside(file)
            number = 0
            for batch in batches:
                batch.validate(full=True)  # offsets of a damaged file may point anywhere
                for row in batch.to_pylist():
                    number += 1
                    options.place = (file, number)
                    yield row, features
    except FileNotFoundError:
        raise InputError("no such file", file=file, fix="check the path") from None
    except (OSError, ValueError, AttributeError, MemoryError, pa.ArrowException) as e:
        raise InputError(f"cannot be read: {e}", file=file, expected="an Arrow or Parquet file",
                         fix="fetch or write the file again") from e


def _features_beside(file: Path) -> dict[str, Any]:
    """Features that a `dataset_info.json` in the file's folder, or the one above, tells."""
    for info in (folder / name for folder in file.parents[:2] for name in _INFO):
        if info.is_file():
            try:
                told = json.loads(read_bytes(info))
            except ValueError as e:
                raise InputError(f"not JSON: {e}", file=info, fix="write it again, or remove it") from None
            # dataset_infos.json holds one such object a configuration.
            objects = [told, *(told.values() if isinstance(told, dict) else ())]
            for one in objects:
                if isinstance(one, dict) and isinstance(one.get("features"), dict):
                    return dict(one["features"])
    return {}


def label_names(feature: Any) -> list[str] | None:
    """The names of the ClassLabel that a feature is, or is a list of."""
    while not isinstance(feature, dict) or "names" not in feature:
        if isinstance(feature, dict) and "feature" in feature:
            feature = feature["feature"]
        elif isinstance(feature, list) and feature:
            feature = feature[0]
        else:
            return None
    names = feature["names"]
    return [str(n) for n in names] if isinstance(names, list) else None
