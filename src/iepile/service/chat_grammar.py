"""What the answers to a request are held to: the fields in which clients of OpenAI, vLLM, SGLang and llama.cpp send it.

    {"response_format": {"type": "json_schema", "json_schema": {"schema": {...}}}}
    {"response_format": {"type": "iepile", "task": "NER"}}           the form of the task, mentions from the text
    {"structured_outputs": {"grammar": "start: ..."}}                Lark in llguidance's form, or GBNF
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from iepile.errors import InputError
from iepile.extraction.free_grammar import lark_of_choice, lark_of_gbnf, lark_of_regex, lark_of_schema
from iepile.service.chat_wire import Sampling
from iepile.service.refusals import Refusal
from iepile.service.safe_patterns import check_pattern
from iepile.values import Values

FORMATS = '{"type": "text"}, "json_object", "json_schema" or "iepile"'
_LLAMA_CPP = "%llguidance {}"
"""What a grammar begins with that llama.cpp is to read as Lark."""


class VerbatimForm(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="iepile"):
    """`{"type": "iepile"}`: the form of a task, every mention a piece of the text."""

    task: str | None = None
    """NER, RE, EE, ...; empty: a question in words that asks for triples. Not given: told by the question."""
    max_items: Annotated[int, Meta(ge=0, le=1000)] = 0
    """Most elements of one list; 0: as the model is served."""
    values: dict[str, Values] = {}
    """Fields that need not be pieces of the text: label, or `type|role`, to what fills it."""


def form_of(asked: Sampling) -> VerbatimForm | str | None:
    """What answers are held to: the form of a task, a grammar in Lark's notation, or nothing.

    Raises:
        InputError: no such form, or more than one.
    """
    given = [found for found in (_format(asked.response_format), *_fields(asked)) if found is not None]
    if len(given) > 1:
        raise Refusal("the answer is to be held to more than one form", field="response_format", expected="one")
    return given[0] if given else None


def _format(format: dict[str, Any] | None) -> VerbatimForm | str | None:
    kind = None if format is None else format.get("type")
    if format is None or kind == "text":
        return None
    if kind == "iepile":
        return _verbatim(format)
    if kind == "json_object":
        return lark_of_schema(format.get("schema") or {"type": "object"})
    if kind == "json_schema":
        schema = format.get("json_schema")
        if not isinstance(schema, dict) or "schema" not in schema:
            raise Refusal("has no schema", field="response_format.json_schema",
                          expected='{"type": "json_schema", "json_schema": {"name": "...", "schema": {...}}}')
        return lark_of_schema(schema["schema"])
    raise Refusal(f"is {str(kind)[:60]!r}", field="response_format.type", expected=FORMATS)


def _verbatim(format: dict[str, Any]) -> VerbatimForm:
    try:
        form = msgspec.convert(format, VerbatimForm)
    except msgspec.ValidationError as e:
        problem, _, where = str(e).partition(" - at `$")
        raise Refusal(problem, field="response_format" + where.rstrip("`")) from None
    for values in form.values.values():
        if values.kind == "pattern":
            check_pattern(values.pattern)
    return form


def _fields(asked: Sampling) -> list[str | None]:
    vllm = dict(asked.structured_outputs or {})
    known = ("grammar", "json", "regex", "choice", "json_object")
    if unknown := [k for k, v in vllm.items() if k not in known and v is not None]:
        raise Refusal(f"has {unknown[0][:60]!r}", field="structured_outputs", expected=", ".join(known))
    out: list[str | None] = []
    for field, given in (("structured_outputs.grammar", vllm.get("grammar")), ("guided_grammar", asked.guided_grammar),
                         ("ebnf", asked.ebnf), ("grammar", asked.grammar)):
        out.append(_grammar(given, field))
    out += [_schema(vllm.get("json"), "structured_outputs.json"), _schema(asked.guided_json, "guided_json")]
    out += [_regex(vllm.get("regex"), "structured_outputs.regex"), _regex(asked.guided_regex, "guided_regex")]
    out += [_choice(vllm.get("choice"), "structured_outputs.choice"), _choice(asked.guided_choice, "guided_choice")]
    out.append(lark_of_schema({"type": "object"}) if vllm.get("json_object") else None)
    return out


def _grammar(given: Any, field: str) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip():
        raise Refusal("is no grammar", field=field, expected="Lark in llguidance's form, or GBNF")
    if "::=" in given:
        return lark_of_gbnf(given)
    return given.removeprefix(_LLAMA_CPP)


def _schema(given: Any, field: str) -> str | None:
    if given is None:
        return None
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            raise Refusal("is no JSON", field=field, expected="a JSON schema") from None
    try:
        return lark_of_schema(given)
    except InputError as e:
        raise Refusal(e.problem, field=field, expected=e.expected) from None


def _regex(given: Any, field: str) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not given:
        raise Refusal("is no regular expression", field=field)
    return lark_of_regex(given)


def _choice(given: Any, field: str) -> str | None:
    if given is None:
        return None
    if not isinstance(given, list) or not given or not all(isinstance(x, str) and x for x in given):
        raise Refusal("are no texts to choose from", field=field, expected='["yes", "no"]')
    return lark_of_choice(given)
