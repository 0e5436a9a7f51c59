"""The OpenAI-compatible interface: conversations and prompts, answered by the models of the service.

    curl -H 'Content-Type: application/json' localhost:8000/v1/chat/completions \\
        -d '{"messages": [{"role": "user", "content": "Name a city."}], "max_tokens": 20}'
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from iepile.errors import InputError
from iepile.service.calls import Closed
from iepile.service.chat_refusals import NoSuchModel, chat_failure
from iepile.service.chat_reply import DONE, Replies, error_event
from iepile.service.chat_request import Asked, read_chat, read_completion, read_tokenize
from iepile.service.chat_wire import (
    ChatCompletion,
    ChatRequest,
    CompletionRequest,
    Model,
    ModelList,
    TextCompletion,
    Tokenized,
    TokenizeRequest,
)
from iepile.service.chat_work import answers_of, news_of
from iepile.service.errors import failure
from iepile.service.limits import EVENTS
from iepile.service.openapi import json_body, json_response
from iepile.service.refusals import WrongType

if TYPE_CHECKING:
    from iepile.service.app import Service

STARTED = int(time.time())
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_INSTRUCTION = '{"instruction": "You are an expert in named entity recognition. Please extract entities that match ' \
               'the schema definition from the input. Return an empty list if the entity type does not exist. ' \
               'Please respond in the format of a JSON string.", "schema": ["person"], "input": "Ada met Bob."}'
_CHAT: dict[str, Any] = {
    "words": {"summary": "In words", "value": {
        "messages": [{"role": "user", "content": "Name a city."}], "max_tokens": 20}},
    "json": {"summary": "Held to a JSON schema", "value": {
        "messages": [{"role": "user", "content": "Who met whom? Ada met Bob."}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "people", "schema": {
            "type": "object", "properties": {"people": {"type": "array", "items": {"type": "string"}}},
            "required": ["people"], "additionalProperties": False}}}}},
    "instruction": {"summary": "An instruction of ours, mentions from its text", "value": {
        "messages": [{"role": "user", "content": _INSTRUCTION}],
        "response_format": {"type": "iepile", "task": "NER"}}},
}
_TEXT: dict[str, Any] = {"prompt": {"summary": "A prompt", "value": {"prompt": "Once upon a time", "max_tokens": 20}}}
_MEASURE: dict[str, Any] = {"words": {"value": {"messages": [{"role": "user", "content": "Name a city."}]}}}

router = APIRouter(tags=["chat"])


@router.post("/v1/chat/completions", summary="Answer a conversation", openapi_extra=json_body(ChatRequest, _CHAT),
             responses={200: json_response(ChatCompletion, "The answer.", lines=EVENTS)})
async def chat(request: Request) -> Response:
    """The next answer of a conversation, as OpenAI's clients ask for it.

    With `response_format` the answer is held to a form: JSON, a JSON schema, or `{"type": "iepile"}`, for which the
    last message is an instruction row, the answer has the form of its task, and every mention is a piece of its text.
    With `stream` it comes as server-sent events, a few tokens each.
    """
    return await _answered(request, read_chat, True)


@router.post("/v1/completions", summary="Continue a prompt", openapi_extra=json_body(CompletionRequest, _TEXT),
             responses={200: json_response(TextCompletion, "The text that follows.", lines=EVENTS)})
async def completions(request: Request) -> Response:
    """What follows a prompt. No template is put around it, and control tokens that it spells out are such."""
    return await _answered(request, read_completion, False)


@router.post("/v1/tokenize", summary="Measure a conversation", openapi_extra=json_body(TokenizeRequest, _MEASURE),
             responses={200: json_response(Tokenized, "Its prompt.")})
async def tokenize(request: Request) -> Response:
    """The prompt of a conversation as the model reads it: how many tokens, and which."""
    service: Service = request.app.state.service
    try:
        _check_type(request)
        body = await request.body()

        def measured() -> Tokenized:
            engine, asked = read_tokenize(body, service)
            own: Any = engine.engine
            ids = own.prompt_ids(asked)
            return Tokenized(len(ids), own.context, ids)

        return _json(await _thread(service, measured))
    except InputError as e:
        return chat_failure(request.url.path, e)


@router.get("/v1/models", summary="All models", responses={200: json_response(ModelList, "The models.")})
async def models(request: Request) -> Response:
    """The models that requests may name; the first is the default."""
    service: Service = request.app.state.service
    return _json(ModelList([_model(name, service) for name in service.models]))


@router.get("/v1/models/{name:path}", summary="A model", responses={200: json_response(Model, "The model.")})
async def model(request: Request, name: str) -> Response:
    """One model."""
    service: Service = request.app.state.service
    if name not in list(service.models):
        missing = NoSuchModel(f"no model {name[:100]!r}", field="model", expected=", ".join(service.models))
        return chat_failure(request.url.path, missing)
    return _json(_model(name, service))


async def _answered(request: Request, read: Callable[[bytes, Service], Asked], chat: bool) -> Response:
    service: Service = request.app.state.service
    try:
        _check_type(request)
        body = await request.body()
        asked = await _thread(service, lambda: read(body, service))
        replies = Replies(asked, chat)
        if not asked.stream:
            return Response(replies.whole(await answers_of(asked, service)), media_type="application/json")
        events = _events(asked, service, replies, request.url.path)
        # Errors that come before anything is sent have a status of their own.
        first = await anext(events)
        return StreamingResponse(_after(first, events), media_type=EVENTS, headers=_HEADERS)
    except InputError as e:
        return chat_failure(request.url.path, e)


async def _events(asked: Asked, service: Service, replies: Replies, path: str) -> AsyncIterator[bytes]:
    sent = False
    try:
        async for news in news_of(asked, service):
            if event := replies.events(*news):
                sent = True
                yield event
        if asked.usage:
            yield replies.usage_event()
        yield DONE
    except Exception as e:
        if not sent:
            raise
        response = chat_failure(path, e) if isinstance(e, InputError) else failure(path, e)
        yield error_event(bytes(response.body))


async def _after(first: bytes, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for event in events:
            yield event
    finally:
        await events.aclose()  # type: ignore[attr-defined]


async def _thread(service: Service, work: Callable[[], Any]) -> Any:
    try:
        return await asyncio.get_running_loop().run_in_executor(service.threads, work)
    except RuntimeError as e:
        if "shutdown" in str(e):
            raise Closed("the service is shutting down") from None
        raise


def _check_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and not kind.endswith("json"):
        raise WrongType(f"is {kind[:80]}", field="content-type", expected="application/json",
                        fix="add -H 'Content-Type: application/json'")


def _model(name: str, service: Service) -> Model:
    return Model(name, STARTED, getattr(service.models[name].engine, "context", None))


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
