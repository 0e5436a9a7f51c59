"""The description of the interface (OpenAPI 3.1): our own types in it, the token, and the errors of every route."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from iepile.service.errors import speaks_openai
from iepile.service.limits import GUARDED
from iepile.service.rows import ChatError, Error
from iepile.service.settings import Settings

TAGS = {
    "extraction": "Facts of texts, at once.",
    "documents": "Files and long lists, as jobs in the background.",
    "graphs": "A graph of facts.",
    "schemas": "What may be looked for.",
    "chat": "Compatible with OpenAI's clients.",
    "corrections": "What people accepted and corrected: training data.",
    "service": "Whether it is well, and its figures.",
}
ERRORS = {
    400: "The body cannot be read.", 401: "No valid token.", 403: "A page of another site asks.",
    404: "There is no such thing.", 405: "Not this method.", 408: "The body did not come in time.",
    413: "Too large.", 415: "Not JSON.", 421: "The service does not go by this name.",
    422: "Something in it means nothing.", 429: "Too much at once; come again after Retry-After seconds.",
    500: "The service or its model failed.", 503: "Shutting down, or no room for now.", 504: "It took too long."}
_BODY_ONLY = (400, 408, 413, 415)
_HIDDEN = ("HTTPValidationError", "ValidationError")
"""What FastAPI says of errors of its own, which have our form here."""
_types: dict[str, type] = {"Error": Error, "ChatError": ChatError, "Settings": Settings}


def json_body(of: type, examples: dict[str, Any]) -> dict[str, Any]:
    """The description of a body that a route reads itself."""
    _types[of.__name__] = of
    content = {"schema": _ref(of.__name__), "examples": examples}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def json_response(of: type, description: str, lines: str = "", many: bool = False) -> dict[str, Any]:
    """The description of an answer.

    Args:
        lines: media type of the same in lines, if it may come so.
        many: it is a list of these.
    """
    _types[of.__name__] = of
    schema: dict[str, Any] = {"type": "array", "items": _ref(of.__name__)} if many else _ref(of.__name__)
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if lines:
        content[lines] = {"schema": {"type": "string"}}
    return {"description": description, "content": content}


def describe(app: FastAPI, tokens: bool) -> None:
    """Make an application describe itself so; `tokens`: whether requests must bear one."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app, tokens)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(app: FastAPI, tokens: bool) -> dict[str, Any]:
    out = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes,
                      tags=[{"name": name, "description": about} for name, about in TAGS.items()],
                      license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"})
    schemas = out.setdefault("components", {}).setdefault("schemas", {})
    _, ours = msgspec.json.schema_components(_types.values(), ref_template="#/components/schemas/{name}")
    schemas.update(ours)
    out["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path, item in out["paths"].items():
        for method, operation in item.items():
            if path.startswith(GUARDED):
                _with_errors(operation, path, method)
                if tokens:
                    operation["security"] = [{"token": []}]
    for name in _HIDDEN:
        schemas.pop(name, None)
    return out


def _with_errors(operation: dict[str, Any], path: str, method: str) -> None:
    responses = operation["responses"]
    content = {"application/json": {"schema": _ref("ChatError" if speaks_openai(path) else "Error")}}
    for status, about in ERRORS.items():
        if status in _BODY_ONLY and method not in ("post", "put", "patch"):
            continue
        known = responses.get(str(status))
        if known is None or _HIDDEN[0] in str(known):
            responses[str(status)] = {"description": about, "content": content}
        if status in (429, 503):
            responses[str(status)].setdefault("headers", {})["Retry-After"] = {
                "schema": {"type": "integer"}, "description": "Seconds."}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
