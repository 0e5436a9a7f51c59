"""What parsed YAML or JSON means as a schema: labels, descriptions, signatures, themes, a data set's own lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from iepile.errors import InputError
from iepile.schema import KINDS, EntityType, EventType, RelationType, Role, Schema
from iepile.values import read_values

THREE_LINES = "three lines of JSON: a list of types, a list of roles, a dict type -> roles"
_FIELDS = {"entities": ("examples", "values"),
           "relations": ("examples", "domain", "range", "pairs", "values", "at_most", "at_most_heads", "symmetric",
                         "transitive", "inverse"),
           "events": ("examples", "roles")}


def parse(data: object, task: str | None = None) -> Schema:
    """`Schema.from_dict`.

    Raises:
        InputError: not a schema, a label twice, a label that is not text.
    """
    if isinstance(data, Mapping) and data and set(data) <= set(_FIELDS):
        return Schema(
            tuple(EntityType(n, d, _texts(o.get("examples"), f"entities.{n}.examples"),
                             read_values(o.get("values"), f"entities.{n}.values"))
                  for n, d, o in labels(data.get("entities"), "entities")),
            tuple(_relation(n, d, o) for n, d, o in labels(data.get("relations"), "relations")),
            event_types(data.get("events")),
        )
    rows: list[Any] = data if isinstance(data, list) else [data]
    if rows and all(isinstance(o, Mapping) and ("role_list" in o or "predicate" in o) for o in rows):
        return _own_list(rows)
    task = (task or "").upper()
    kind = KINDS.get(task)
    if kind is None or not isinstance(data, Mapping | list) or not data:
        raise InputError("not a schema", expected="keys entities, relations, events; or " + THREE_LINES,
                         fix="or name the task, so that a bare list of labels has a meaning")
    if isinstance(data, Mapping) and (task == "KG" or kind != "events") and _is_themes(data):
        return _themes(data, task)
    if task in ("SPO", "KG"):
        named = list(labels(data, "relations"))
        found = Schema.of_signatures(signature(n) for n, _, _ in named)
        words = {signature(n)[1]: d for n, d, _ in reversed(named) if d}
        return Schema(relations=tuple(
            RelationType(r.name, words.get(r.name, ""), (), r.domain, r.range, r.pairs) for r in found.relations
        ))
    return parse({kind: data})


def signature(label: str) -> tuple[str, str, str]:
    """Head type, relation and tail type of `headType_relation_tailType`: cut at the first and the last `_`.

    Raises:
        InputError: not of that form.
    """
    head, _, rest = label.partition("_")
    name, _, tail = rest.rpartition("_")
    if not (head and name and tail):
        raise InputError(f"{label!r} names no relation with its types", expected="subjectType_predicate_objectType")
    return head, name, tail


def _own_list(objects: Iterable[Mapping[str, Any]]) -> Schema:
    """The schema files of DuEE (`event_type`, `role_list`) and of DuIE and CMeIE (`predicate` and two types)."""
    roles: dict[str, list[Any]] = {}
    triples: list[tuple[str, str, str]] = []
    for o in objects:
        if "role_list" in o:
            of = roles.setdefault(_text(o, "event_type"), [])
            if not isinstance(o["role_list"], list):
                raise InputError("role_list is not a list", field="role_list", expected='[{"role": text}, ...]')
            of += (_text(r, "role") if isinstance(r, Mapping) else r for r in o["role_list"])
        else:
            tail = o.get("object_type")
            # DuIE: a compound object; the values beside "@value" belong to other types.
            tails = {"object_type": tail["@value"]} if isinstance(tail, Mapping) and "@value" in tail else o
            triples.append((_text(o, "subject_type"), _text(o, "predicate"), _text(tails, "object_type")))
    events = event_types({n: list(dict.fromkeys(map(str, of))) for n, of in roles.items()})
    return Schema.of_signatures(triples) + Schema(events=events)


def _text(o: Mapping[str, Any], key: str) -> str:
    value = o.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{key} is {value!r}", field=key, expected="text that is not blank")
    return value


def _is_themes(data: Mapping[Any, Any]) -> bool:
    """Type -> its relations, and not label -> description or label -> fields."""
    fields = {"description", *(f for of in _FIELDS.values() for f in of)}
    return all(isinstance(v, list) or (isinstance(v, Mapping) and not set(v) <= fields) for v in data.values())


def _themes(data: Mapping[Any, Any], task: str) -> Schema:
    """Entity type or theme -> relations: a list, a list of `head_relation_tail`, or a dict to what describes them."""
    out = Schema(entities=tuple(EntityType(n) for n, _, _ in labels(list(data), "themes")))
    if task == "NER":
        return out
    for theme, of in data.items():
        if isinstance(of, list) and of and isinstance(of[0], list):  # InstructIE's own files: three lines a theme
            for r in _typed(of[0], f"themes.{theme}"):
                out += Schema(relations=(r,))
            continue
        named = list(labels(list(of) if isinstance(of, list) else dict.fromkeys(of), f"themes.{theme}"))
        found: list[RelationType] = []
        for name, _, _ in named:
            about = of[name] if isinstance(of, Mapping) else None
            if about is None and name.startswith(f"{theme}_") and name.count("_") > 1:
                head, name, tail = signature(name)
                found += Schema.of_signatures([(head, name, tail)]).relations
            elif isinstance(about, list):
                found.append(RelationType(name, "", (), (theme,), _texts(about, f"themes.{theme}.{name}")))
            else:
                found.append(RelationType(name, _description(about, f"themes.{theme}.{name}"), (), (theme,)))
        for r in found:
            out += Schema(relations=(r,))
    return out


def _typed(triples: list[Any], where: str) -> tuple[RelationType, ...]:
    """Relations of `headType_relation_tailType`, where a type may be several: `人物/组织`."""
    found = [signature(name) for name, _, _ in labels(triples, where)]
    return Schema.of_signatures(
        (head, name, tail) for heads, name, tails in found for head in heads.split("/") for tail in tails.split("/")
    ).relations


def event_types(data: object) -> tuple[EventType, ...]:
    """Event types of a list of names, or a dict name -> roles or fields.

    Raises:
        InputError: see `labels`.
    """
    return tuple(_event(n, d, o) for n, d, o in labels(data, "events"))


def _event(name: str, description: str, fields: Mapping[str, Any]) -> EventType:
    roles = tuple(Role(n, d, read_values(o.get("values"), f"events.{name}.roles.{n}.values"))
                  for n, d, o in labels(fields.get("roles"), f"events.{name}.roles"))
    return EventType(name, roles, description, _texts(fields.get("examples"), f"events.{name}.examples"))


def _relation(name: str, description: str, fields: Mapping[str, Any]) -> RelationType:
    where = f"relations.{name}"
    examples = _texts(fields.get("examples"), f"{where}.examples")
    domain, range_ = (_texts(fields.get(end), f"{where}.{end}") for end in ("domain", "range"))
    pairs = fields.get("pairs") or []
    if not isinstance(pairs, list) or not all(len(_texts(p, f"{where}.pairs")) == 2 for p in pairs):
        raise InputError(f"{pairs!r} are no pairs of types", field=f"{where}.pairs",
                         expected="[[head type, tail type], ...]")
    values = read_values(fields.get("values"), f"{where}.values")
    rules = _rules(fields, where)
    if not pairs:
        return RelationType(name, description, examples, domain, range_, (), values, **rules)
    exact = RelationType.joining(name, ((h, t) for h, t in pairs), description)
    for end, given, implied in (("domain", domain, exact.domain), ("range", range_, exact.range)):
        if given and set(given) != set(implied):
            raise InputError(f"{end} and pairs name other types", field=f"{where}.{end}", fix=f"leave {end} out")
    domain, range_ = domain or exact.domain, range_ or exact.range
    # In the order of domain and range, so that equal relations are equal records.
    ordered = tuple(p for p in product(domain, range_) if p in exact.pairs)
    return RelationType(name, description, examples, domain, range_, ordered, values, **rules)


def _rules(fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What a relation must hold to in a graph, see `RelationType`."""
    out: dict[str, Any] = {}
    number, yes_or_no = (int, "a whole number from 1"), (bool, "true or false")
    rules: dict[str, tuple[type, str]] = {"at_most": number, "at_most_heads": number, "symmetric": yes_or_no,
                                          "transitive": yes_or_no, "inverse": (str, "the name of a relation")}
    for key, (kind, expected) in rules.items():
        value: Any = fields.get(key)
        if value is None:
            continue
        # In Python true is a whole number.
        if type(value) is not kind or (isinstance(value, int) and value < 1) or value == "" or str(value).isspace():
            raise InputError(f"{key} is {value!r}", field=f"{where}.{key}", expected=expected)
        out[key] = value
    return out


def labels(data: object, where: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(name, description, other fields) of a list of names, or a dict name -> description or fields.

    Raises:
        InputError: a name that is not text or stands twice, an unknown field, a description that is not text.
    """
    if data is None:
        return
    fields = _FIELDS.get(where, ("values",) if where.endswith(".roles") else ())
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


def _texts(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(x, str) for x in value):
        return tuple(value)
    raise InputError(f"{value!r} is not a list of texts", field=where, expected="[text, ...]")
