"""A request as servers are asked: the message or the prompt, and the shape of the answers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.extraction.engines.engine import Request
from iepile.instruction import read_instruction, text_first
from iepile.models.template import Template, read_template
from iepile.tasks.shape import Shape
from iepile.tasks.task import Item, Task, get_task


class Question(msgspec.Struct, frozen=True):
    """A request, read."""

    request: Request
    query: str
    """What the user says."""
    task: Task | None = None
    """None for a question in plain words."""
    items: tuple[Item, ...] = ()
    shape: Shape | None = None
    source: str = ""
    """The text that mentions are pieces of."""


def read_question(request: Request, schema_last: bool = False) -> Question:
    """Read a request.

    Args:
        schema_last: put the schema behind the text, for models that were trained so.

    Raises:
        InputError: not an instruction of its task.
    """
    query = request.instruction
    try:
        (query + request.input).encode()
    except UnicodeEncodeError:
        raise InputError("the text holds half a character (a lone surrogate)", fix="mend the encoding of the data"
                         ) from None
    if schema_last:
        with suppress(InputError):  # a question in plain words has no schema to move
            query = text_first(query).text
    if not request.task:
        return Question(request, query)
    instruction = read_instruction(request.instruction)
    task = get_task(request.task)
    items = task.read_items(instruction.schema)
    return Question(request, query, task, items, task.shape(items, request.values), instruction.input)


def messages(question: Question, system: str) -> list[dict[str, str]]:
    """The messages of a chat; the server's template makes a prompt of them.

    Args:
        system: empty: none, so that the template's own holds.
    """
    said, more = question.query, question.request.input
    user = {"role": "user", "content": f"{said}\n{more}" if more else said}
    return [{"role": "system", "content": system}, user] if system else [user]


def prompt(question: Question, template: str, system: str | None) -> str:
    """The prompt by one of our templates, without the token that begins a text, which servers put there.

    Args:
        system: None: the template's own.
    """
    more = question.request.input
    parsed = read_template(template, system, with_input=bool(more))
    query = question.query if not more or parsed.takes_input else f"{question.query}\n{more}"
    said: dict[str, Any] = {"query": query, "input": more, "system": parsed.system, "bos": "", "cut": "",
                            "eos": end_of(parsed)}
    return "".join(said.get(p.kind, p.text) for p in parsed.parts)


def end_of(template: Template) -> str:
    """The token that ends a turn, spelled out."""
    return template.end or "</s>"


def stops(template: str) -> list[str]:
    """Texts at which an answer ends, as servers take them."""
    parsed = read_template(template)
    return list(dict.fromkeys(filter(None, [parsed.end, *parsed.stop])))[:4]
