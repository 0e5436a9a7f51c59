"""Whether the service is well, and its figures. Both are open to all who reach the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from iepile.service.metrics import MEDIA
from iepile.version import __version__

if TYPE_CHECKING:
    from iepile.service.app import Service

router = APIRouter(tags=["service"])
_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_STATE = {"content": {"application/json": {"schema": {
    "type": "object", "required": ["state"], "properties": {"state": {"enum": ["ready", "closing"]}}}}}}


@router.get("/healthz", summary="Whether it is ready", responses={
    200: {"description": "It is.", **_STATE}, 503: {"description": "It is shutting down.", **_STATE}})
async def health(request: Request) -> JSONResponse:
    """Ready: models are loaded and requests are taken. While it shuts down the status is 503."""
    service: Service | None = getattr(request.app.state, "service", None)
    ready = service is not None and not service.closing
    state: dict[str, Any] = {"state": "ready" if ready else "closing", "version": __version__}
    if service is not None and ready:
        state["models"] = list(service.models)
    return JSONResponse(state, 200 if ready else 503)


@router.get("/healthz/live", summary="Whether it runs",
            responses={200: {"description": "It does.", "content": {"application/json": {"schema": {
                "type": "object", "properties": {"state": {"const": "live"}}}}}}})
async def live() -> JSONResponse:
    """An answer at all is the answer: the process runs and its loop turns."""
    return JSONResponse({"state": "live"})


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response,
            responses={200: {"description": "The text form of Prometheus.", **_TEXT}})
def metrics(request: Request) -> Response:
    """Requests, seconds, questions, tokens, batches, queues and jobs."""
    return Response(request.app.state.metrics.text(), headers={"Content-Type": MEDIA})
