"""Names that models give to the parts of an answer, and their words for nothing. The facts stand in aliases.toml.

>>> pick({"头实体": "Ada", "Tail": "Bob"}, "head"), is_nothing("N/A", "Ada left.")
('Ada', True)
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any


def levelled(text: str) -> str:
    """A name without the differences that mean nothing: case, width, blanks, `_` and `-`."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(ch for ch in plain if not ch.isspace() and ch not in "_-")


def match_names(names: Iterable[str]) -> dict[str, str]:
    """Levelled name -> name, for the names that no other one is like."""
    out: dict[str, str | None] = {}
    for name in names:
        key = levelled(name)
        out[key] = name if out.get(key, name) == name else None
    return {key: name for key, name in out.items() if name is not None and key}


def pick(value: Mapping[str, Any], part: str) -> Any:
    """What an object holds under one of the names of a part; None: nothing."""
    known = {levelled(k): v for k, v in value.items()}
    return next((known[name] for name in names_of(part) if name in known), None)


@cache
def names_of(part: str) -> tuple[str, ...]:
    """The names of a part of an answer (`head`, `trigger`...), levelled, the likeliest first."""
    return tuple(dict.fromkeys(map(levelled, _facts()["keys"][part])))


def is_wrapper(key: str) -> bool:
    """Whether a key may hold the whole answer."""
    return levelled(key) in _wrappers()


def is_nothing(value: str, text: str) -> bool:
    """Whether a value says that there is none: a word for nothing that does not stand in the text on its own.

    The word `null` in a text about programs may be a mention, `无` within `无锡` is none.
    """
    plain = value.strip().strip("\"'“”()（）<>[]【】。.")
    if not plain:
        return True
    if levelled(plain) not in _words():
        return False
    at = text.find(plain)
    while at >= 0:
        end = at + len(plain)
        if not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()):
            return False
        at = text.find(plain, end)
    return True


@cache
def _words() -> frozenset[str]:
    return frozenset(map(levelled, _facts()["nothing"]["words"]))


@cache
def _wrappers() -> frozenset[str]:
    return frozenset(map(levelled, _facts()["wrappers"]["keys"]))


@cache
def _facts() -> dict[str, Any]:
    return tomllib.loads(files("iepile.tasks").joinpath("aliases.toml").read_text("utf-8"))
