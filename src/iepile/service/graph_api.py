"""Graphs of facts: of documents in a request, and of jobs.

    POST /v1/graph                           documents with facts: nodes and edges, or a file in any form
    GET  /v1/graph/forms                     the forms
    GET  /v1/documents/{id}/graph            the graph of a job, in the same ways
    GET  /v1/documents/{id}/graph/find       facts that fit
    GET  /v1/documents/{id}/graph/path       how two things hang together
    POST /v1/documents/{id}/graph/query      a question in SQL or SPARQL
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from mimetypes import guess_type
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from iepile.errors import InputError
from iepile.graph.forms.form import forms
from iepile.graph.querying import language_of
from iepile.graph.search import FindConfig, PathConfig, find, path
from iepile.graph.store import Store
from iepile.jsonl import dumps
from iepile.service.documents_api import Id
from iepile.service.graph_query import LANGUAGES, ROWS, ask
from iepile.service.graph_view import edge_view, graph_view, step_views
from iepile.service.graph_work import GraphOptions, GraphWork, form_named, opened, written
from iepile.service.job import State
from iepile.service.job_folder import JobFolder
from iepile.service.job_views import errors
from iepile.service.jobs import Jobs
from iepile.unified import document_from_row, document_to_row

router = APIRouter(tags=["graphs"])
EDGES = 100_000
"""Most edges told as JSON; forms for download have all."""
_work = GraphWork()
_EXAMPLE: dict[str, Any] = {"documents": [{"text": "Ada married Bob.", "id": "1", "relation": [
    {"head": "Ada", "relation": "spouse", "tail": "Bob", "head_pos": [0, 3], "tail_pos": [12, 15]}]}]}
_GRAPH = {
    "nodes": [{"id": "n1", "name": "Ada", "mentions": 1}, {"id": "n2", "name": "Bob", "mentions": 1}],
    "edges": [{"id": 1, "head_node": "n1", "tail_node": "n2", "head": "Ada", "relation": "spouse", "tail": "Bob",
               "kind": "relation", "head_start": 0, "head_end": 3, "tail_start": 12, "tail_end": 15, "document": "1",
               "snippet": "Ada married Bob.", "snippet_start": 0}],
    "violations": [], "counts": {"nodes": 2, "edges": 1, "documents": 1, "violations": 0}, "whole": True}
_ANSWER: dict[int | str, dict[str, Any]] = {200: {
    "description": "Nodes and edges with their trail to the text; with `form`, a file. Of forms that are folders, a "
                   "zip file.", "content": {"application/json": {"example": _GRAPH}, "application/octet-stream": {}}}}
Form = Annotated[str, Query(description="A form, see /v1/graph/forms; none: JSON.", max_length=40)]
Limit = Annotated[int, Query(ge=1, le=EDGES, description="Most edges told as JSON.")]


class GraphRequest(BaseModel):
    """Documents to make a graph of."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    documents: list[dict[str, Any]] = Field(description="Rows of the unified format, with their facts.")
    merge: bool = Field(False, description="Merge the things that are one.")
    labels: Any = Field(None, alias="schema", description="Hold the graph against this schema: a name or an object.")
    prune: list[str] = Field(default_factory=list, max_length=16,
                             description="Rules of the schema whose violations take the edge out.")
    model: str = Field("", max_length=200, description="Noted on every edge.")
    form: str = Field("", max_length=40, description="A form, see /v1/graph/forms; none: JSON.")
    layout: bool = Field(False, description="Give every node a place in the plane, `x` and `y`.")
    limit: int = Field(10_000, ge=1, le=EDGES, description="Most edges told as JSON.")


class FormView(BaseModel):
    """A form of graphs."""

    name: str
    about: str
    endings: list[str]


@router.get("/v1/graph/forms", response_model=list[FormView], summary="Forms of graphs")
def graph_forms() -> Any:
    """What `form` may be."""
    return [FormView(name=form.name, about=form.about, endings=list(form.endings)) for form in forms().values()]


@router.post("/v1/graph", summary="A graph of documents", response_class=Response,
             responses={**_ANSWER, **errors(413, 422, 501, 503, 504)})
def graph(request: Request, body: GraphRequest) -> Response:
    """Facts of several documents about one thing come together in one node."""
    if not body.documents:
        raise InputError("is empty", field="documents", expected="one document or more")
    if body.prune and body.labels is None:
        raise InputError("goes with a schema", field="prune", fix="give `schema`")
    form = form_named(body.form) if body.form else None
    schema = None if body.labels is None else request.app.state.service.schemas.of(body.labels)
    options = GraphOptions(body.merge, body.model, schema, tuple(body.prune))
    beside = request.app.state.service.jobs.folder
    with _work.place(), _work.made(_rows(body.documents), options, beside) as store:
        return _answer(store, form.name if form else "", body.limit, body.layout, beside)


