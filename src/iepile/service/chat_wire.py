"""What goes over the wire of the OpenAI-compatible interface: the fields of requests and of answers.

Fields that only other servers or other models have use for are known too, so that they are refused by name, or let
pass where they change nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

MOST_ANSWERS = 16
MOST_LIKELIEST = 20
MOST_MESSAGES = 512
MOST_STOPS = 16
LONGEST_STOP = 200

_Share = Annotated[float, Meta(gt=0, le=1)]
_Tokens = Annotated[int, Meta(ge=1, le=1 << 20)]
_Nothing = Annotated[Any, Meta(description="Taken for the sake of clients; must be empty.")]
_Ignored = Annotated[Any, Meta(description="Taken for the sake of clients; changes nothing.")]


class Part(msgspec.Struct):
    """A piece of a message."""

    type: str
    text: str | None = None


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """What was said."""

    role: str
    """`system` or `developer` (first, if at all), then `user` and `assistant` in turn."""
    content: str | list[Part] | None = None
    name: _Ignored = None
    refusal: _Nothing = None
    annotations: _Nothing = None
    audio: _Nothing = None
    tool_calls: _Nothing = None
    tool_call_id: _Nothing = None
    function_call: _Nothing = None


class StreamOptions(msgspec.Struct):
    """What a stream tells."""

    include_usage: bool | None = None


class Sampling(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What both ways of asking have in common."""

    model: Annotated[str, Meta(description="Name of a model, see /v1/models; default: the first.")] = ""
    max_tokens: Annotated[_Tokens | None, Meta(description="Most tokens of the answer; default: as the model is "
                                                           "served, 512.")] = None
    temperature: Annotated[Annotated[float, Meta(ge=0, le=2)] | None, Meta(
        description="How freely tokens are drawn. Default: 0, the likeliest.")] = None
    top_p: _Share | None = None
    n: Annotated[Annotated[int, Meta(ge=1, le=MOST_ANSWERS)] | None, Meta(
        description="Answers; more than one need a temperature.")] = None
    seed: Annotated[int | None, Meta(description="Equal seeds give equal answers; default: another one each time.")] = \
        None
    stop: Annotated[str | list[str] | None, Meta(description="Texts at which the answer ends.")] = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: Annotated[dict[str, Any] | None, Meta(
        description='`{"type": "text"}`, `{"type": "json_object"}`, `{"type": "json_schema", "json_schema": '
                    '{"schema": {...}}}`, or `{"type": "iepile"}`: the form of the task that an instruction asks, '
                    "every mention a piece of the text.")] = None

    structured_outputs: Annotated[dict[str, Any] | None, Meta(
        description="As for vLLM: one of `grammar`, `json`, `regex`, `choice`.")] = None
    guided_grammar: str | None = None
    guided_json: Any = None
    guided_regex: str | None = None
    guided_choice: list[str] | None = None
    ebnf: Annotated[str | None, Meta(description="A grammar, as for SGLang.")] = None
    grammar: Annotated[str | None, Meta(description="A grammar, as for llama.cpp.")] = None

    frequency_penalty: Annotated[float | None, Meta(description="Only 0.")] = None
    presence_penalty: Annotated[float | None, Meta(description="Only 0.")] = None
    repetition_penalty: Annotated[float | None, Meta(description="Only 1.")] = None
    repeat_penalty: Annotated[float | None, Meta(description="Only 1.")] = None
    logit_bias: _Nothing = None
    user: _Ignored = None
    safety_identifier: _Ignored = None
    prompt_cache_key: _Ignored = None
    metadata: _Ignored = None
    service_tier: _Ignored = None
    store: _Ignored = None


class ChatRequest(Sampling, kw_only=True):
    """A conversation that wants its next answer."""

    messages: Annotated[list[Message], Meta(min_length=1, max_length=MOST_MESSAGES)]
    max_completion_tokens: _Tokens | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MOST_LIKELIEST)] | None = None
    chat_template_kwargs: Annotated[dict[str, Any] | None, Meta(
        description="Only what holds anyway: `enable_thinking: false`.")] = None
    tools: _Nothing = None
    tool_choice: _Nothing = None
    functions: _Nothing = None
    function_call: _Nothing = None
    parallel_tool_calls: _Ignored = None
    modalities: list[str] | None = None
    reasoning_effort: _Ignored = None
    verbosity: _Ignored = None


class CompletionRequest(Sampling, kw_only=True):
    """A prompt that wants to be continued; no template is put around it."""

    prompt: Annotated[str | list[str], Meta(description="One prompt; control tokens that it spells out are such.")]
    logprobs: Annotated[int, Meta(ge=0, le=MOST_LIKELIEST)] | None = None
    echo: Annotated[bool | None, Meta(description="Only false.")] = None
    suffix: _Nothing = None
    best_of: Annotated[int | None, Meta(description="Only 1.")] = None


class TokenizeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A conversation whose prompt is to be measured."""

    messages: Annotated[list[Message], Meta(min_length=1, max_length=MOST_MESSAGES)]
    model: str = ""


class Tokenized(msgspec.Struct):
    """The prompt of a conversation as the model reads it."""

    count: int
    max_model_len: int | None
    tokens: list[int]


class Usage(msgspec.Struct):
    """Tokens, counted by the model's own tokenizer; 0 where a model has none."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class TopToken(msgspec.Struct):
    """A token that might have stood in the place."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLogprob(msgspec.Struct):
    """A token of an answer."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[TopToken]


class Logprobs(msgspec.Struct):
    """Tokens of an answer."""

    content: list[TokenLogprob]
    refusal: None = None


class Said(msgspec.Struct):
    """What the model said."""

    content: str
    role: Literal["assistant"] = "assistant"
    refusal: None = None


class Choice(msgspec.Struct):
    """One answer."""

    index: int
    message: Said
    finish_reason: Literal["stop", "length"]
    logprobs: Logprobs | None = None


class ChatCompletion(msgspec.Struct):
    """The answers to a conversation."""

    id: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    system_fingerprint: str
    object: Literal["chat.completion"] = "chat.completion"


class Delta(msgspec.Struct, omit_defaults=True):
    """What is new of an answer."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET


class ChunkChoice(msgspec.Struct):
    """What is new of one answer."""

    index: int
    delta: Delta
    finish_reason: Literal["stop", "length"] | None = None
    logprobs: Logprobs | None = None


class ChatChunk(msgspec.Struct):
    """An event of a stream."""

    id: str
    created: int
    model: str
    choices: list[ChunkChoice]
    system_fingerprint: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    usage: Usage | UnsetType | None = UNSET


class TextLogprobs(msgspec.Struct):
    """Tokens of a completion."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class TextChoice(msgspec.Struct):
    """One completion, or what is new of it."""

    index: int
    text: str
    finish_reason: Literal["stop", "length"] | None = None
    logprobs: TextLogprobs | None = None


class TextCompletion(msgspec.Struct):
    """Completions of a prompt, or an event of their stream."""

    id: str
    created: int
    model: str
    choices: list[TextChoice]
    system_fingerprint: str
    object: Literal["text_completion"] = "text_completion"
    usage: Usage | UnsetType | None = UNSET


class Model(msgspec.Struct):
    """A model that is served."""

    id: str
    created: int
    max_model_len: int | None
    """Most tokens of prompt and answer; null: any number, or it reads no prompts."""
    object: Literal["model"] = "model"
    owned_by: Literal["iepile"] = "iepile"


class ModelList(msgspec.Struct):
    """All models."""

    data: list[Model]
    object: Literal["list"] = "list"
