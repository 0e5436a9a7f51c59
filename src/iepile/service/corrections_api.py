"""Facts that people accepted, rejected or corrected, kept as training data.

    POST   /v1/corrections          keep a reviewed document
    GET    /v1/corrections          all of them as JSON lines: what `iepile convert` and `iepile train` read
    GET    /v1/corrections/summary  a list of them
    GET    /v1/corrections/{id}     one document
    DELETE /v1/corrections/{id}     let one go

A kept document holds only facts that stand: what was rejected is not among them. A list that is there (`"relation":
[]`) says that somebody looked for that kind of fact, one that is not there says that nobody did. How the review went
stands in `meta.review`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Body, Path, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from iepile.errors import InputError
from iepile.service.corrections import Corrections, Entry
from iepile.unified import document_from_row, document_to_row

router = APIRouter(tags=["corrections"])
FILE = "corrections.jsonl"
_JSON_LINES = "application/x-ndjson"
_making = threading.Lock()

_DOCUMENT: dict[str, Any] = {
    "text": "Ada met Bob in Paris.", "id": "note-1", "language": "en",
    "entity": [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]},
               {"entity": "Paris", "entity_type": "place", "pos": [15, 20]}],
    "relation": [],
}


_EXAMPLE: dict[str, Any] = {"document": _DOCUMENT, "verdicts": {"accepted": 1, "corrected": 1, "rejected": {
    "entity": [{"entity": "Bob in", "entity_type": "person", "pos": [8, 14]}]}}}


class Verdicts(BaseModel):
    """How the facts that the model gave fared."""

    model_config = ConfigDict(extra="forbid")

    accepted: int = Field(0, ge=0, description="Facts that stand as the model gave them.")
    corrected: int = Field(0, ge=0, description="Facts whose label or words were changed.")
    added: int = Field(0, ge=0, description="Facts that the model had missed.")
    unreviewed: int = Field(0, ge=0, description="Facts kept though nobody passed a verdict on them.")
    rejected: dict[Literal["entity", "relation", "event"], list[dict[str, Any]]] = Field(
        default_factory=dict, description="Facts that were wrong, as the unified format writes them.")


class Correction(BaseModel):
    """A reviewed document."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    document: dict[str, Any] = Field(
        description="A row of the unified format, without the facts that were rejected. Positions are code points.",
        examples=[_DOCUMENT])
    verdicts: Verdicts | None = Field(None, description="How the review went; kept in `meta.review`.")
    replaces: str = Field("", max_length=64, description="Id of an earlier correction of this document; it goes.")


class Kept(BaseModel):
    """A correction as lists show it."""

    id: str
    saved: float = Field(description="Seconds since 1970.")
    document_id: str | None
    text: str = Field(description="The first 120 characters.")
    facts: dict[str, int] = Field(description="How many of each kind; a kind that is missing was not looked for.")


class Summary(BaseModel):
    """The corrections kept, oldest first."""

    corrections: list[Kept]
    total: int


Name = Annotated[str, Path(description="Id of a correction.", max_length=64)]


@router.post("/v1/corrections", status_code=201, response_model=Kept, summary="Keep a reviewed document")
def save(request: Request, correction: Annotated[Correction, Body()]) -> Kept:
    """Keep a document whose facts somebody looked through, as training data.

    Mentions must stand in the text where they are said to stand. A document without any list of facts is refused:
    it would say that nobody looked.
    """
    document = document_from_row(correction.document)
    if not document.text.strip():
        raise InputError("the text is empty", field="document.text", fix="send the text that was reviewed")
    if not document.annotated:
        raise InputError("no list of facts", field="document", expected="entity, relation or event",
                         fix='write "entity": [] where entities were looked for and there are none')
    row = document_to_row(document)
    if correction.verdicts is not None:
        for kind, facts in correction.verdicts.rejected.items():
            document_from_row({"text": document.text, kind: facts})
        row["meta"] = row.get("meta", {}) | {"review": correction.verdicts.model_dump()}
    try:
        msgspec.json.encode(row)
    except (ValueError, OverflowError, RecursionError):  # half a surrogate pair, a number of 30 digits
        raise InputError("cannot be written as JSON in UTF-8", field="document",
                         fix="send whole characters and plain numbers") from None
    return _kept(_store(request).save(row, correction.replaces))


@router.get("/v1/corrections", summary="All corrections as training data", response_class=StreamingResponse,
            responses={200: {"description": "One document of the unified format a line.",
                             "content": {_JSON_LINES: {"example": _DOCUMENT}}}})
def download(request: Request) -> StreamingResponse:
    """Every kept document, oldest first, one JSON object a line: a file for `iepile convert` and `iepile train`."""
    store = _store(request)

    def lines() -> Iterator[bytes]:
        for document in store.documents():
            yield msgspec.json.encode(document) + b"\n"

    return StreamingResponse(lines(), media_type=_JSON_LINES,
                             headers={"Content-Disposition": f'attachment; filename="{FILE}"'})


@router.get("/v1/corrections/summary", response_model=Summary, summary="A list of the corrections")
def summary(request: Request, offset: int = 0, limit: int = 1000) -> Summary:
    """What is kept, oldest first."""
    if offset < 0 or not 1 <= limit <= 10_000:
        raise InputError("the numbers mean nothing", field="offset, limit", expected="offset from 0, limit 1 to 10000")
    entries = _store(request).entries()
    return Summary(corrections=[_kept(e) for e in entries[offset : offset + limit]], total=len(entries))


@router.get("/v1/corrections/{name}", summary="One corrected document",
            response_model=dict[str, Any])
def one(request: Request, name: Name) -> Response:
    """The document of a correction, as the unified format writes it."""
    return Response(msgspec.json.encode(_store(request).document(name)), media_type="application/json")


@router.delete("/v1/corrections/{name}", status_code=204, summary="Let a correction go")
def delete(request: Request, name: Name) -> Response:
    """Delete a correction; it is no longer part of the training data."""
    _store(request).delete(name)
    return Response(status_code=204)


def _store(request: Request) -> Corrections:
    """The store of this service; opened when it is first needed."""
    state = request.app.state
    with _making:
        if getattr(state, "corrections", None) is None:
            state.corrections = Corrections(state.service.folder / FILE)
        store: Corrections = state.corrections
        return store


def _kept(entry: Entry) -> Kept:
    return Kept(id=entry.id, saved=entry.saved, **entry.about)