def _rows(documents: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for n, row in enumerate(documents):
        try:
            read = document_from_row(row)
        except InputError as e:
            raise InputError(e.problem, field=f"documents[{n}].{e.field}", expected=e.expected, fix=e.fix) from None
        yield document_to_row(read)


def _answer(store: Store, form: str, limit: int, layout: bool, beside: Path) -> Response:
    if not form:
        return _json(graph_view(store, limit, layout))
    file = written(store, form_named(form), beside)
    return StreamingResponse(file.blocks(), media_type=guess_type(file.name)[0] or "application/octet-stream", headers={
        "Content-Length": str(file.size), "Content-Disposition": f'attachment; filename="{file.name}"'})


def _json(value: Any) -> Response:
    return Response(dumps(value), media_type="application/json")


@contextmanager
def _graph_of(request: Request, id_: str, merge: bool) -> Iterator[Store]:
    """The graph of a job: kept where the job is done, else of what is answered so far."""
    jobs: Jobs = request.app.state.service.jobs
    job = jobs.get(id_, files=False)
    options = GraphOptions(merge, job.asked.model)
    with _work.place():
        if job.state is State.DONE:
            try:
                graph = _work.kept(JobFolder(jobs.folder, id_).graph(merge), jobs.rows(id_), options)
            except FileNotFoundError:
                jobs.get(id_, files=False)  # taken away meanwhile
                raise
            with opened(graph) as store:
                yield store
        else:
            with _work.made(jobs.rows(id_), options, jobs.folder) as store:
                yield store


@router.get("/v1/documents/{id}/graph", summary="The graph of a job", response_class=Response,
            responses={**_ANSWER, **errors(404, 422, 501, 503, 504)})
def job_graph(request: Request, id: Id, form: Form = "", merge: bool = False, layout: bool = False,
              limit: Limit = 10_000) -> Response:
    """Of a job that is not done: of the documents answered so far."""
    if form:
        form_named(form)
    with _graph_of(request, id, merge) as store:
        return _answer(store, form, limit, layout, request.app.state.service.jobs.folder)


class Facts(BaseModel):
    """Facts that fit."""

    edges: list[dict[str, Any]]
    more: bool = Field(description="There are more of them.")


Word = Annotated[str, Query(max_length=500)]


@router.get("/v1/documents/{id}/graph/find", response_model=Facts, summary="Facts of a job",
            responses=errors(404, 422, 503, 504))
def find_facts(request: Request, id: Id, name: Annotated[str, Query(
                   max_length=500, description="Of either end; `*` stands for anything.")] = "",
               head: Word = "", relation: Word = "", tail: Word = "", type: Word = "", document: Word = "",
               source: Word = "", least_confidence: Annotated[float, Query(ge=0, le=1)] = 0.0, merge: bool = False,
               limit: Annotated[int, Query(ge=1, le=10_000)] = 100) -> Any:
    """Each with the sentence it was read from; statements of types are no facts here."""
    config = FindConfig("", name, head, relation, tail, type, document, source, least_confidence, limit + 1)
    with _graph_of(request, id, merge) as store:
        found = [edge_view(edge) for edge in find(store, config)]
    return Facts(edges=list(islice(found, limit)), more=len(found) > limit)


class Way(BaseModel):
    """A way from one thing to another."""

    steps: list[dict[str, Any]] = Field(description="Each an edge, and whether it is gone from head to tail.")


@router.get("/v1/documents/{id}/graph/path", response_model=Way, summary="How two things hang together",
            responses=errors(404, 422, 503, 504))
def find_path(request: Request, id: Id, start: Word, end: Word, most: Annotated[int, Query(ge=1, le=20)] = 6,
              merge: bool = False) -> Any:
    """The shortest way between two names, edges taken in either direction."""
    with _graph_of(request, id, merge) as store:
        try:
            return Way(steps=step_views(path(store, PathConfig("", start, end, most))))
        except InputError as e:
            raise InputError(e.problem, field=e.field, fix="look for names with /graph/find?name=*part*") from None


class Question(BaseModel):
    """A question to the graph of a job."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [
        {"query": "SELECT head, tail FROM fact WHERE relation = :name", "values": {"name": "works for"}}]})

    query: str = Field(min_length=1, max_length=20_000,
                       description="SQL asks the views `fact` and `thing`; SPARQL the triples of the RDF forms.")
    language: str = Field("", max_length=40, description="`sql` or `sparql`; empty: told by the query.")
    values: dict[str, str] = Field(default_factory=dict, description="For `:name` in SQL, `?name` in SPARQL.")
    limit: int = Field(1000, ge=1, le=ROWS, description="Most rows.")
    merge: bool = Field(False, description="Ask the graph in which the things that are one are merged.")


class Table(BaseModel):
    """The answer to a question."""

    columns: list[str]
    rows: list[list[Any]]
    more: bool = Field(description="There are more rows.")


@router.post("/v1/documents/{id}/graph/query", response_model=Table, summary="Ask the graph of a job",
             responses=errors(404, 413, 422, 501, 503, 504))
def query(request: Request, id: Id, body: Question) -> Any:
    """Reading only. The query runs in a process of its own, which is held to 20 seconds and 1 GiB of memory."""
    language = body.language or language_of(body.query)
    if language not in LANGUAGES:
        raise InputError(f"no language {language[:40]!r} here", field="language", expected=", ".join(LANGUAGES),
                         fix="take the graph along with ?form=ladybug and ask it in Cypher" if language == "cypher"
                         else None)
    with _graph_of(request, id, body.merge) as store:
        answer = ask(store.path, body.query, language, body.values, body.limit)
    return Table(columns=answer.columns, rows=answer.rows, more=answer.more)
