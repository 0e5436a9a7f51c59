"""YAML of a fixed form, read so that every error names its line.

    suite, lines = read_lined(path.read_bytes(), path, Suite)
    lines.at("sets", 3, "task")                  # 17
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from iepile.errors import InputError

T = TypeVar("T")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|(\[\.\.\.\])")


class Lines:
    """Where in a file each value stands."""

    def __init__(self) -> None:
        self._known: dict[tuple[Hashable, ...], int] = {}

    def note(self, path: tuple[Hashable, ...], line: int) -> None:
        """Say where a value stands."""
        self._known[path] = line

    def at(self, *path: Hashable) -> int:
        """The line of a value, by keys and indexes; of what holds it, if it is not known."""
        while path and path not in self._known:
            path = path[:-1]
        return self._known.get(path, 1)


def read_lined(raw: bytes, file: str | Path, form: type[T]) -> tuple[T, Lines]:
    """Read a file of a form, a msgspec struct.

    Raises:
        InputError: not YAML, a key that stands twice, an alias, or not of that form.
    """
    lines = Lines()
    data = _data(raw, file, lines)
    try:
        return msgspec.convert(data, form), lines
    except msgspec.ValidationError as e:
        problem, _, where = str(e).partition(" - at `")
        path = _path(where)
        field = ".".join(map(str, path))
        raise InputError(problem[:1].lower() + problem[1:], file=file, line=lines.at(*path), field=field or None,
                         expected=f"see the documentation, {form.__name__}") from None


def _data(raw: bytes, file: str | Path, lines: Lines) -> Any:
    try:
        loader = yaml.SafeLoader(raw)
        node = loader.get_single_node()
        if node is None:
            return None
        _walk(node, (), lines, set(), str(file))
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        raise InputError(f"not YAML: {e.problem or e.context}", file=file, line=mark.line + 1 if mark else 1) from None
    except yaml.reader.ReaderError as e:
        line = raw[: e.position].count(b"\n") + 1
        raise InputError(f"not YAML: {e.reason}", file=file, line=line) from None
    except (yaml.YAMLError, ValueError) as e:  # a date that is none
        raise InputError(f"not YAML: {e}", file=file, line=1) from None
    except RecursionError:
        raise InputError("too deeply nested", file=file, line=1) from None


def _walk(node: Any, path: tuple[Hashable, ...], lines: Lines, met: set[int], file: str) -> None:
    line = node.start_mark.line + 1
    if id(node) in met:
        # A few aliases of aliases are more than any memory holds.
        raise InputError("an alias", file=file, line=line, fix="write the value out")
    met.add(id(node))
    lines.note(path, line)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if not name or name in seen:
                problem = f"{name!r} stands twice" if name else "a key that is not a word"
                raise InputError(problem, file=file, line=key.start_mark.line + 1, fix="keep one of them")
            seen.add(name)
            _walk(value, (*path, name), lines, met, file)
            lines.note((*path, name), key.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for n, value in enumerate(node.value):
            _walk(value, (*path, n), lines, met, file)


def _path(where: str) -> tuple[Hashable, ...]:
    """`$.tables[0].models[...]` as far as it is told: ("tables", 0, "models")."""
    out: list[Hashable] = []
    for step in _STEP.finditer(where.rpartition("$")[2]):
        if step[3]:
            break
        out.append(step[1] if step[1] is not None else int(step[2]))
    return tuple(out)
