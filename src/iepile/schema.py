"""What may be extracted: entity types, relation types, event types with roles, each with a description.

One `Schema` serves conversion, training, extraction, scoring, graph checks and the service. It is read
from any of the files in `schema_files.py`, and written as our YAML/JSON form or as IEPile's three lines.

>>> Schema.of_entities("person", "organisation").entity_names
('person', 'organisation')
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from iepile.errors import InputError
from iepile.jsonl import atomic_writer, dumps
from iepile.values import Values, written_values

KINDS = {"NER": "entities", "RE": "relations", "SPO": "relations", "KG": "relations", "TRIPLES": "relations",
         "EE": "events", "EET": "events", "EEA": "events"}
"""What the bare labels of a file mean, by task."""


class EntityType(msgspec.Struct, frozen=True, omit_defaults=True):
    """A kind of mention."""

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    values: Values = Values()
    """What a mention may be, where it need not stand in the text."""


class RelationType(msgspec.Struct, frozen=True, omit_defaults=True):
    """A directed relation; `domain` and `range` list the entity types of head and tail (empty: any)."""

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    range: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    """Exact (head type, tail type) where not every combination of domain and range is meant."""
    values: Values = Values()
    """What the tail may be, where it need not stand in the text."""
    at_most: int = 0
    """Tails that one head may have; 0: any number."""
    at_most_heads: int = 0
    """Heads that one tail may have; 0: any number."""
    symmetric: bool = False
    """Where a stands to b, b stands to a."""
    transitive: bool = False
    """Where a stands to b and b to c, a stands to c."""
    inverse: str = ""
    """The relation that says the same from the tail's side."""

    @property
    def signatures(self) -> tuple[tuple[str, str], ...]:
        """(head type, tail type) that the relation joins; none where one of the two may be any."""
        return self.pairs or tuple(product(self.domain, self.range))

    @classmethod
    def joining(cls, name: str, pairs: Iterable[tuple[str, str]], description: str = "") -> RelationType:
        """A relation between exactly these pairs of types."""
        pairs = list(pairs)
        domain, range_ = (tuple(dict.fromkeys(p[end] for p in pairs)) for end in (0, 1))
        return cls(name, description, (), domain, range_, _exact(domain, range_, set(pairs)))


class Role(msgspec.Struct, frozen=True, omit_defaults=True):
    """A slot of an event type."""

    name: str
    description: str = ""
    values: Values = Values()
    """What may fill it, where it need not stand in the text."""


class EventType(msgspec.Struct, frozen=True, omit_defaults=True):
    """A kind of event and the roles that take part in it."""

    name: str
    roles: tuple[Role, ...] = ()
    description: str = ""
    examples: tuple[str, ...] = ()

    @property
    def role_names(self) -> tuple[str, ...]:
        """Names of the roles, in schema order."""
        return tuple(r.name for r in self.roles)


