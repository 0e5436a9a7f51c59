"""What may be extracted: entity types, relation types, event types with roles, each with a description.

One `Schema` serves conversion, training, extraction, scoring, graph checks and the service. It reads
the three-line `schema.json` of IEPile (formats.md 1.2), a YAML/JSON form of our own, and plain
label -> description files, and writes the three-line form.

>>> Schema.of_entities("person", "organisation").entity_names
('person', 'organisation')
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from iepile.errors import InputError
from iepile.jsonl import atomic_writer, dumps, read_bytes

THREE_LINES = "three lines of JSON: a list of types, a list of roles, a dict type -> roles"
KINDS = {"NER": "entities", "RE": "relations", "EE": "events", "EET": "events", "EEA": "events"}
"""What the bare labels of a file mean, by task."""


class EntityType(msgspec.Struct, frozen=True, omit_defaults=True):
    """A kind of mention."""

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()


class RelationType(msgspec.Struct, frozen=True, omit_defaults=True):
    """A directed relation; `domain` and `range` list the entity types of head and tail (empty: any)."""

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    range: tuple[str, ...] = ()


class Role(msgspec.Struct, frozen=True, omit_defaults=True):
    """A slot of an event type."""

    name: str
    description: str = ""


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

    def __add__(self, other: Schema) -> Schema:
        """Both schemas as one: of a label that stands in both, the first description that is not blank.

        Examples and roles are joined, and so are domain and range, where an empty one means any type.
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
            path: three-line `schema.json`, or YAML/JSON with `entities`, `relations`, `events`,
                or a list of labels or dict label -> description (needs `task`).
            task: tells what bare labels mean (`NER`, `RE`, `EE`, `EET`, `EEA`).

        Raises:
            InputError: missing file, not one of the forms, a label twice, a label that is not text.
        """
        raw = read_bytes(path)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError("not UTF-8", file=path, expected="UTF-8",
                             fix="convert it, e.g. iconv -f GB18030 -t UTF-8") from None
        try:
            if str(path).removesuffix(".gz").removesuffix(".zst").endswith((".yaml", ".yml")):
                return cls.from_dict(_load_yaml(text), task)
            # Not splitlines: U+2028 and the like may stand inside a label.
            lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
            if not lines:
                raise InputError("the file is empty", expected=THREE_LINES)
            if len(lines) > 1 and all(_is_json(line) for _, line in lines[:3]):
                return _three_lines(lines, task)
            return cls.from_dict(_load_json(text), task)
        except json.JSONDecodeError as e:
            raise InputError(f"not JSON: {e.msg}", file=path, line=e.lineno, expected=THREE_LINES) from None
        except RecursionError:
            raise InputError("too deeply nested", file=path, expected=THREE_LINES) from None
        except InputError as e:
            raise e.at(path) from None

    @classmethod
    def from_dict(cls, data: object, task: str | None = None) -> Schema:
        """Build from parsed YAML/JSON: `{entities, relations, events}`, a dict or a list of labels.

        Raises:
            InputError: see `read`.
        """
        if isinstance(data, Mapping) and data and set(data) <= {"entities", "relations", "events"}:
            return cls(
                tuple(EntityType(n, d, _texts(o.get("examples"), f"entities.{n}.examples"))
                      for n, d, o in _labels(data.get("entities"), "entities", ("examples",))),
                tuple(RelationType(n, d, _texts(o.get("examples"), f"relations.{n}.examples"),
                                   _texts(o.get("domain"), f"relations.{n}.domain"),
                                   _texts(o.get("range"), f"relations.{n}.range"))
                      for n, d, o in _labels(data.get("relations"), "relations", ("examples", "domain", "range"))),
                tuple(_event(n, d, o) for n, d, o in _labels(data.get("events"), "events", ("examples", "roles"))),
            )
        kind = KINDS.get((task or "").upper())
        if kind is None or not isinstance(data, Mapping | list) or not data:
            raise InputError("not a schema", expected="keys entities, relations, events; or " + THREE_LINES,
                             fix="or name the task, so that a bare list of labels has a meaning")
        return cls.from_dict({kind: data})

    def three_lines(self, task: str) -> str:
        """IEPile's three-line form of the part of the schema that `task` asks (formats.md 1.2)."""
        kind = KINDS.get(task.upper())
        if kind == "entities":
            lines: tuple[object, object, object] = (list(self.entity_names), [], {})
        elif kind == "relations":
            lines = ([], list(self.relation_names), {})
        elif kind == "events":
            roles = list(dict.fromkeys(r for e in self.events for r in e.role_names))
            lines = (list(self.event_names), roles, {e.name: list(e.role_names) for e in self.events})
        else:
            raise InputError(f"no three-line form for task {task}", expected=", ".join(KINDS))
        return "".join(dumps(x) + "\n" for x in lines)

    def to_dict(self) -> dict[str, Any]:
        """The YAML/JSON form that `from_dict` reads."""
        out: dict[str, Any] = {}
        for kind in ("entities", "relations"):
            if part := getattr(self, kind):
                out[kind] = {x.name: _without_name(x) for x in part}
        if self.events:
            out["events"] = {
                e.name: _without_name(e) | {"roles": {r.name: r.description for r in e.roles}}
                for e in self.events
            }
        return out

    def write(self, path: str | Path) -> None:
        """Write the YAML/JSON form (JSON is YAML too, so one file serves both suffixes)."""
        with atomic_writer(path) as f:
            f.write((json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n").encode())


def _without_name(x: msgspec.Struct) -> dict[str, Any]:
    return {k: v for k, v in msgspec.to_builtins(x).items() if k not in ("name", "roles")}


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
    return msgspec.structs.replace(a, description=a.description or b.description, examples=examples)


def _join_relations(a: RelationType, b: RelationType) -> RelationType:
    def either(x: tuple[str, ...], y: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*x, *y))) if x and y else ()

    return msgspec.structs.replace(
        _join_labels(a, b), domain=either(a.domain, b.domain), range=either(a.range, b.range))


