"""Training rows as files hold them: JSON lines, a JSON array (both also `.gz`, `.zst`) or Parquet.

>>> for row in read_training_rows("train.json,more.parquet"): ...  # doctest: +SKIP

A row is `{"task", "source", "instruction", "output"}` as `iepile convert` writes it. Rows of the older form
`{"instruction", "input", "output"}` and chats of one turn, `{"messages": [...]}`, are read as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError, MissingDependency
from iepile.jsonl import read_rows

PARQUET = ".parquet"
_FIELDS = ("task", "source", "instruction", "input", "output", "messages", "label", "id", "text")
BATCH = 512
"""Rows of a Parquet file that are held at once."""
_CONVERT = "make training rows with: iepile convert --split train"
_CHAT = '[{"role": "user", "content": text}, {"role": "assistant", "content": text}]'


class Row(msgspec.Struct, frozen=True):
    """A question with its answer, and where it stands."""

    query: str
    """What the model is asked."""
    answer: str
    task: str
    """Name of the task; empty where the row tells none."""
    source: str
    """Data set, as the row says; else the name of the file without its endings."""
    file: str
    line: int
    """Line, or number of the record in an array or Parquet file; from 1."""
    text: str = ""
    """The text, where it stands apart from the question (the older form)."""
    predicted: bool = False
    """There is a `label` beside the answer, as in a file of predictions."""

    @property
    def key(self) -> int:
        """A number of 64 bits that the content decides: draws by it do not depend on the order of rows."""
        return key_of(self.source, self.query, self.answer)


def key_of(*texts: str) -> int:
    """A number of 64 bits that the texts decide."""
    digest = blake2b(digest_size=8)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return int.from_bytes(digest.digest(), "little")


def data_files(names: str, field: str = "train_file") -> list[Path]:
    """The files that a setting names, separated by commas.

    Raises:
        InputError: a name is empty, stands twice, or there is no such file.
    """
    if Path(names).is_file():
        return [Path(names)]
    parts = [n.strip() for n in names.split(",")]
    paths = list(map(Path, parts))
    for n, path in enumerate(paths):
        if not parts[n]:
            raise InputError("there is an empty name between the commas", field=field, expected="a.json,b.json")
        if path in paths[:n]:
            raise InputError("the file is named twice", file=path, field=field,
                             fix="name it once; `mixture` sets how often a source is seen")
        if path.is_dir():
            raise InputError("is a folder", file=path, field=field, expected="a file", fix="name the files in it")
        if not path.exists():
            raise InputError("no such file", file=path, field=field, fix="check the path")
    return paths


def read_training_rows(names: str, field: str = "train_file") -> Iterator[Row]:
    """Every row of the files, in order.

    Raises:
        InputError: a file cannot be read, or a row is not one to train on; names file, line and field.
    """
    for path in data_files(names, field):
        for line, row in records(path):
            yield read_row(row, path, line)


def records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(Line, fields) of each row of a file.

    Raises:
        InputError: the file cannot be read, or is empty.
        MissingDependency: Parquet without pyarrow.
    """
    if path.suffix != PARQUET:
        yield from read_rows(path)
        return
    line = 0
    file = open_parquet(path)
    for group in range(file.num_row_groups):
        for row in parquet_rows(file, path, group):
            line += 1
            yield line, row
    if not line:
        raise InputError("the file is empty", file=path, expected="rows")


def parquet_rows(file: Any, path: Path, group: int) -> Iterator[dict[str, Any]]:
    """The rows of one row group of a `ParquetFile`.

    Raises:
        InputError: the file is damaged there.
    """
    from pyarrow import ArrowException

    # Other columns may be large; where there is none of ours, all are read, for the error to speak of.
    columns = [c for c in _FIELDS if c in file.schema_arrow.names] or None
    try:
        for batch in file.iter_batches(batch_size=BATCH, row_groups=[group], columns=columns):
            yield from batch.to_pylist()
    except (ArrowException, OSError) as e:
        raise InputError(f"damaged in row group {group}: {str(e).splitlines()[0]}", file=path,
                         fix="fetch or write the file again") from None


