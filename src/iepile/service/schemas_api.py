"""Schemas by name, and whether a schema means what it was meant to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from msgspec import Meta
from starlette.concurrency import run_in_threadpool

from iepile.errors import InputError
from iepile.extraction.polls import SchemaPolls
from iepile.service.openapi import json_body, json_response
from iepile.service.rows import CheckedSchema, SchemaEntry
from iepile.service.schema_uploads import of_file
from iepile.service.schemas import about, counts
from iepile.tasks.task import get_task

if TYPE_CHECKING:
    from iepile.service.app import Service

router = APIRouter(tags=["schemas"])
Name = Annotated[str, Path(description="Name of a schema.", examples=["instructie:Person"], max_length=200)]


class CheckRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A schema to look at."""

    schema: Annotated[str | list[Any] | dict[str, Any], Meta(description="As in /v1/extract.")] = ""
    file: Annotated[str, Meta(description="Instead of it: what a schema file holds, YAML or JSON.")] = ""
    task: Annotated[str, Meta(description="What bare labels are: NER, RE, ...")] = ""


@router.get("/v1/schemas", summary="Schemas that requests may name",
            responses={200: json_response(SchemaEntry, "All of them, those of this service first.", many=True)})
def schemas(request: Request) -> Response:
    """The schema files that the service was given, and the ready ones of the package."""
    service: Service = request.app.state.service
    found = [(name, service.schemas[name]) for name in service.schemas.names()]
    return _json([{"name": name, "about": about(schema), "labels": counts(schema)} for name, schema in found])


@router.get("/v1/schemas/{name}", summary="One schema", responses={200: {
    "description": "The schema, as a request may bring it.",
    "content": {"application/json": {"schema": {"type": "object"}}}}})
def schema(request: Request, name: Name) -> Response:
    """Its labels with all that is known of them."""
    service: Service = request.app.state.service
    return _json(service.schemas[name].to_dict())


@router.post("/v1/schemas/check", summary="What a schema is understood as",
             openapi_extra=json_body(CheckRequest, {
                 "list": {"value": {"schema": "person, place, wedding(time, place)"}},
                 "object": {"value": {"schema": {"relations": {"works for": {"domain": ["person"]}}}}}}),
             responses={200: json_response(CheckedSchema, "The schema, in full.")})
async def check(request: Request) -> Response:
    """The same schema in its full form, or what is wrong with it."""
    service: Service = request.app.state.service
    try:
        given = msgspec.json.decode(await request.body(), type=CheckRequest)
    except msgspec.DecodeError as e:
        problem, _, where = str(e).partition(" - at `$")
        raise InputError(problem, field=where.rstrip("`").lstrip(".") or "body",
                         expected='{"schema": "person, place"}') from None
    if given.file and given.schema:
        raise InputError("give one of them", field="schema, file", expected="a schema, or what a schema file holds")
    task = get_task(given.task[:40]).name if given.task else None
    # YAML is slow to read; others are answered meanwhile.
    found = (await run_in_threadpool(of_file, given.file, task) if given.file
             else service.schemas.of(given.schema, task))
    return _json({"schema": found.to_dict(), "about": about(found), "labels": counts(found),
                  "tasks": list(SchemaPolls(found).tasks)})


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
