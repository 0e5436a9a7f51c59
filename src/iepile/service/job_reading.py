"""The files of a job become texts: each file by itself, so that one that cannot be read does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iepile.errors import InputError, MissingDependency
from iepile.jsonl import read_rows, write_rows
from iepile.reading.bounded import read_bounded
from iepile.reading.limits import ReadLimits, ReadOptions
from iepile.reading.reader import form_of, read_document
from iepile.records import Document
from iepile.service.job import Job, JobFile
from iepile.service.job_folder import JobFolder
from iepile.service.uploads import file_path, numbered
from iepile.unified import document_to_row

SMALL = 1 << 16
"""Bytes of plain text that are read without a process of their own."""
PLAIN = "plain text"
TEXT_FIELD = "text_field"
"""The setting that names the column of texts in tables."""


def read_file(job: Job, number: int, folder: JobFolder, limits: ReadLimits) -> JobFile:
    """Read one file of a job; its texts go to `folder.texts`. What is wrong with it comes back as its problem."""
    file, source, target = job.files[number], file_path(folder.files, number), file_path(folder.texts, number)
    options = ReadOptions(text_field=job.asked.settings.get(TEXT_FIELD, ""))
    try:
        documents = _documents(source, file.name, limits, options)
    except (InputError, MissingDependency) as e:
        return JobFile(file.name, file.size, 0, _told(e), True)
    write_rows(target, map(document_to_row, documents))
    return JobFile(file.name, file.size, len(documents), "", True)


def _documents(source: Path, name: str, limits: ReadLimits, options: ReadOptions) -> list[Document]:
    if source.stat().st_size <= SMALL:
        data = source.read_bytes()
        if data.strip() and form_of(data, name).name == PLAIN:
            return read_document(data, name, limits, options)
    return read_bounded(source, name, limits, options)


def _told(error: InputError | MissingDependency) -> str:
    if isinstance(error, MissingDependency):
        return f"cannot be read here: {error.library} is not installed"
    expected = error.expected and f"expected {error.expected}"
    return "; ".join(part for part in (error.problem, expected, error.fix) if part)


def gather(job: Job, folder: JobFolder) -> tuple[int, int]:
    """Put the texts of all files into `folder.input`, in the order of the files; documents and characters."""
    count = characters = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal count, characters
        taken: set[str] = set()
        for n, file in enumerate(job.files):
            if not file.documents:
                continue
            for _, row in read_rows(file_path(folder.texts, n)):
                # A row of a table and a file may be called the same.
                row["id"] = numbered(str(row.get("id") or file.name), taken)
                count += 1
                characters += len(row["text"])
                yield row

    write_rows(folder.input, rows())
    return count, characters
