"""Empty mentions: a grammar that every server can read cannot shut them out, so they are taken out on arrival.

>>> next(without_empty('{"person": ["Ada", ""]}'))
'{"person": ["Ada"]}'
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from iepile.jsonl import dumps

NOTHING = "NAN"
"""What stands for a trigger or role that nothing fills."""


def without_empty(text: str) -> Iterator[str]:
    """Ways to say an answer without its empty mentions, the one that keeps most first; nothing where it has none.

    Which of them is an answer of the task only its shape can tell.
    """
    if '""' not in text:
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    said = _emptied(value, 0, False), _emptied(value, 0, True), _dropped(value, False), _dropped(value, True)
    yield from dict.fromkeys(map(dumps, said))


def _emptied(value: Any, depth: int, one_alone: bool) -> Any:
    """Lists lose their empty strings, roles say that nothing fills them; `one_alone`: what a list of a role has left
    stands without it."""
    if isinstance(value, dict):
        return {k: NOTHING if v == "" else _emptied(v, depth + 1, one_alone) for k, v in value.items() if k}
    if not isinstance(value, list):
        return value
    left = [_emptied(v, depth + 1, one_alone) for v in value if v != ""]
    if one_alone and depth > 1 and len(left) < 2 and len(left) < len(value):
        return left[0] if left else NOTHING
    return left


def _dropped(value: Any, members: bool) -> Any:
    """Without what holds an empty string: whole elements of lists, or members of objects too."""
    if isinstance(value, list):
        return [_dropped(v, members) for v in value if members or not _hollow(v)]
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if not members or (k and v != "")}
        return {k: _dropped(v, members) for k, v in kept.items()}
    return value


def _hollow(value: Any) -> bool:
    if isinstance(value, dict):
        return any(k == "" or _hollow(v) for k, v in value.items())
    return any(map(_hollow, value)) if isinstance(value, list) else value == ""
