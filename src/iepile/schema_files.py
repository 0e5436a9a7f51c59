"""Schema files of all kinds, read into a `Schema`.

IEPile's three-line `schema.json` (formats.md 1.2); YAML or JSON of our own; label -> description; theme ->
relations (InstructIE); one JSON object a line or an array of them (DuEE: `event_type`, `role_list`; DuIE and
CMeIE: `subject_type`, `predicate`, `object_type`). A name of `schema_presets.py` stands for a schema of ours.
`schema_labels.py` gives what was parsed its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iepile.errors import InputError
from iepile.jsonl import read_bytes
from iepile.schema import KINDS, Schema
from iepile.schema_labels import THREE_LINES, event_types, labels, parse, signature
from iepile.schema_presets import preset

if TYPE_CHECKING:
    import yaml

Lines = list[tuple[int, str]]


def read_schema(path: str | Path, task: str | None = None) -> Schema:
    """`Schema.read`.

    Raises:
        InputError: missing file, not one of the forms, a label twice, a label that is not text, an unknown preset.
    """
    if (named := preset(path)) is not None:
        return parse(named, task if task and KINDS.get(task.upper()) != "events" else "RE")
    raw = read_bytes(path)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("not UTF-8", file=path, expected="UTF-8",
                         fix="convert it, e.g. iconv -f GB18030 -t UTF-8") from None
    try:
        plain = str(path).removesuffix(".gz").removesuffix(".zst")
        return read_schema_text(text, plain.endswith((".yaml", ".yml")), task)
    except InputError as e:
        raise e.at(path) from None


def read_schema_text(text: str, yaml: bool, task: str | None = None) -> Schema:
    """The schema that the content of a file states.

    Args:
        yaml: it is YAML; else JSON, or JSON lines.

    Raises:
        InputError: see `read_schema`.
    """
    try:
        if yaml:
            return parse(_load_yaml(text), task)
        # Not splitlines: U+2028 and the like may stand inside a label.
        lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
        if not lines:
            raise InputError("the file is empty", expected=THREE_LINES)
        if len(lines) > 1 and all(_is_json(line) for _, line in lines[:3]):
            return _objects(lines, task) if lines[0][1].lstrip()[:1] == "{" else _three_lines(lines, task)
        return parse(_load_json(text), task)
    except json.JSONDecodeError as e:
        raise InputError(f"not JSON: {e.msg}", line=e.lineno, expected=THREE_LINES) from None
    except RecursionError:
        raise InputError("too deeply nested", expected=THREE_LINES) from None


def _objects(lines: Lines, task: str | None) -> Schema:
    """One object a line."""
    objects = []
    for n, line in lines:
        try:
            objects.append(_load_json(line))
        except json.JSONDecodeError as e:
            raise InputError(f"not JSON: {e.msg}", line=n, expected="one JSON object a line") from None
        except InputError as e:
            raise e.at(line=n) from None
    return parse(objects, task)


def _three_lines(lines: Lines, task: str | None) -> Schema:
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
    task = (task or "").upper()
    kind = KINDS.get(task) or ("events" if by_type else "entities" if types else "relations")
    # Which of the lines a task reads.
    used = 2 if task == "KG" and by_type else 0 if task in ("SPO", "KG") else 1 if kind == "relations" else 0
    try:
        if used == 2:
            return parse(by_type, "KG")
        if task in ("SPO", "KG"):
            return Schema.of_signatures(signature(n) for n, _, _ in labels(types, "relations"))
        if kind != "events":
            return parse({kind: roles if kind == "relations" else types})
        named = [n for n, _, _ in labels(types, "events")]
    except InputError as e:
        raise e.at(line=lines[used][0]) from None
    try:
        return Schema(events=event_types(by_type | {n: [] for n in named if n not in by_type}))
    except InputError as e:
        raise e.at(line=lines[2][0]) from None


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
