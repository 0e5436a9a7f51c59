"""Extraction of one text or several, answered at once.

    curl -H 'Content-Type: application/json' -d '{"text": "Ada met Bob.", "schema": "person"}' localhost:8000/v1/extract
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from iepile.service.calls import Caller, Closed, GivenUp
from iepile.service.errors import failure
from iepile.service.extraction import Asked, ExtractRequest, answers, read_request
from iepile.service.openapi import json_body, json_response
from iepile.service.rows import ExtractResponse

if TYPE_CHECKING:
    from iepile.service.app import Service

LINES = "application/x-ndjson"
_LAST = object()
_EXAMPLES: dict[str, Any] = {
    "entities": {"summary": "Entities", "value": {
        "text": "Ada Lovelace was born in London.", "schema": "person, place"}},
    "events": {"summary": "Events with roles", "value": {
        "text": "青麦食品昨日收购白芦乳业。", "schema": {"events": {"收购": {"roles": ["收购方", "被收购方"]}}}}},
    "several": {"summary": "Several texts, one line each", "value": {
        "texts": ["Ada met Bob.", "Bob left."], "schema": "person", "stream": True, "settings": {"language": "en"}}},
}

router = APIRouter(tags=["extraction"])


@router.post("/v1/extract", summary="Facts of texts", openapi_extra=json_body(ExtractRequest, _EXAMPLES),
             responses={200: json_response(ExtractResponse, "The texts with their facts.", lines=LINES)})
async def extract(request: Request) -> Response:
    """What each text states about the labels of a schema, every mention with its place in the text.

    With `stream`, each document is a line of JSON, sent as soon as it is answered, in the order of the texts. Where
    something fails later than that, the last line is `{"error": {...}}`.
    """
    service: Service = request.app.state.service
    started = time.perf_counter()
    work = _Work(service, await request.body())
    rows = await work.rows()
    if rows is not None:
        return _json({"model": work.asked.model, "documents": rows, "seconds": round(time.perf_counter() - started, 4)})
    until = asyncio.get_running_loop().time() + service.config.timeout
    lines = work.lines(request.url.path, until)
    # Errors that come before anything is sent have a status of their own.
    first = await anext(lines)
    return StreamingResponse(_after(first, lines), media_type=LINES, headers={"X-Accel-Buffering": "no"})


class _Work:
    """One request, worked on in a thread; whoever gives it up has its questions taken back."""

    def __init__(self, service: Service, body: bytes) -> None:
        self._service, self._body = service, body
        self.asked: Asked
        self._asking: Caller | None = None
        self._given_up = False

    async def rows(self) -> list[dict[str, Any]] | None:
        """Read the request, and answer it; None where it wants its answer in lines."""

        def go() -> list[dict[str, Any]] | None:
            self.asked = read_request(self._body, self._service)
            if self.asked.stream:
                return None
            with self._caller() as caller:
                return list(answers(self.asked, caller))

        try:
            return await asyncio.get_running_loop().run_in_executor(self._service.threads, go)
        except RuntimeError as e:
            if "shutdown" in str(e):
                raise Closed("the service is shutting down") from None
            raise
        except asyncio.CancelledError:
            self._give_up()
            raise

    async def lines(self, path: str, until: float) -> AsyncIterator[bytes]:
        """Documents as lines, as they are answered; the first failure is raised, a later one is the last line."""
        queue, loop = asyncio.Queue[Any](), asyncio.get_running_loop()

        def put(item: Any) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def go() -> None:
            try:
                with self._caller() as caller:
                    for row in answers(self.asked, caller):
                        put(msgspec.json.encode(row) + b"\n")
                put(_LAST)
            except Exception as e:
                put(e)

        work = loop.run_in_executor(self._service.threads, go)
        sent = False
        try:
            while True:
                try:
                    async with asyncio.timeout_at(until):
                        item = await queue.get()
                except TimeoutError:
                    item = GivenUp("too late")
                if item is _LAST:
                    return
                if isinstance(item, Exception):
                    if not sent:
                        raise item
                    yield bytes(failure(path, item).body) + b"\n"
                    return
                sent = True
                yield item
        finally:
            self._give_up()
            work.cancel()

    def _caller(self) -> Caller:
        caller = self.asked.engine.caller(self._service.config.max_questions, strict=True)
        self._asking = caller
        if self._given_up:
            caller.cancel()
        return caller

    def _give_up(self) -> None:
        """Nobody waits any longer, or everything is there."""
        self._given_up = True
        if self._asking is not None:
            self._asking.cancel()


async def _after(first: bytes, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for line in lines:
            yield line
    finally:
        await lines.aclose()  # type: ignore[attr-defined]


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
