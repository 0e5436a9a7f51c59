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
    """Ways to say an answer without its empty mentions; nothing where it has none.

    Which of them is an answer of the task only its shape can tell.
    """
    if '""' not in text:
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    said = _dropped(value, True), _emptied(value, 0, False), _emptied(value, 0, True), _dropped(value, False)
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


def _dropped(value: Any, alone: bool) -> Any:
    """Without empty strings, keys among them, in lists and in objects; or, not `alone`, without the elements of lists
    that hold any."""
    if isinstance(value, list):
        return [_dropped(v, alone) for v in value if not (v == "" if alone else _hollow(v))]
    if isinstance(value, dict):
        return {k: _dropped(v, alone) for k, v in value.items() if not alone or (k and v != "")}
    return value


def _hollow(value: Any) -> bool:
    if isinstance(value, dict):
        return any(k == "" or _hollow(v) for k, v in value.items())
    return any(map(_hollow, value)) if isinstance(value, list) else value == ""
