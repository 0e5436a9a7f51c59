"""Dialects of OpenAI's protocol: how each server is told and how it takes a grammar, read from vendors.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

Step = Literal["verbatim", "lark", "gbnf", "json_schema", "none"]
LADDER: tuple[Step, ...] = ("verbatim", "lark", "gbnf", "json_schema")
"""Ways to hold an answer to its form, the strictest first; after them only the plain answer is left."""


class Dialect(msgspec.Struct, frozen=True):
    """What sets one kind of server apart."""

    name: str
    owned_by: tuple[str, ...] = ()
    """What its list of models says under `owned_by`."""
    paths: tuple[str, ...] = ()
    """A call that only it has, in its `/openapi.json`."""
    always: dict[str, float] = {}
    """Fields of every request, against defaults that change the likeliest answer."""
    template_settings: bool = False
    """Takes `chat_template_kwargs`."""
    context: str = ""
    """Where it tells how many tokens it holds: `models`, `props`, `ollama`; empty: nowhere."""
    tokenize: str = ""
    """How it counts tokens: `messages`, `text`, `content`, `extras`; empty: not at all."""
    lists_all: bool = True
    """Whether its list of models names all that it answers with."""
    strict_schemas: bool = False
    """Takes no more of JSON schema than OpenAI's strict mode."""
    verbatim: tuple[dict[str, Any], ...] = ()
    """It knows our tasks and writes the grammar itself; `$`: the task, most elements of a list, values."""
    lark: tuple[dict[str, Any], ...] = ()
    gbnf: tuple[dict[str, Any], ...] = ()
    json_schema: tuple[dict[str, Any], ...] = ()

    def forms(self, step: Step) -> tuple[dict[str, Any], ...]:
        """Fields of a request that carry a grammar of this step, `$` in its place; more than one: try in turn."""
        known = {"verbatim": self.verbatim, "lark": self.lark, "gbnf": self.gbnf, "json_schema": self.json_schema}
        return known.get(step, ())


class Words(msgspec.Struct, frozen=True):
    """Words of vendors' errors, in small letters."""

    context: tuple[str, ...]
    quota: tuple[str, ...]


@cache
def dialects() -> dict[str, Dialect]:
    """All dialects by name."""
    return {n: msgspec.convert(d | {"name": n}, Dialect) for n, d in _facts()["server"].items()}


@cache
def words() -> Words:
    """What errors are told by."""
    return msgspec.convert(_facts()["messages"], Words)


def dialect_of(owners: Iterable[str], paths: Iterable[str]) -> Dialect:
    """The dialect of a server, by the owners in its list of models, else by its calls; `other` where neither tells."""
    known, calls = set(owners), set(paths)
    for d in dialects().values():
        if known & set(d.owned_by):
            return d
    for d in dialects().values():
        if calls & set(d.paths):
            return d
    return dialects()["other"]


def filled(form: dict[str, Any], grammar: Any) -> dict[str, Any]:
    """The fields of a request: a form with its grammar (text, or a JSON schema) in place of `$`."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: put(v) for k, v in value.items()}
        if isinstance(value, str) and isinstance(grammar, str):
            # Not by replace: the grammar goes in once, whatever it holds.
            before, dollar, after = value.partition("$")
            return before + grammar + after if dollar else value
        return grammar if value == "$" else value

    return {k: put(v) for k, v in form.items()}


def _facts() -> dict[str, Any]:
    return tomllib.loads(files("iepile.extraction.server").joinpath("vendors.toml").read_text("utf-8"))