def _join_events(a: EventType, b: EventType) -> EventType:
    roles = {r.name: r for r in a.roles}
    for r in b.roles:
        old = roles.get(r.name)
        roles[r.name] = Role(r.name, old.description or r.description) if old else r
    return msgspec.structs.replace(_join_labels(a, b), roles=tuple(roles.values()))


def _no_repeats(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """A dict of the pairs; parsers would let the last of two equal labels win without a word."""
    out: dict[Any, Any] = {}
    for key, value in pairs:
        if key in out:
            raise InputError(f"{key!r} stands twice", fix="remove one")
        out[key] = value
    return out


def _load_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_no_repeats)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _load_yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """The safe loader, strict about keys that stand twice."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            self.flatten_mapping(node)
            keys = [(self.construct_object(k, deep=True), None) for k, _ in node.value]
            try:
                _no_repeats(keys)
            except TypeError:
                raise InputError("a label is a list or a dict", line=node.start_mark.line + 1) from None
            except InputError as e:
                raise e.at(line=node.start_mark.line + 1) from None
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)
    except yaml.MarkedYAMLError as e:
        line = None if e.problem_mark is None else e.problem_mark.line + 1
        raise InputError(f"not YAML: {e.problem}", line=line, expected="label: description") from None
    except yaml.YAMLError as e:
        raise InputError(f"not YAML: {e}") from None
    except ValueError as e:  # a time stamp that is none, as in 2020-13-40
        raise InputError(f"not YAML: {e}", fix="put labels that look like dates in quotes") from None


def _three_lines(lines: list[tuple[int, str]], task: str | None) -> Schema:
    if len(lines) < 3:
        raise InputError(f"the schema has {len(lines)} lines", expected=THREE_LINES,
                         fix="write [] or {} for the lines that your task does not use")
    parsed: list[Any] = []
    # The format ignores what follows the third line.
    for (n, line), want in zip(lines, ("list", "list", "dict"), strict=False):
        try:
            value = _load_json(line)
        except InputError as e:
            raise e.at(line=n) from None
        if type(value).__name__ != want:
            raise InputError(f"the value is not a {want}", line=n, expected=THREE_LINES)
        parsed.append(value)
    types, roles, by_type = parsed
    kind = KINDS.get((task or "").upper()) or ("events" if by_type else "entities" if types else "relations")
    try:
        if kind == "entities":
            return Schema.from_dict({"entities": types})
        if kind == "relations":
            return Schema.from_dict({"relations": roles})
        named = [n for n, _, _ in _labels(types, "events")]
    except InputError as e:
        raise e.at(line=lines[1 if kind == "relations" else 0][0]) from None
    try:
        return Schema.from_dict({"events": by_type | {n: [] for n in named if n not in by_type}})
    except InputError as e:
        raise e.at(line=lines[2][0]) from None


def _labels(
    data: object, where: str, fields: tuple[str, ...] = ()
) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    """(name, description, other fields) of a list of names, or a dict name -> description or fields."""
    if data is None:
        return
    pairs: list[tuple[Any, Any]]
    if isinstance(data, Mapping):
        pairs = list(data.items())
    elif isinstance(data, list):
        pairs = [(x, None) if not isinstance(x, Mapping) else (x.get("name"), x) for x in data]
    else:
        raise InputError("not a list or dict of labels", field=where, expected="label: description")
    seen: set[str] = set()
    for name, value in pairs:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"a label is {name!r}", field=where, expected="text that is not blank",
                             fix="put labels that look like numbers or true/false in quotes")
        if name in seen:
            raise InputError(f"label {name!r} stands twice", field=where, fix="remove one")
        seen.add(name)
        if isinstance(value, Mapping):
            if odd := [k for k in value if k not in ("name", "description", *fields)]:
                raise InputError(f"label {name!r} has a field {odd[0]!r}", field=where,
                                 expected=", ".join(("description", *fields)))
            yield name, _description(value.get("description"), f"{where}.{name}.description"), value
        elif isinstance(value, list) and where == "events":
            yield name, "", {"roles": value}
        else:
            yield name, _description(value, f"{where}.{name}"), {}


def _description(value: object, where: str) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    raise InputError(f"the description is {value!r}", field=where, expected="text", fix="put it in quotes")


def _event(name: str, description: str, fields: Mapping[str, Any]) -> EventType:
    roles = tuple(Role(n, d) for n, d, _ in _labels(fields.get("roles"), f"events.{name}.roles"))
    return EventType(name, roles, description, _texts(fields.get("examples"), f"events.{name}.examples"))


def _texts(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(x, str) for x in value):
        return tuple(value)
    raise InputError(f"{value!r} is not a list of texts", field=where, expected="[text, ...]")
