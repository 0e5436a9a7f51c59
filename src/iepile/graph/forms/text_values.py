"""The values of an edge as text, for forms that know nothing else, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iepile.errors import InputError
from iepile.graph.forms.identified import FIELDS

KINDS: dict[str, type[Any]] = dict.fromkeys(FIELDS, str) | dict.fromkeys(
    ("head_start", "head_end", "tail_start", "tail_end", "snippet_start"), int) | {
    "ungrounded": bool, "confidence": float}
"""Python types of the fields of an edge."""
REQUIRED = frozenset(("head", "relation", "tail", "kind", "document"))
"""Those that are never None."""


def text_of(value: object) -> str:
    """A value as text: `true`, `3`, `0.5`; numbers with all their digits."""
    return value if isinstance(value, str) else ("true" if value else "false") if isinstance(value, bool) else repr(
        value)


def value_of(field: str, text: str) -> Any:
    """The value that `text_of` wrote.

    Raises:
        InputError: not a number, or neither `true` nor `false`.
    """
    kind = KINDS[field]
    if kind is str:
        return text
    try:
        return _READ[kind](text)
    except (KeyError, ValueError):
        raise InputError(f"{field} is {text[:40]!r}", field=field, expected=_EXPECTED[kind]) from None


_SAID = {"true": True, "false": False, "1": True, "0": False}
_READ: dict[type[Any], Callable[[str], Any]] = {int: int, float: float, bool: lambda text: _SAID[text.lower()]}
_EXPECTED = {int: "a whole number", float: "a number", bool: "true or false"}
