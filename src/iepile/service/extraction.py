"""What a request for extraction asks, and the facts that answer it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from iepile.errors import InputError
from iepile.extraction.extractor import Extractor
from iepile.extraction.grounding import Grounded
from iepile.extraction.plan import DOCUMENT_WINDOW
from iepile.extraction.polls import SchemaPolls
from iepile.records import Document
from iepile.schema import Schema
from iepile.service.batching import SharedEngine
from iepile.service.calls import Caller, too_many
from iepile.service.refusals import TooLarge
from iepile.service.settings import read_settings
from iepile.tasks.task import get_task
from iepile.unified import document_from_row, document_to_row

if TYPE_CHECKING:
    from iepile.service.app import Service

MOST_TASKS = 16
PLANNED = 50
"""Times as many questions as may be asked that a plan may come to, by the most careful guess."""
MOST_READ = 32_000_000
"""Characters of all texts, once for each batch of labels: so much is written down to see how long prompts are."""


class ExtractRequest(msgspec.Struct, forbid_unknown_fields=True):
    """One text or several, and what to look for. Give one of `text`, `texts`, `documents`."""

    schema: Annotated[str | list[Any] | dict[str, Any], Meta(
        description="A name (see /v1/schemas), a short list such as `person, place, wedding(time, place)`, or an "
                    "object with `entities`, `relations`, `events`.")]
    text: str | None = None
    texts: list[str] | None = None
    documents: Annotated[list[dict[str, Any]] | None, Meta(
        description="Rows of the unified format; id, language, source and meta are kept.")] = None
    tasks: Annotated[list[str], Meta(
        max_length=MOST_TASKS, description="NER, RE, EE, ...; default: those that the schema has labels for.")] = []
    model: Annotated[str, Meta(description="Name of a model; default: the first.")] = ""
    settings: Annotated[dict[str, Any], Meta(description="How texts are asked, see the schema Settings.")] = {}
    stream: Annotated[bool, Meta(
        description="One line of JSON for each document, as soon as it is answered (application/x-ndjson).")] = False


class Asked(msgspec.Struct):
    """A request, read and checked."""

    documents: list[Document]
    schema: Schema
    tasks: tuple[str, ...]
    model: str
    engine: SharedEngine
    settings: dict[str, Any]
    stream: bool
    kinds: tuple[str, ...]
    """What is looked for: "entity", "relation", "event"."""


def read_request(body: bytes, service: Service) -> Asked:
    """
    Raises:
        InputError: not a request, or something in it that means nothing.
        TooLarge: more texts or characters than are answered at once.
    """
    try:
        given = msgspec.json.decode(body, type=ExtractRequest)
    except msgspec.ValidationError as e:
        problem, _, where = str(e).partition(" - at `$")
        raise InputError(problem, field=where.rstrip("`").lstrip(".") or "body",
                         expected='{"text": "...", "schema": "person, place"}') from None
    except msgspec.DecodeError as e:
        raise InputError(f"is no JSON: {e}", field="body") from None
    engine = service.models[given.model]
    settings = read_settings(given.settings)
    tasks = tuple(dict.fromkeys(get_task(task[:40]).name for task in given.tasks))
    schema = service.schemas.of(given.schema, tasks[0] if len(tasks) == 1 else None)
    documents = _documents(given)
    if len(documents) > service.config.max_texts:
        raise TooLarge(f"more than {service.config.max_texts} texts", field="texts",
                       fix="send fewer at a time, or hand them in with POST /v1/documents")
    if sum(len(d.text) for d in documents) > service.config.max_characters:
        raise TooLarge(f"more than {service.config.max_characters:,} characters", field="texts",
                       fix="send less at a time, or hand it in with POST /v1/documents")
    polls = SchemaPolls(schema, tasks, settings["split_num"] or None)
    if not (asked := polls.tasks):
        raise InputError("has no label for what is asked", field="schema",
                         expected=f"labels for {', '.join(tasks)}" if tasks else "entities, relations or events")
    _check_amount([d.text for d in documents], len(polls.polls("en")), settings, service.config.max_questions)
    return Asked(documents, schema, tasks, given.model or next(iter(service.models)), engine, settings, given.stream,
                 tuple(dict.fromkeys(get_task(name).annotation for name in asked)))


def answers(asked: Asked, caller: Caller) -> Iterator[dict[str, Any]]:
    """The documents with their facts, in order, each as soon as it is answered: rows of the unified format.

    Raises:
        InputError: a text that cannot be asked.
        IepileError: the engine failed, or the work was broken off.
    """
    extractor = Extractor(caller, **asked.settings)
    texts = (d.text for d in asked.documents)
    found = extractor.extract_grounded(texts, asked.schema, asked.tasks)
    for document, grounded in zip(asked.documents, found, strict=True):
        facts = grounded.facts
        row = document_to_row(replace(document, entities=facts.entities, relations=facts.relations,
                                      events=facts.events, annotated=asked.kinds))
        if problems := _problems(grounded):
            row["problems"] = problems
        yield row


def _check_amount(texts: list[str], polls: int, settings: dict[str, Any], most: int) -> None:
    """Refuse what would be too much even to plan; the exact number of questions is counted when they are asked."""
    texts = [text for text in texts if text.strip()]
    characters, each = sum(map(len, texts)), polls * settings["passes"]
    # A window begins after at least this share of the one before (windows.py), and no token is shorter than a letter.
    windows = len(texts) + characters * (settings["overlap"] + 1) / (settings["window"] or DOCUMENT_WINDOW)
    if (len(texts) * each > most or windows * each * settings["orders"] > PLANNED * most
            or characters * polls > MOST_READ):
        raise too_many(most)


def _documents(given: ExtractRequest) -> list[Document]:
    if sum(x is not None for x in (given.text, given.texts, given.documents)) != 1:
        raise InputError("give one of them", field="text, texts, documents", expected="a text, or a list")
    if given.text is not None:
        return [Document(given.text)]
    if given.texts is not None:
        found = [Document(text) for text in given.texts]
    else:
        found = [_document(n, row) for n, row in enumerate(given.documents or ())]
    if not found:
        raise InputError("is empty", field="texts" if given.documents is None else "documents")
    return found


def _document(number: int, row: dict[str, Any]) -> Document:
    try:
        return document_from_row(row)
    except InputError as e:
        field = ".".join(filter(None, (f"documents[{number}]", e.field)))
        raise InputError(e.problem, field=field, expected=e.expected, fix=e.fix) from None


def _problems(grounded: Grounded) -> list[dict[str, Any]]:
    """Mentions that are not in the text as they were answered, as output files have them."""
    out: dict[tuple[str, str], dict[str, Any]] = {}
    for placed in grounded.placements:
        if placed.method == "none":
            out["ungrounded", placed.answered] = {"kind": "ungrounded", "detail": placed.answered}
        elif placed.method in ("normalised", "fuzzy"):
            detail = f"{placed.answered} -> {placed.span.text}"
            out[placed.method, detail] = {"kind": placed.method, "detail": detail, "score": placed.score}
    return list(out.values())
