"""Errors on the wire: one shape for everything that goes wrong, and OpenAI's where its clients ask.

    {"error": {"problem": "no schema 'resumee'", "field": "schema", "expected": null, "fix": "did you mean resume?"}}

Nothing of what was sent is said back at length, and nothing of how the service is built.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from iepile.errors import IepileError, InputError
from iepile.service.calls import Closed, GivenUp
from iepile.service.refusals import Refusal

LONGEST = 600
"""Most characters of one part of a message."""
AGAIN = "1"
"""Seconds after which whoever was turned away may come again."""
_OPENAI = ("/v1/chat/", "/v1/completions", "/v1/models")
_OPENAI_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
                 404: "not_found_error", 429: "rate_limit_error"}

logger = logging.getLogger(__name__)


def speaks_openai(path: str) -> bool:
    """Whether errors of a path have OpenAI's shape."""
    return path.startswith(_OPENAI)


def error_body(path: str, status: int, problem: str, field: str | None = None, expected: str | None = None,
               fix: str | None = None) -> dict[str, Any]:
    """The body of an error."""
    if speaks_openai(path):
        kind = _OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
        message = "; ".join(filter(None, (problem, expected and f"expected: {expected}", fix)))
        return {"error": {"message": _short(message), "type": kind, "param": _short(field), "code": None}}
    return {"error": {"problem": _short(problem), "field": _short(field), "expected": _short(expected),
                      "fix": _short(fix)}}


def error_response(path: str, status: int, problem: str, *, field: str | None = None, expected: str | None = None,
                   fix: str | None = None, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as a response; who is turned away for the moment is told when to come again."""
    more = {"Retry-After": AGAIN} if status in (429, 503) else {}
    return JSONResponse(error_body(path, status, problem, field, expected, fix), status,
                        headers=more | (headers or {}))


def failure(path: str, error: Exception) -> JSONResponse:
    """What an exception comes to. One that is none of ours is logged, and no more is said of it than that."""
    if _is_full(error):
        logger.error("%s: the disk is full", path)
        return error_response(path, 507, "the disk of the service is full", fix="try again later, or remove jobs")
    if isinstance(error, InputError):
        status = error.status if isinstance(error, Refusal) else 422
        field = error.field or (None if error.line is None else f"line {error.line}")
        return error_response(path, status, error.problem, field=field, expected=error.expected, fix=error.fix)
    if isinstance(error, Closed):
        return error_response(path, 503, str(error), fix="ask again in a moment")
    if isinstance(error, GivenUp):
        return error_response(path, 504, "it took too long", fix="ask less at a time, or hand in documents")
    if isinstance(error, (RecursionError, UnicodeError)):
        return error_response(path, 422, "cannot be read: nested too deeply, or no Unicode text", field="body")
    if isinstance(error, IepileError):
        logger.error("%s: %s", path, error)
        return error_response(path, 500, str(error).split("\n", 1)[0])
    logger.error("%s failed", path, exc_info=error)
    return error_response(path, 500, "the service failed on this request", fix="see its log")


def _is_full(error: BaseException) -> bool:
    """Whether a full disk is behind an error; writers tell it in words meant for the command line."""
    cause: BaseException | None = error
    for _ in range(8):
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode == sqlite3.SQLITE_FULL:
            return True
        cause = cause and (cause.__cause__ or cause.__context__)
    return False


def add_handlers(app: FastAPI) -> None:
    """Give every error of an application its shape."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        return failure(request.url.path, error)

    for kind in (IepileError, RecursionError, UnicodeError):
        app.add_exception_handler(kind, ours)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = error.errors()
        first = faults[0]
        where = [str(part) for part in first["loc"]]
        field = ".".join(where[1:]) or where[0]
        more = f" (and {len(faults) - 1} further faults)" if len(faults) > 1 else ""
        status = 400 if first["type"] == "json_invalid" else 422
        return error_response(request.url.path, status, f"{first['msg']}{more}", field=field)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        problems = {404: "there is nothing at this address", 405: "this address does not take the method"}
        said = error.detail if isinstance(error.detail, str) else HTTPStatus(error.status_code).phrase
        return error_response(request.url.path, error.status_code, problems.get(error.status_code, said),
                              fix="see /docs" if error.status_code in problems else None,
                              headers=dict(error.headers or {}))


def _short(text: str | None) -> str | None:
    if text is None:
        return None
    # Halves of surrogate pairs cannot be sent.
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
