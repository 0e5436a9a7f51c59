"""Plain flags without the parser: `--name value` for text and whole numbers, nothing else.

The parser takes longer to load than a small file to score. Whatever is not plain here is left to it: help, unknown or
repeated flags, values that begin with a dash, other types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Any


def plain_settings(argv: Sequence[str], config_type: type[Any]) -> dict[str, Any] | None:
    """What `argv` says of the fields of a dataclass; None where the parser has to read it.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Config:
    ...     a_b: str = ""
    ...     n: int = 0
    >>> plain_settings(["--a-b", "x y", "--n=3"], Config)
    {'a_b': 'x y', 'n': 3}
    >>> plain_settings(["--a-b"], Config), plain_settings(["--n", "1e3"], Config)
    (None, None)
    """
    known = {f.name.replace("_", "-").lower(): f for f in fields(config_type)}
    found: dict[str, Any] = {}
    tokens = iter(argv)
    for token in tokens:
        flag, eq, value = token.partition("=")
        value = value if eq else next(tokens, "")
        field = known.get(flag[2:]) if flag.startswith("--") else None
        if field is None or field.name in found or not value or value.startswith("-"):
            return None
        if field.type == "str":
            found[field.name] = value
        elif field.type == "int" and value.isascii() and value.isdecimal():
            found[field.name] = int(value)
        else:
            return None
    needed = (f.name for f in fields(config_type) if f.default is MISSING and f.default_factory is MISSING)
    return None if any(name not in found for name in needed) else found