class Schema(msgspec.Struct, frozen=True, omit_defaults=True):
    """The labels one may ask for, in the order they were given."""

    entities: tuple[EntityType, ...] = ()
    relations: tuple[RelationType, ...] = ()
    events: tuple[EventType, ...] = ()

    @property
    def entity_names(self) -> tuple[str, ...]:
        """Entity types, in order."""
        return tuple(e.name for e in self.entities)

    @property
    def relation_names(self) -> tuple[str, ...]:
        """Relation types, in order."""
        return tuple(r.name for r in self.relations)

    @property
    def event_names(self) -> tuple[str, ...]:
        """Event types, in order."""
        return tuple(e.name for e in self.events)

    @classmethod
    def of_entities(cls, *names: str) -> Schema:
        """A schema of entity types only."""
        return cls(entities=tuple(EntityType(n) for n in names))

    @classmethod
    def of_relations(cls, *names: str) -> Schema:
        """A schema of relation types only."""
        return cls(relations=tuple(RelationType(n) for n in names))

    @classmethod
    def of_events(cls, types: Mapping[str, Sequence[str]]) -> Schema:
        """A schema of event types from `{type: [roles]}`."""
        return cls(events=tuple(EventType(n, tuple(map(Role, roles))) for n, roles in types.items()))

    @classmethod
    def of_signatures(cls, triples: Iterable[tuple[str, str, str]]) -> Schema:
        """A schema of relations from (head type, relation, tail type)."""
        pairs: dict[str, list[tuple[str, str]]] = {}
        for head, name, tail in triples:
            pairs.setdefault(name, []).append((head, tail))
        return cls(relations=tuple(RelationType.joining(n, p) for n, p in pairs.items()))

    def attributes(self) -> dict[str, tuple[RelationType, ...]]:
        """Entity type -> the relations that have it in their domain (a relation without domain: every type)."""
        types = dict.fromkeys((*self.entity_names, *(t for r in self.relations for t in r.domain)))
        return {t: tuple(r for r in self.relations if not r.domain or t in r.domain) for t in types}

    @property
    def described(self) -> bool:
        """Whether a label or role has a description."""
        return (any(e.description for e in self.entities) or any(r.description for r in self.relations)
                or any(e.description or any(r.description for r in e.roles) for e in self.events))

    def __add__(self, other: Schema) -> Schema:
        """Both schemas as one: of a label that stands in both, the first description that is not blank.

        Examples and roles are joined, and so are domain and range, where an empty one means any type; of two limits
        on the number of tails or heads the larger holds, and none where one has none.
        """
        return Schema(
            _joined(self.entities, other.entities, _join_labels),
            _joined(self.relations, other.relations, _join_relations),
            _joined(self.events, other.events, _join_events),
        )

    @classmethod
    def read(cls, path: str | Path, task: str | None = None) -> Schema:
        """Read any supported schema file.

        Args:
            path: three-line `schema.json`, or YAML/JSON with `entities`, `relations`, `events`, or the schema
                file of a data set, or (these need `task`) a list of labels or dict label -> description.
            task: tells what bare labels mean.

        Raises:
            InputError: missing file, not one of the forms, a label twice, a label that is not text.
        """
        from iepile.schema_files import read_schema

        return read_schema(path, task)

    @classmethod
    def from_dict(cls, data: object, task: str | None = None) -> Schema:
        """Build from parsed YAML/JSON: `{entities, relations, events}`, a dict or a list of labels.

        Raises:
            InputError: see `read`.
        """
        from iepile.schema_labels import parse

        return parse(data, task)

    def three_lines(self, task: str) -> str:
        """IEPile's three-line form of the part of the schema that `task` asks (formats.md 1.2).

        Raises:
            InputError: no such task, or types that the form would cut in the wrong place.
        """
        task = task.upper()
        kind = KINDS.get(task)
        if kind is None:
            raise InputError(f"no three-line form for task {task}", expected=", ".join(KINDS))
        relations = list(self.relation_names)
        lines: tuple[object, object, object]
        if kind == "entities":
            lines = (list(self.entity_names), [], {})
        elif task in ("RE", "TRIPLES"):
            lines = ([], relations, {})
        elif task == "SPO":
            lines = (self._signatures(), [r.name for r in self.relations if r.signatures], {})
        elif task == "KG":
            of_type = {t: [r.name for r in of] for t, of in self.attributes().items() if of}
            lines = (self._signatures(), relations, of_type)
        else:
            of_type = {e.name: list(e.role_names) for e in self.events} if task != "EET" else {}
            lines = (list(self.event_names), list(dict.fromkeys(r for of in of_type.values() for r in of)), of_type)
        return "".join(dumps(x) + "\n" for x in lines)

    def _signatures(self) -> list[str]:
        out = []
        for r in self.relations:
            for head, tail in r.signatures:
                if "_" in head or "_" in tail:
                    raise InputError(f"the types of relation {r.name!r} hold a _", field="schema",
                                     fix="write the schema as YAML or JSON, where they may")
                out.append(f"{head}_{r.name}_{tail}")
        return out

    def to_dict(self) -> dict[str, Any]:
        """The YAML/JSON form that `from_dict` reads."""
        out: dict[str, Any] = {}
        for kind in ("entities", "relations"):
            if part := getattr(self, kind):
                out[kind] = {x.name: _without_name(x) for x in part}
        if self.events:
            out["events"] = {
                e.name: _without_name(e) | {"roles": {
                    r.name: r.description if r.values.verbatim else _without_name(r) for r in e.roles}}
                for e in self.events
            }
        return out

    def write(self, path: str | Path) -> None:
        """Write the YAML/JSON form (JSON is YAML too, so one file serves both suffixes)."""
        with atomic_writer(path) as f:
            f.write((json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n").encode())


def _without_name(x: msgspec.Struct) -> dict[str, Any]:
    values: Values = getattr(x, "values", Values())
    out = {k: v for k, v in msgspec.to_builtins(x).items() if k not in ("name", "roles", "values")}
    return out if values.verbatim else out | {"values": written_values(values)}


_Label = TypeVar("_Label", EntityType, RelationType, EventType)


def _joined(
    mine: tuple[_Label, ...], others: tuple[_Label, ...], join: Callable[[_Label, _Label], _Label]
) -> tuple[_Label, ...]:
    out = {x.name: x for x in mine}
    for x in others:
        old = out.get(x.name)
        out[x.name] = x if old is None else join(old, x)
    return tuple(out.values())


def _join_labels(a: _Label, b: _Label) -> _Label:
    examples = tuple(dict.fromkeys((*a.examples, *b.examples)))
    both = msgspec.structs.replace(a, description=a.description or b.description, examples=examples)
    if isinstance(both, EventType) or isinstance(b, EventType) or not both.values.verbatim:
        return both
    return msgspec.structs.replace(both, values=b.values)


def _join_relations(a: RelationType, b: RelationType) -> RelationType:
    def either(x: tuple[str, ...], y: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*x, *y))) if x and y else ()

    domain, range_ = either(a.domain, b.domain), either(a.range, b.range)
    both = {*a.signatures, *b.signatures} if a.signatures and b.signatures else set()
    limits = {n: max(x, y) if (x := getattr(a, n)) and (y := getattr(b, n)) else 0
              for n in ("at_most", "at_most_heads")}
    return msgspec.structs.replace(
        _join_labels(a, b), domain=domain, range=range_, pairs=_exact(domain, range_, both), **limits,
        symmetric=a.symmetric or b.symmetric, transitive=a.transitive or b.transitive, inverse=a.inverse or b.inverse)


def _exact(
    domain: tuple[str, ...], range_: tuple[str, ...], allowed: Set[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """The allowed pairs, in order; none where all are, so that equal relations are equal records."""
    every = tuple(product(domain, range_))
    pairs = tuple(p for p in every if p in allowed)
    return () if len(pairs) == len(every) else pairs


def _join_events(a: EventType, b: EventType) -> EventType:
    roles = {r.name: r for r in a.roles}
    for r in b.roles:
        old = roles.get(r.name)
        if old is not None:
            r = Role(r.name, old.description or r.description, r.values if old.values.verbatim else old.values)
        roles[r.name] = r
    return msgspec.structs.replace(_join_labels(a, b), roles=tuple(roles.values()))
