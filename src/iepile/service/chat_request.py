"""A request of the OpenAI-compatible interface, read and checked: the requests to the engine that it comes to."""

from __future__ import annotations

import hashlib
import secrets
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from iepile.errors import InputError
from iepile.extraction.engines.engine import Request
from iepile.extraction.manner import Manner, Turn
from iepile.instruction import read_instruction
from iepile.instructions.wording import tasks_of
from iepile.models.chat import OWN_SETTINGS
from iepile.service.batching import SharedEngine
from iepile.service.chat_grammar import VerbatimForm, form_of
from iepile.service.chat_refusals import NoSuchModel, Unsupported
from iepile.service.chat_wire import (
    LONGEST_STOP,
    MOST_STOPS,
    ChatRequest,
    CompletionRequest,
    Message,
    Sampling,
    TokenizeRequest,
)
from iepile.service.reading_along import ReadingAlong
from iepile.service.refusals import Refusal, TooLarge
from iepile.tasks.task import get_task, task_names

if TYPE_CHECKING:
    from iepile.service.app import Service

MOST_TOKENS = 1 << 15
"""Tokens of an answer where the model itself knows no limit."""
A = TypeVar("A", bound=msgspec.Struct)


class Asked(msgspec.Struct):
    """A request, ready to be answered."""

    model: str
    engine: SharedEngine
    requests: list[Request]
    """One for each answer; the keys are their numbers."""
    readers: list[ReadingAlong]
    """Of each answer; none where the engine answers at one go."""
    stream: bool
    usage: bool
    """A stream ends with the usage."""
    logprobs: bool


class Talk(msgspec.Struct):
    """A conversation, in order."""

    system: str | None
    turns: tuple[Turn, ...]
    """Before the question."""
    question: str


def read_chat(body: bytes, service: Service) -> Asked:
    """The body of a request to `/v1/chat/completions`.

    Raises:
        InputError: something in it means nothing, or cannot be had here.
    """
    given = _decoded(body, ChatRequest, '{"messages": [{"role": "user", "content": "..."}]}')
    _refuse_unsupported(given)
    for field in ("tools", "functions", "tool_choice", "function_call"):
        if getattr(given, field) not in (None, [], "none"):
            raise Unsupported("the models here call no tools", field=field, fix="use response_format for JSON")
    if given.modalities not in (None, ["text"]):
        raise Unsupported("the models here write text only", field="modalities")
    for name, value in (given.chat_template_kwargs or {}).items():
        if OWN_SETTINGS.get(name) != value:
            raise Unsupported("prompts are written as the model was trained", field=f"chat_template_kwargs.{name[:40]}",
                              expected=", ".join(f"{k}: {v}".lower() for k, v in OWN_SETTINGS.items()))
    if given.top_logprobs and not given.logprobs:
        raise Refusal("goes with logprobs: true", field="top_logprobs")
    talk = read_talk(given.messages)
    return _asked(given, service, talk, given.max_completion_tokens, given.top_logprobs or 0, bool(given.logprobs))


def read_completion(body: bytes, service: Service) -> Asked:
    """The body of a request to `/v1/completions`.

    Raises:
        InputError: see `read_chat`.
    """
    given = _decoded(body, CompletionRequest, '{"prompt": "..."}')
    _refuse_unsupported(given)
    if given.echo or given.suffix or given.best_of not in (None, 1):
        raise Unsupported("not known here", field="echo, suffix, best_of", fix="leave it out")
    prompts = [given.prompt] if isinstance(given.prompt, str) else given.prompt
    if not prompts or not prompts[0]:
        raise Refusal("is empty", field="prompt", expected="a text to go on from")
    if len(prompts) != 1:
        raise Unsupported("more than one prompt", field="prompt", fix="send a request for each; they are answered "
                          "together")
    talk = Talk(None, (), prompts[0])
    return _asked(given, service, talk, None, given.logprobs or 0, given.logprobs is not None)


