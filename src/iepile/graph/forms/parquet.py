"""A table of edges in Apache Parquet: for pandas, polars, DuckDB, Spark. Written and read by groups of rows.

Text is a string, offsets are int64, `confidence` is a double, `ungrounded` a bool; what is None is null.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from iepile.errors import InputError, MissingDependency
from iepile.graph.edge import Edge
from iepile.graph.forms.delimited import check_columns
from iepile.graph.forms.form import Form
from iepile.graph.forms.identified import COLUMNS, FIELDS, edge_rows
from iepile.graph.forms.jsonl import edge_of
from iepile.graph.forms.text_values import KINDS, REQUIRED
from iepile.graph.store import Store
from iepile.jsonl import atomic_writer, open_bytes

GROUP = 65_536
"""Rows of one group: what is held in memory."""
BATCH = 8_192
"""Rows read at a time."""
_TYPES = {str: "string", int: "int64", float: "float64", bool: "bool_"}


def write_parquet(path: Path, columns: dict[str, type[Any]], rows: Iterable[Sequence[Any]], required: frozenset[str]
                  ) -> int:
    """Write rows under the names of their columns, each with its Python type. Returns how many rows.

    Raises:
        InputError: a target that would be packed again.
        MissingDependency: pyarrow is not installed.
    """
    _check(path)
    pa, pq = _arrow()
    schema = pa.schema([pa.field(name, getattr(pa, _TYPES[kind])(), nullable=name not in required)
                        for name, kind in columns.items()])
    count, stream = 0, iter(rows)
    with atomic_writer(path) as f, pq.ParquetWriter(f, schema, compression="zstd") as out:
        while group := list(islice(stream, GROUP)):
            out.write_table(pa.table([pa.array(values, field.type) for values, field in
                                      zip(zip(*group, strict=True), schema, strict=True)], schema=schema))
            count += len(group)
            del group  # before the next is made
    return count


def _write(store: Store, path: Path) -> int:
    flag = FIELDS.index("ungrounded")
    rows = ((*row[:flag], bool(row[flag]), *row[flag + 1:]) for row in edge_rows(store))
    columns = {name: KINDS.get(name, str) for name in COLUMNS}
    return write_parquet(path, columns, rows, REQUIRED | {"ungrounded", "head_id"})


def _read(path: Path) -> Iterator[Edge]:
    _check(path)
    pa, pq = _arrow()
    row = 0
    with open_bytes(path) as f:
        try:
            table = pq.ParquetFile(f)
            check_columns(table.schema_arrow.names, path)
            names = [name for name in table.schema_arrow.names if name in FIELDS]
            for batch in table.iter_batches(BATCH, columns=names):
                values = [_column(batch.column(name), name, pa, path) for name in names]
                for told in zip(*values, strict=True):
                    row += 1
                    yield edge_of({k: v for k, v in zip(names, told, strict=True) if v is not None}, path, row)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as e:
            raise InputError(f"cannot be read as Parquet: {e}", file=path, expected="a table that `iepile kg` wrote"
                             ) from None


def _column(column: Any, name: str, pa: Any, path: Path) -> list[Any]:
    """The values of a column, of whatever type that holds them exactly."""
    try:
        found: list[Any] = column.cast(getattr(pa, _TYPES[KINDS[name]])()).to_pylist()
    except pa.ArrowException as e:
        raise InputError(f"values of another type: {e}", file=path, field=name, expected=KINDS[name].__name__) from None
    return found


def _check(path: Path) -> None:
    if path.suffix in (".gz", ".zst"):
        raise InputError("Parquet packs its content itself", file=path, fix=f"use {path.with_suffix('').name}")


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingDependency("pyarrow", "graph", "Parquet") from None
    return pyarrow, pyarrow.parquet


FORM = Form("parquet", "one edge a row, for pandas, polars, DuckDB, Spark", (".parquet",), _write, _read)
