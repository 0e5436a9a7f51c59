"""Why a request to the OpenAI-compatible interface is refused, with the codes that OpenAI's clients know."""

from __future__ import annotations

from fastapi.responses import JSONResponse

from iepile.errors import InputError
from iepile.extraction.prompts import PromptTooLong
from iepile.service.errors import error_response
from iepile.service.refusals import Refusal


class NoSuchModel(Refusal):
    """The model is none that is served."""

    status = 404
    code = "model_not_found"


class Unsupported(Refusal):
    """Known, but not to be had here."""

    code = "unsupported_parameter"


def chat_failure(path: str, error: InputError) -> JSONResponse:
    """An error in OpenAI's form."""
    import msgspec

    status = error.status if isinstance(error, Refusal) else 400
    response = error_response(path, status, error.problem, field=error.field, expected=error.expected, fix=error.fix)
    code = "context_length_exceeded" if isinstance(error, PromptTooLong) else getattr(error, "code", None)
    if code is None:
        return response
    body = msgspec.json.decode(bytes(response.body))
    body["error"]["code"] = code
    return JSONResponse(body, status)
