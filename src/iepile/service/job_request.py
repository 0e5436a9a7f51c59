"""A request for a job, read: what is asked, and the documents or files it brings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import BROKEN_JSON, write_rows
from iepile.service.job import Asked, FileCounts, Job, JobFile
from iepile.service.job_answering import check_asked
from iepile.service.job_folder import JobFolder
from iepile.service.refusals import TooLarge
from iepile.tasks.task import get_task
from iepile.unified import document_from_row, document_to_row

ASKING = ("schema", "tasks", "model", "settings")
DOCUMENTS = 100_000
"""Most documents that one request may bring as they are."""
TASKS = 16


def asked_of(given: Mapping[str, Any], service: Any) -> Asked:
    """What a request asks, checked against what the service holds.

    Args:
        given: `schema`, `tasks`, `model`, `settings` as parsed JSON.
        service: its schemas and models.

    Raises:
        InputError: no schema, or something that means nothing.
    """
    if given.get("schema") is None:
        raise InputError("not given", field="schema", expected="a name, a short list of labels, or an object")
    tasks, settings, model = (default if given.get(name) is None else given[name]
                              for name, default in (("tasks", []), ("settings", {}), ("model", "")))
    if isinstance(tasks, str):
        tasks = [task.strip() for task in tasks.split(",") if task.strip()]
    if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks) or len(tasks) > TASKS:
        raise InputError("is no list of tasks", field="tasks", expected='["NER", "RE"]')
    if not isinstance(settings, dict):
        raise InputError("is no object", field="settings", expected='{"language": "en"}')
    if not isinstance(model, str):
        raise InputError("is no name", field="model")
    service.models[model]
    tasks = list(dict.fromkeys(get_task(task).name for task in tasks))
    schema = service.schemas.of(given["schema"], tasks[0] if len(tasks) == 1 else None)
    asked = Asked(schema.to_dict(), tasks, model or next(iter(service.models)), settings)
    check_asked(asked)
    return asked


def fields_of(form: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form, as JSON would have them: a schema or tasks may also stand there as plain words.

    Raises:
        InputError: a field we do not know, or broken JSON.
    """
    for name in form:
        if name not in ASKING:
            raise InputError("is no field of ours", field=name[:100], expected="files, " + ", ".join(ASKING))
    return {name: _json(name, text) if name == "settings" or text.lstrip()[:1] in ("{", "[", '"') else text.strip()
            for name, text in form.items() if text.strip()}


def _json(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except BROKEN_JSON as e:
        raise InputError(f"is no JSON: {e}", field=name) from None


def body_of(data: bytes) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        InputError: it is none, or has a key we do not know.
    """
    try:
        given = msgspec.json.decode(data)
    except BROKEN_JSON as e:
        raise InputError(f"is no JSON: {e}", field="body", expected='{"texts": ["..."], "schema": "person, place"}'
                         ) from None
    if not isinstance(given, dict):
        raise InputError("is no object", field="body", expected='{"texts": ["..."], "schema": "person, place"}')
    for name in given:
        if name not in (*ASKING, "texts", "documents"):
            raise InputError("is no key of ours", field=name[:100], expected="documents, texts, " + ", ".join(ASKING))
    return given


def rows_of(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The documents of a JSON body; those without an id are numbered.

    Raises:
        InputError: neither or both of texts and documents, too many, or one that is none.
    """
    texts, documents = given.get("texts"), given.get("documents")
    if (texts is None) == (documents is None):
        raise InputError("give one of them", field="texts, documents", expected="a list")
    name = "texts" if documents is None else "documents"
    found = texts if documents is None else documents
    if not isinstance(found, list) or not found:
        raise InputError("is no list of them", field=name, expected="a list that is not empty")
    if len(found) > DOCUMENTS:
        raise TooLarge(f"are more than {DOCUMENTS:,}", field=name, fix="hand them in as several jobs")
    return list(_rows(name, found))


def _rows(name: str, found: list[Any]) -> Iterator[dict[str, Any]]:
    for n, item in enumerate(found):
        where = f"{name}[{n}]"
        if name == "texts" and not isinstance(item, str):
            raise InputError("is no text", field=where, expected="a string")
        try:
            row = document_to_row(document_from_row({"text": item} if name == "texts" else item))
        except InputError as e:
            raise InputError(e.problem, field=f"{where}.{e.field}", expected=e.expected, fix=e.fix) from None
        if not row["text"].isascii() and any("\ud800" <= ch <= "\udfff" for ch in row["text"]):
            raise InputError("holds half a character (a lone surrogate)", field=where, expected="Unicode text")
        yield {"id": f"text-{n + 1}"} | row


def job_of_files(id_: str, asked: Asked, files: list[JobFile]) -> Job:
    """A job whose files lie in its folder.

    Raises:
        InputError: no files.
    """
    if not files:
        raise InputError("not given", field="files", expected="one file or several, each in a field `files`")
    return Job(id_, asked, files, time.time(), file_counts=FileCounts(len(files), first=files[0].name))


def job_of_rows(id_: str, asked: Asked, rows: list[dict[str, Any]], folder: JobFolder) -> Job:
    """A job of documents as they are; they go into its folder."""
    write_rows(folder.input, rows)
    folder.forget_files()
    return Job(id_, asked, [], time.time(), total=len(rows), characters=sum(len(row["text"]) for row in rows))
