"""Documents handed in, and the jobs that answer them.

    POST   /v1/documents              files or texts and a schema: a job
    GET    /v1/documents              the jobs
    GET    /v1/documents/{id}         how one stands
    GET    /v1/documents/{id}/events  the same as server-sent events
    GET    /v1/documents/{id}/result  documents with their facts, JSON lines
    POST   /v1/documents/{id}/cancel  stop it; what is answered stays
    POST   /v1/documents/{id}/resume  go on with it
    DELETE /v1/documents/{id}         take it away
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.requests import ClientDisconnect

from iepile.jsonl import dumps
from iepile.schema import Schema
from iepile.service.calls import Closed
from iepile.service.job import Job, State, new_id
from iepile.service.job_folder import JobFolder
from iepile.service.job_request import asked_of, body_of, fields_of, job_of_files, job_of_rows, rows_of
from iepile.service.job_views import ID, JobList, JobState, JobView, errors, state_view, view
from iepile.service.jobs import Jobs
from iepile.service.refusals import NotFound, TooLarge
from iepile.service.uploads import MIB, UploadLimits, receive

router = APIRouter(tags=["documents"])
HEARTBEAT = 15.0
"""Seconds between two signs of life to a listener."""
LAST = "end"
"""Id of the last event: a browser that comes back with it is told to stay away."""
JSON_LINES = "application/x-ndjson"
_EXAMPLE = {"texts": ["Ada met Bob in Paris."], "schema": "person, place", "tasks": ["NER"]}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": {
            "type": "object", "required": ["files", "schema"], "properties": {
                "files": {"type": "array", "items": {"type": "string", "format": "binary"},
                          "description": "Documents: txt, md, html, docx, pdf, epub, csv, xlsx, ..."},
                "schema": {"type": "string", "description": "A name, a short list of labels, or an object as JSON.",
                           "examples": ["person, place"]},
                "tasks": {"type": "string", "description": "With commas, or a list as JSON.", "examples": ["NER,RE"]},
                "model": {"type": "string"},
                "settings": {"type": "string", "description": "An object as JSON.",
                             "examples": ['{"language": "en"}']}}}},
        "application/json": {"schema": {
            "type": "object", "required": ["schema"], "examples": [_EXAMPLE], "properties": {
                "texts": {"type": "array", "items": {"type": "string"}},
                "documents": {"type": "array", "items": {"type": "object"},
                              "description": "Rows of the unified format, instead of texts."},
                "schema": {"description": "A name, a short list of labels, or an object."},
                "tasks": {"type": "array", "items": {"type": "string"}},
                "model": {"type": "string"},
                "settings": {"type": "object", "description": "language, split_num, window, orders, passes, ..."}}}},
    },
}
Id = Annotated[str, Path(description="The job.", examples=[ID], max_length=64)]


@router.post("/v1/documents", status_code=202, response_model=JobState, response_model_exclude_none=True,
             summary="Hand documents in", openapi_extra={"requestBody": _BODY},
             responses=errors(408, 413, 422, 507))
async def hand_in(request: Request) -> Any:
    """Files (a form) or texts (JSON) and a schema become a job, which is answered in the background. It goes on after a
    restart of the service. Ids of documents are the names of their files."""
    service = request.app.state.service
    jobs: Jobs = service.jobs
    id_ = new_id()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        config = service.config
        limits = UploadLimits(config.max_files, config.max_file * MIB, config.max_upload * MIB)
        _announced(request, limits.total_bytes)
        folder = await anyio.to_thread.run_sync(jobs.incoming, id_, _length(request))
        try:
            upload = await receive(request.stream(), request.headers["content-type"], folder.files, limits)
            asked = await anyio.to_thread.run_sync(asked_of, fields_of(upload.fields), service)
            job = job_of_files(id_, asked, upload.files)
            await anyio.to_thread.run_sync(_submit, jobs, job, folder)
        except ClientDisconnect:
            jobs.drop(folder)
            return Response(status_code=499)  # nobody reads it
        except BaseException:
            jobs.drop(folder)
            raise
    else:
        most = service.config.max_body * MIB
        _announced(request, most)
        given = body_of(await _body(request, most))
        job = await anyio.to_thread.run_sync(_of_rows, id_, given, service)
    return state_view(job, None)


def _of_rows(id_: str, given: dict[str, Any], service: Any) -> Job:
    rows, asked = rows_of(given), asked_of(given, service)
    folder = service.jobs.incoming(id_)
    try:
        job = job_of_rows(id_, asked, rows, folder)
        _submit(service.jobs, job, folder)
    except BaseException:
        service.jobs.drop(folder)
        raise
    return job


def _submit(jobs: Jobs, job: Job, folder: JobFolder) -> None:
    Schema.from_dict(job.asked.schema).write(folder.schema)
    folder.keep()
    jobs.submit(job)


def _length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 19 else 0


def _announced(request: Request, most: int) -> None:
    if _length(request) > most:
        raise TooLarge(f"is more than {most >> 20:,} MiB", field="body", fix="hand the documents in as several jobs")


async def _body(request: Request, most: int) -> bytes:
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > most:
            raise TooLarge(f"is more than {most >> 20:,} MiB", field="body", fix="hand it in as several jobs")
    return bytes(found)


@router.get("/v1/documents", response_model=JobList, response_model_exclude_none=True, summary="The jobs",
            responses=errors(422))
def list_jobs(request: Request, offset: Annotated[int, Query(ge=0, le=1 << 31)] = 0,
              limit: Annotated[int, Query(ge=1, le=500)] = 50,
              state: Annotated[list[State] | None, Query(description="Only those in these states.")] = None) -> Any:
    """The newest first."""
    jobs: Jobs = request.app.state.service.jobs
    found, total = jobs.store.page(offset, limit, state or ())
    return JobList(jobs=[view(job, jobs.seconds_left(job.id)) for job in map(jobs.live, found)], total=total)


@router.get("/v1/documents/{id}", response_model=JobState, response_model_exclude_none=True, summary="How a job stands",
            responses=errors(404))
def get_job(request: Request, id: Id) -> Any:
    """Its state, how far it is, and what was wrong with its files."""
    return _state(request.app.state.service.jobs, id)


@router.post("/v1/documents/{id}/cancel", response_model=JobState, response_model_exclude_none=True,
             summary="Stop a job", responses=errors(404, 409))
def cancel(request: Request, id: Id) -> Any:
    """What is answered stays, and can be read; `resume` goes on."""
    request.app.state.service.jobs.cancel(id)
    return _state(request.app.state.service.jobs, id)


@router.post("/v1/documents/{id}/resume", response_model=JobState, response_model_exclude_none=True,
             summary="Go on with a job", responses=errors(404, 409))
def resume(request: Request, id: Id) -> Any:
    """A job that was cancelled, failed, or is done with questions that failed: these are asked again."""
    request.app.state.service.jobs.resume(id)
    return _state(request.app.state.service.jobs, id)


@router.delete("/v1/documents/{id}", status_code=204, summary="Take a job away", responses=errors(404))
def remove(request: Request, id: Id) -> Response:
    """With its files and its result. One in work is stopped."""
    request.app.state.service.jobs.remove(id)
    return Response(status_code=204)


@router.get("/v1/documents/{id}/result", summary="What was found", response_class=StreamingResponse,
            responses={200: {"content": {JSON_LINES: {}}, "description": "One document a line, in the unified format, "
                             "in the order they came in. The header `X-Job-State` tells whether it is all."},
                       **errors(404, 422)})
def result(request: Request, id: Id, offset: Annotated[int, Query(ge=0, le=1 << 31)] = 0,
           limit: Annotated[int, Query(ge=0, le=1 << 31, description="0: all.")] = 0,
           download: Annotated[bool, Query(description="As a file to save.")] = False) -> Response:
    """Of a job that is not done: the documents answered so far."""
    jobs: Jobs = request.app.state.service.jobs
    job = jobs.get(id, files=False)
    rows = islice(jobs.rows(id), offset, offset + limit if limit else None)
    headers = {"X-Job-State": str(job.state)}
    if download:
        headers["Content-Disposition"] = f'attachment; filename="{job.id}.jsonl"'
    return StreamingResponse(_lines(rows), media_type=JSON_LINES, headers=headers)


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    block = bytearray()
    for row in rows:
        block += dumps(row).encode() + b"\n"
        if len(block) > 1 << 16:
            yield bytes(block)
            block.clear()
    yield bytes(block)


@router.get("/v1/documents/{id}/events", summary="How a job goes on, as it happens", response_class=StreamingResponse,
            responses={200: {"content": {"text/event-stream": {}}, "description": "Events `state`, each with the job "
                             "as lists show it: first as it stands, then whenever it changes. The stream ends with "
                             "the job."},
                       204: {"description": "The job had ended, and the listener knew."}, **errors(404, 503)})
async def events(request: Request, id: Id,
                 last_event_id: Annotated[str | None, Header(description="As browsers send it.")] = None) -> Response:
    """Server-sent events: `new EventSource(url)` in a browser, `curl -N` elsewhere."""
    jobs: Jobs = request.app.state.service.jobs
    job = await anyio.to_thread.run_sync(jobs.get, id, False)
    if last_event_id == LAST and job.state.ended:
        return Response(status_code=204)
    jobs.events.check()
    return StreamingResponse(_events(jobs, id), media_type="text/event-stream",
                             headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _events(jobs: Jobs, id_: str) -> AsyncIterator[str]:
    said, number = "", 0
    async with jobs.events.listener(id_) as listener:
        while not jobs.events.closed:
            try:
                state = await anyio.to_thread.run_sync(_short, jobs, id_)
            except NotFound:
                yield f"id: {LAST}\nevent: gone\ndata: {{}}\n\n"
                return
            except Closed:
                return
            text = state.model_dump_json(exclude_none=True)
            if text != said:
                said, number = text, number + 1
                yield f"id: {LAST if state.state.ended else number}\nevent: state\ndata: {text}\n\n"
            if state.state.ended:
                return
            if not await listener.news(HEARTBEAT):
                yield ": still here\n\n"


def _short(jobs: Jobs, id_: str) -> JobView:
    return view(jobs.get(id_, files=False), jobs.seconds_left(id_))


def _state(jobs: Jobs, id_: str) -> JobState:
    return state_view(jobs.get(id_), jobs.seconds_left(id_))
