"""What may fill a field of an answer: a piece of the text unless the schema says otherwise.

>>> Values("enum", options=("low", "high")).verbatim
False
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from iepile.errors import InputError

NUMBER = r"-?[0-9]{1,15}(\.[0-9]{1,10})?"
DATE = r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?"
KINDS = ("verbatim", "free", "number", "date")
EXPECTED = 'verbatim, free, number, date, a list of values, or {pattern: "regular expression"}'


class Values(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a field may hold."""

    kind: Literal["verbatim", "free", "number", "date", "pattern", "enum"] = "verbatim"
    """`verbatim`: a piece of the text; `free`: any text; `number`: 12, -3.5; `date`: 2024-05-01, 2024-05 or 2024;
    `pattern`: what a regular expression matches; `enum`: one of some values."""
    pattern: str = ""
    """The regular expression of `pattern`."""
    options: tuple[str, ...] = ()
    """The values of `enum`."""

    @property
    def verbatim(self) -> bool:
        """Whether the value must stand in the text."""
        return self.kind == "verbatim"


def told(fields: Iterable[tuple[str, Values]]) -> dict[str, Values]:
    """Of names and what fills them, those that need not be pieces of the text."""
    return {name: values for name, values in fields if not values.verbatim}


def read_values(data: object, where: str) -> Values:
    """What a schema file says about a field.

    Args:
        data: a word, a list of values, or `{pattern: ...}`; None: verbatim.
        where: the field, for errors.

    Raises:
        InputError: none of these, no value, a value twice, or no regular expression.
    """
    if data is None:
        return Values()
    if isinstance(data, str) and data in KINDS:
        return Values(data)  # type: ignore[arg-type]
    if isinstance(data, list):
        if not data or not all(isinstance(v, str) and v for v in data) or len(set(data)) < len(data):
            raise InputError(f"{data!r} are no values", field=where, expected="texts, each once",
                             fix="put values that look like numbers or true/false in quotes")
        return Values("enum", options=tuple(data))
    if isinstance(data, Mapping) and set(data) == {"pattern"} and isinstance(data["pattern"], str) and data["pattern"]:
        try:
            re.compile(data["pattern"])
        except re.error as e:
            raise InputError(f"{data['pattern']!r} is no regular expression: {e}", field=where) from None
        return Values("pattern", data["pattern"])
    raise InputError(f"{data!r} does not say what may fill the field", field=where, expected=EXPECTED)


def written_values(values: Values) -> Any:
    """The reverse of `read_values`."""
    if values.kind == "enum":
        return list(values.options)
    return {"pattern": values.pattern} if values.kind == "pattern" else values.kind
