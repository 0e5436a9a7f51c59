"""Jobs and their errors as the interface shows them, with examples for its documentation."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from iepile.service.job import Job, State

ID = "5b1f0c3e9a7d4e2f8c6b0a1d3e5f7a9b"
_STATE: dict[str, Any] = {
    "id": ID, "state": "running", "done": 41, "total": 120, "files": [
        {"name": "report.pdf", "size": 481_233, "documents": 1},
        {"name": "old.doc", "size": 9_216, "documents": 0,
         "problem": "is a Word file of before 2007 (.doc); save it as Word"}],
    "created": 1_795_773_600.0, "started": 1_795_773_601.2, "seconds_left": 63.5, "model": "default",
    "tasks": ["NER"], "settings": {}, "schema": {"entities": {"person": {}, "place": {}}},
}


class FileView(BaseModel):
    """A file of a job."""

    name: str = Field(description="As it was given, cleaned; the id of its document.")
    size: int = Field(description="Bytes.")
    documents: int = Field(0, description="Read from it; of a table one a row.")
    problem: str | None = Field(None, description="Why it could not be read. The other files go on.")


class JobView(BaseModel):
    """A job."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STATE]})

    id: str
    state: State
    done: int = Field(description="Documents answered.")
    total: int = Field(description="Documents; 0 until the files are read.")
    created: float = Field(description="Seconds since 1970, as all times.")
    started: float | None = None
    finished: float | None = None
    seconds_left: float | None = Field(None, description="By the pace so far; null while that cannot be told.")
    error: str | None = Field(None, description="Why it failed.")
    counts: dict[str, int] | None = Field(None, description="What was found: documents, entities, relations, events, "
                                                             "and errors: documents with a question that failed.")
    model: str
    tasks: list[str] = Field(description="Empty: as far as the schema has labels.")
    file_count: int = Field(0, description="Files handed in.")
    files_read: int = Field(0, description="Files that were looked at.")
    files_failed: int = Field(0, description="Files that could not be read.")
    name: str | None = Field(None, description="Of the first file.")


class JobState(JobView):
    """A job with its files and what was asked."""

    files: list[FileView] = Field(description="In the order they came in; empty where texts were handed in.")
    settings: dict[str, Any]
    labels: dict[str, Any] = Field(alias="schema", description="The schema, as an object.")


class JobList(BaseModel):
    """A page of jobs, the newest first."""

    jobs: list[JobView]
    total: int = Field(description="Of all pages.")


class Fault(BaseModel):
    """What is wrong, and what to do."""

    problem: str
    field: str | None = None
    expected: str | None = None
    fix: str | None = None


class ErrorBody(BaseModel):
    """How every error is told."""

    model_config = ConfigDict(json_schema_extra={"examples": [
        {"error": {"problem": "no such job", "field": "id", "expected": None, "fix": "GET /v1/documents lists them"}}]})

    error: Fault


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of a route."""
    said = {404: "No such job.", 408: "The body came in too slowly.", 409: "Not in the state that the job is in.",
            413: "More than is let in.", 422: "Something in the request means nothing here.",
            501: "The service lacks what it needs for that.", 503: "Too much is asked at once.",
            504: "It takes too long.", 507: "The disk of the service is full."}
    return {status: {"model": ErrorBody, "description": said[status]} for status in statuses}


def view(job: Job, seconds_left: float | None) -> JobView:
    """A job as lists show it."""
    return JobView(**_common(job, seconds_left))


def state_view(job: Job, seconds_left: float | None) -> JobState:
    """A job as it is shown by itself."""
    files = [FileView(name=f.name, size=f.size, documents=f.documents, problem=f.problem or None) for f in job.files]
    return JobState(**_common(job, seconds_left), files=files, settings=job.asked.settings, schema=job.asked.schema)


def _common(job: Job, seconds_left: float | None) -> dict[str, Any]:
    files = job.file_counts
    return {
        "id": job.id, "state": job.state, "done": job.done, "total": job.total, "created": job.created,
        "started": job.started, "finished": job.finished, "seconds_left": seconds_left, "error": job.error or None,
        "counts": job.counts or None, "model": job.asked.model, "tasks": job.asked.tasks,
        "file_count": files.given, "files_read": files.read, "files_failed": files.failed, "name": files.first or None,
    }
