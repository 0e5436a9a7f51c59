"""The forms of answers, for the description of the interface: rows of the unified format (unified.py), and errors."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

_Place = Annotated[list[int], Meta(description="First code point and one past the last; empty: not in the text.")]
_Sure = Annotated[float, Meta(ge=0, le=1)]


class EntityRow(msgspec.Struct):
    """A mention of an entity type."""

    entity: str
    entity_type: str
    pos: _Place | UnsetType = UNSET
    confidence: _Sure | UnsetType = UNSET
    support: _Sure | UnsetType = UNSET


class RelationRow(msgspec.Struct):
    """A directed relation between two mentions."""

    head: str
    relation: str
    tail: str
    head_type: str | UnsetType = UNSET
    tail_type: str | UnsetType = UNSET
    head_pos: _Place | UnsetType = UNSET
    tail_pos: _Place | UnsetType = UNSET
    confidence: _Sure | UnsetType = UNSET
    support: _Sure | UnsetType = UNSET


class ArgumentRow(msgspec.Struct):
    """What fills a role of an event."""

    argument: str
    role: str
    argument_pos: _Place | UnsetType = UNSET
    confidence: _Sure | UnsetType = UNSET
    support: _Sure | UnsetType = UNSET


class EventRow(msgspec.Struct):
    """An event."""

    event_type: str
    event_trigger: str | UnsetType = UNSET
    trigger_pos: _Place | UnsetType = UNSET
    arguments: list[ArgumentRow] | UnsetType = UNSET
    confidence: _Sure | UnsetType = UNSET
    support: _Sure | UnsetType = UNSET


class ProblemRow(msgspec.Struct):
    """A mention that is not in the text as it was answered."""

    kind: str
    detail: str
    score: float | UnsetType = UNSET


class DocumentRow(msgspec.Struct):
    """A text with its facts. A list that is there says that these facts were looked for."""

    text: str
    id: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    entity: list[EntityRow] | UnsetType = UNSET
    relation: list[RelationRow] | UnsetType = UNSET
    event: list[EventRow] | UnsetType = UNSET
    problems: list[ProblemRow] | UnsetType = UNSET
    meta: dict[str, Any] | UnsetType = UNSET


class ExtractResponse(msgspec.Struct):
    """Facts of the texts, in their order."""

    model: str
    documents: list[DocumentRow]
    seconds: float


class Labels(msgspec.Struct):
    """How many labels a schema has of each kind."""

    entities: int
    relations: int
    events: int
    roles: int


class SchemaEntry(msgspec.Struct):
    """A schema that requests may name."""

    name: str
    about: str
    labels: Labels


class CheckedSchema(msgspec.Struct):
    """A schema as it was understood."""

    schema: dict[str, Any]
    about: str
    labels: Labels
    tasks: Annotated[list[str], Meta(description="Asked when a request names none.")]


class Fault(msgspec.Struct):
    """What is wrong, where, what would be right, and what to do."""

    problem: str
    field: str | None
    expected: str | None
    fix: str | None


class Error(msgspec.Struct):
    """An error."""

    error: Fault


class ChatFault(msgspec.Struct):
    """An error in OpenAI's form."""

    message: str
    type: str
    param: str | None
    code: str | None


class ChatError(msgspec.Struct):
    """An error in OpenAI's form."""

    error: ChatFault