def open_parquet(path: Path) -> Any:
    """A `pyarrow.parquet.ParquetFile`.

    Raises:
        InputError: not a Parquet file.
        MissingDependency: pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise MissingDependency("pyarrow", "formats", "reading Parquet") from None
    try:
        return ParquetFile(path)
    except (ArrowException, OSError) as e:
        raise InputError(f"not Parquet, or damaged: {str(e).splitlines()[0]}", file=path,
                         fix="fetch or write the file again") from None


def read_row(row: Mapping[str, Any], path: str | Path, line: int) -> Row:
    """A row from its fields.

    Raises:
        InputError: instruction or answer is missing, empty or no text.
    """
    if row.get("messages") is not None and row.get("instruction") is None:
        query, answer = _chat(row["messages"], path, line)
    else:
        query, answer = _query(row, path, line), _answer(row, path, line)
    task, source, text = row.get("task"), row.get("source"), row.get("input")
    return Row(
        query, answer, task.upper() if isinstance(task, str) else "",
        source if isinstance(source, str) and source else stem(path), str(path), line,
        text if isinstance(text, str) else "", row.get("label") is not None,
    )


def stem(path: str | Path) -> str:
    """Name of a file without its endings."""
    name = Path(path).name
    return name.split(".")[0] or name


def _query(row: Mapping[str, Any], path: str | Path, line: int) -> str:
    query, more = row.get("instruction"), row.get("input")
    if query is None or (isinstance(query, str) and not query.strip()):
        raised = row.get("text") is not None
        raise InputError("this is a record, not yet a question" if raised else "the row has no instruction", file=path,
                         line=line, field="instruction", expected="text",
                         fix=_CONVERT)
    if isinstance(query, dict):
        raise InputError("the instruction is an object", file=path, line=line, field="instruction",
                         expected="its JSON text as one string", fix=_CONVERT)
    if not isinstance(query, str):
        raise InputError(f"the instruction is {type(query).__name__}, not text", file=path, line=line,
                         field="instruction", expected="text", fix=_CONVERT)
    if more is not None and not isinstance(more, str):
        raise InputError("the input is not text", file=path, line=line, field="input",
                         expected="text, or no such field")
    return f"{query}\n{more}" if more else query


def _answer(row: Mapping[str, Any], path: str | Path, line: int) -> str:
    answer = row.get("output")
    if isinstance(answer, str) and answer.strip():
        return answer
    if answer is None:
        marks = [k for k in ("label", "id") if row.get(k) is not None]
        if marks:
            raise InputError(f"this is a test row: it has {' and '.join(marks)} but no answer", file=path, line=line,
                             field="output", expected="rows with the answer as text", fix=_CONVERT)
        raise InputError("the row has no answer", file=path, line=line, field="output", expected="the answer as text",
                         fix=_CONVERT)
    if isinstance(answer, str):
        raise InputError("the answer is empty", file=path, line=line, field="output",
                         expected='an answer also where there is nothing to find, as {"person": []}', fix=_CONVERT)
    raise InputError(f"the answer is {'an object' if isinstance(answer, dict) else type(answer).__name__}, not text",
                     file=path, line=line, field="output", expected="its JSON text as one string", fix=_CONVERT)


def _chat(messages: Any, path: str | Path, line: int) -> tuple[str, str]:
    def wrong(problem: str, fix: str | None = None) -> InputError:
        return InputError(problem, file=path, line=line, field="messages", expected=_CHAT, fix=fix)

    turns = messages if isinstance(messages, list) else []
    if not turns or not all(isinstance(t, dict) and isinstance(t.get("content"), str) for t in turns):
        raise wrong("these are no messages")
    roles = [t.get("role") for t in turns]
    if "system" in roles:
        raise wrong("the row brings a system sentence", "remove it, and set system_prompt for the whole run")
    if roles != ["user", "assistant"]:
        raise wrong(f"the chat has the turns {', '.join(map(str, roles))}", "make one row of each question")
    query, answer = (t["content"] for t in turns)
    if not query.strip() or not answer.strip():
        raise wrong("the question or the answer is empty")
    return query, answer