def read_tokenize(body: bytes, service: Service) -> tuple[SharedEngine, Request]:
    """The body of a request to `/v1/tokenize`: the engine, and what it would be asked.

    Raises:
        InputError: see `read_chat`.
    """
    given = _decoded(body, TokenizeRequest, '{"messages": [{"role": "user", "content": "..."}]}')
    _, engine = _engine(given.model, service)
    if not getattr(engine.engine, "manners", False):
        raise Unsupported("this model has no tokens", field="model")
    talk = read_talk(given.messages)
    _check_length(talk, service)
    return engine, Request("0", "", talk.question, manner=Manner(talk.turns, talk.system))


def read_talk(messages: list[Message]) -> Talk:
    """
    Raises:
        InputError: not a conversation: roles out of turn, or something that is no text.
    """
    texts = [_text(n, m) for n, m in enumerate(messages)]
    first = 1 if messages[0].role in ("system", "developer") else 0
    said = messages[first:]
    for n, message in enumerate(said):
        wanted = ("user", "assistant")[n % 2]
        if message.role != wanted:
            raise Refusal(f"is {message.role[:40]!r}", field=f"messages[{n + first}].role",
                          expected=f"{wanted}: a system sentence or none, then user and assistant in turn")
    if len(said) % 2 == 0:
        raise Refusal("the last message is not the user's", field="messages", expected="a question at the end")
    turns = tuple(Turn("assistant" if n % 2 else "user", t) for n, t in enumerate(texts[first:-1]))
    return Talk(texts[0] if first else None, turns, texts[-1])


def _asked(given: Sampling, service: Service, talk: Talk, longest: int | None, likeliest: int,
           logprobs: bool) -> Asked:
    if longest is not None and given.max_tokens not in (None, longest):
        raise Refusal("says other than max_tokens", field="max_completion_tokens", fix="give one of them")
    name, engine = _engine(given.model, service)
    _check_length(talk, service)
    form = form_of(given)
    answers, temperature = given.n or 1, given.temperature or 0.0
    if answers > 1 and not temperature:
        raise Refusal("without a temperature all answers are equal", field="n", fix="set a temperature above 0")
    stop = _stops(given.stop)
    raw = isinstance(given, CompletionRequest)
    if not getattr(engine.engine, "manners", False):
        if raw or talk.turns or talk.system or answers > 1 or logprobs or stop or isinstance(form, str):
            raise Unsupported(
                f"the model {name} answers instructions only: one at a time, in the form of their task", field="model",
                expected='one user message {"instruction": ..., "schema": [...], "input": ...}, without system, n, '
                         "stop, logprobs or a grammar")
        requests, readers = [_row("0", talk.question, form or VerbatimForm())], []
    else:
        if raw and isinstance(form, VerbatimForm):
            raise Unsupported("needs a conversation", field="response_format", fix="use /v1/chat/completions")
        own: Any = engine.engine
        manner = Manner(
            talk.turns, talk.system, raw, isinstance(form, VerbatimForm),
            form.max_items if isinstance(form, VerbatimForm) else 0,
            own.grammar(form) if isinstance(form, str) else None,
            _bounded(own, given.max_tokens or longest or 0), temperature, given.top_p or 1.0, 0, stop, likeliest)
        row = _row("0", talk.question, form) if isinstance(form, VerbatimForm) else Request("0", "", talk.question)
        readers = [ReadingAlong() for _ in range(answers)]
        requests = [msgspec.structs.replace(row, key=str(n), manner=msgspec.structs.replace(
            manner, seed=_seed(given.seed, n), reader=reader)) for n, reader in enumerate(readers)]
        own.check(requests[0])
    return Asked(name, engine, requests, readers, bool(given.stream),
                 bool(given.stream_options and given.stream_options.include_usage), logprobs)


