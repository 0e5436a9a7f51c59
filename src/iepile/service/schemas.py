"""Schemas that requests may name, and those that they bring.

A name is that of a file in the served folder, without its ending, or one of the ready schemas (`instructie:人物`).
Files are read once, when the service starts: a name from a request is looked up and never becomes a path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from iepile.errors import InputError
from iepile.schema import KINDS, Schema
from iepile.schema_presets import PREFIX, themes
from iepile.schema_text import schema_of_text
from iepile.service.refusals import NotFound
from iepile.service.safe_patterns import check_patterns

MOST = 2_000
"""Most labels, roles and other values of a schema that a request brings."""
LONGEST = 20_000
"""Most characters of a short list of labels."""
LONGEST_NAME = 500
"""Characters of a label."""
ENDINGS = (".yaml", ".yml", ".json")


class Schemas:
    """Schemas by name."""

    def __init__(self, folder: str = "") -> None:
        """
        Raises:
            InputError: no such folder, a file that is no schema, or two files of one name.
        """
        self._schemas: dict[str, Schema] = {}
        if folder and not Path(folder).is_dir():
            raise InputError("no such folder", file=folder, field="schemas", expected="a folder of schema files")
        for path in sorted(Path(folder).iterdir()) if folder else ():
            if path.suffix.lower() not in ENDINGS or path.name.startswith("."):
                continue
            if path.stem in self._schemas:
                raise InputError(f"two schemas are called {path.stem!r}", file=path, fix="rename one of the files")
            self._schemas[path.stem] = Schema.read(path)

    def names(self) -> list[str]:
        """Names: those of the folder, then the ready ones."""
        return [*self._schemas, *_ready_names()]

    def __getitem__(self, name: str) -> Schema:
        """
        Raises:
            NotFound: no such schema.
        """
        if name in self._schemas:
            return self._schemas[name]
        if name.startswith(PREFIX) and (ready := _ready(name)) is not None:
            return ready
        near = get_close_matches(name[:100], self.names(), 1)
        raise NotFound(f"no schema {name[:100]!r}", field="schema", expected=_listed(self.names()),
                       fix=f"did you mean {near[0]}?" if near else "GET /v1/schemas lists them")

    def of(self, value: object, task: str | None = None) -> Schema:
        """The schema that a request means: a name, a short list of labels, or an object.

        Args:
            task: what bare labels are, where one task is asked.

        Raises:
            InputError: none of these, or more than a request may bring.
        """
        if isinstance(value, str):
            return self._of_text(value, task)
        if not isinstance(value, Mapping | list):
            raise InputError("is no schema", field="schema",
                             expected='a name, a list such as "person, place", or an object of our schema files')
        if _count(value) > MOST:
            raise InputError(f"has more than {MOST:,} labels and values", field="schema",
                             fix="ask fewer labels at a time")
        task = task.upper() if task else None
        plain = isinstance(value, list) and all(isinstance(label, str) for label in value)
        try:
            schema = Schema.from_dict(value, task if task in KINDS else "NER" if plain else None)
        except (RecursionError, OverflowError):
            raise InputError("is nested too deeply, or has a pattern that is", field="schema") from None
        except InputError as e:
            raise InputError(e.problem, field=".".join(filter(None, ("schema", e.field))), expected=e.expected,
                             fix=e.fix) from None
        check_patterns(schema)
        return _with_labels(schema)

    def _of_text(self, text: str, task: str | None) -> Schema:
        name = text.strip()
        if name in self._schemas or name.startswith(PREFIX):
            try:
                return self[name]
            except NotFound as e:
                raise InputError(e.problem, field=e.field, expected=e.expected, fix=e.fix) from None
        if len(text) > LONGEST:
            raise InputError(f"has more than {LONGEST:,} characters", field="schema",
                             fix="give a long schema as an object")
        if name.startswith(("{", "[")):
            raise InputError("is an object or a list in quotes", field="schema", fix="send it as it is, without them")
        file = name.lower().endswith(ENDINGS) and "," not in name
        stem = name.rpartition("/")[2].rpartition(".")[0] if file else name
        meant = [known for known in self._schemas if known.casefold() == stem.casefold()]
        if file and not meant:
            raise InputError(f"no schema {name[:100]!r}", field="schema", expected=_listed(self.names()),
                             fix="name it without its ending; one that is not listed is sent itself")
        near = meant or get_close_matches(name, self._schemas, 1, 0.8)
        if near:
            raise InputError(f"no schema {name!r}", field="schema", fix=f"did you mean {near[0]}? A label of this "
                             'name is asked by {"entities": ["' + name[:40] + '"]}')
        schema = schema_of_text(text, task)
        if _count(schema.to_dict()) > MOST:
            raise InputError(f"has more than {MOST:,} labels", field="schema", fix="ask fewer labels at a time")
        return _with_labels(schema)


def counts(schema: Schema) -> dict[str, int]:
    """Labels of each kind."""
    return {"entities": len(schema.entities), "relations": len(schema.relations), "events": len(schema.events),
            "roles": sum(len(event.roles) for event in schema.events)}


def about(schema: Schema) -> str:
    """A schema in a line: its first labels."""
    names = [*schema.entity_names, *schema.relation_names, *schema.event_names]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _with_labels(schema: Schema) -> Schema:
    names = (*schema.entity_names, *schema.relation_names, *schema.event_names,
             *(name for event in schema.events for name in event.role_names))
    if any(len(name) > LONGEST_NAME for name in names):
        raise InputError(f"a label has more than {LONGEST_NAME} characters", field="schema",
                         fix="name it shortly; a description may be longer")
    if not (schema.entities or schema.relations or schema.events):
        raise InputError("has no label", field="schema", expected='"person, place", or an object with entities')
    return schema


def _count(value: Any) -> int:
    """Values in lists and objects, counted no further than is allowed."""
    waiting, found = [value], 0
    while waiting and found <= MOST:
        item = waiting.pop()
        inner: Iterator[Any] = iter(item.values()) if isinstance(item, Mapping) else iter(item)
        for one in inner:
            found += 1
            if isinstance(one, Mapping | list):
                waiting.append(one)
            if found > MOST:
                break
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _ready_names() -> list[str]:
    return [PREFIX + name for language, of in themes().items() for name in (language, *of)]


def _ready(name: str) -> Schema | None:
    """A ready schema: all themes of a language, or some with commas between."""
    wanted = tuple(part.strip() for part in name.removeprefix(PREFIX).split(","))
    for language, of in themes().items():
        if wanted == (language,):
            return _of_themes(language, tuple(of))
        if len(wanted) <= len(of) and all(theme in of for theme in wanted):
            return _of_themes(language, tuple(dict.fromkeys(wanted)))
    return None


@lru_cache(maxsize=256)
def _of_themes(language: str, names: tuple[str, ...]) -> Schema:
    of = themes()[language]
    return Schema.from_dict({name: of[name] for name in names}, "RE")