def _row(key: str, question: str, form: VerbatimForm) -> Request:
    """An instruction row, with its task.

    Raises:
        InputError: none, or of no task that is known.
    """
    if form.task == "":
        return Request(key, "", question)
    try:
        instruction = read_instruction(question)
    except InputError as e:
        raise Refusal(e.problem, field="messages", expected=e.expected,
                      fix="the last message is the instruction of a row, as `iepile convert` writes it") from None
    if form.task is not None:
        task = get_task(form.task[:40])
    else:
        told = dict.fromkeys(task for task, _ in tasks_of(instruction.prompt, instruction.schema))
        if len(told) != 1:
            raise Refusal("the wording does not tell the task" if not told else f"may be {' or '.join(told)}",
                          field="response_format.task", expected=", ".join(task_names()),
                          fix='name it: {"type": "iepile", "task": "NER"}')
        task = get_task(next(iter(told)))
    task.read_items(instruction.schema)
    return Request(key, task.name, question, values=form.values)


def _decoded(body: bytes, of: type[A], expected: str) -> A:
    try:
        return msgspec.json.decode(body, type=of)
    except msgspec.ValidationError as e:
        problem, _, where = str(e).partition(" - at `$")
        field = where.rstrip("`").lstrip(".")
        if "unknown field" in problem and not field:
            name = problem.split("`")[1][:60]
            near = get_close_matches(name, of.__struct_fields__, 1)
            raise Unsupported("not known here", field=name,
                              fix=f"did you mean {near[0]}?" if near else "leave it out") from None
        raise Refusal(problem[:200], field=field or None, expected=None if field else expected) from None
    except msgspec.DecodeError as e:
        raise Refusal(f"is no JSON: {e}"[:200], field="body", expected=expected) from None
    except RecursionError:
        raise Refusal("is nested too deeply", field="body") from None


def _engine(name: str, service: Service) -> tuple[str, SharedEngine]:
    names = list(service.models)
    if name and name not in names:
        raise NoSuchModel(f"no model {name[:100]!r}", field="model", expected=", ".join(names))
    return name or names[0], service.models[name]


def _check_length(talk: Talk, service: Service) -> None:
    size = len(talk.question) + len(talk.system or "") + sum(len(t.content) for t in talk.turns)
    if size > service.config.max_characters:
        raise TooLarge(f"{size:,} characters", field="messages",
                       expected=f"at most {service.config.max_characters:,}")


def _refuse_unsupported(given: Sampling) -> None:
    for field, nothing in (("frequency_penalty", 0), ("presence_penalty", 0), ("repetition_penalty", 1),
                           ("repeat_penalty", 1)):
        if getattr(given, field) not in (None, nothing):
            raise Unsupported("an answer repeats what its text repeats: it is not punished for it", field=field,
                              expected=str(nothing))
    if given.logit_bias:
        raise Unsupported("tokens are not weighted here", field="logit_bias", fix="use a grammar")
    if given.stream_options is not None and not given.stream:
        raise Refusal("goes with stream: true", field="stream_options")


def _text(number: int, message: Message) -> str:
    where = f"messages[{number}]"
    for field in ("refusal", "annotations", "audio", "tool_calls", "tool_call_id", "function_call"):
        if getattr(message, field):
            raise Unsupported("not known here", field=f"{where}.{field}", fix="leave it out")
    if isinstance(message.content, str):
        return message.content
    parts = message.content
    if not parts:
        raise Refusal("says nothing", field=f"{where}.content", expected="text")
    for part in parts:
        if part.type != "text" or part.text is None:
            raise Unsupported(f"is {part.type[:40]!r}", field=f"{where}.content", expected="parts of type text")
    return "\n".join(part.text or "" for part in parts)


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if len(stops) > MOST_STOPS or not all(0 < len(s) <= LONGEST_STOP for s in stops):
        raise Refusal("are not texts to stop at", field="stop",
                      expected=f"at most {MOST_STOPS} of 1 to {LONGEST_STOP} characters")
    return stops


def _bounded(engine: Any, wanted: int) -> int:
    return min(wanted, engine.context or MOST_TOKENS)


def _seed(seed: int | None, number: int) -> int:
    """The seed of one of several answers."""
    if seed is None:
        return secrets.randbits(63)
    return seed if not number else int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:8])
