"""Chat templates as data: the Jinja files of `templates/`, parsed into pieces.

A template may use `query`, `system`, `bos`, `eos`, `token("<x>")` (a special token the tokenizer must have),
`marker("<x>")` (a special token where the tokenizer has it, else plain text) and `cut` (text before and after is
encoded apart, as the models were trained). It may set `default_system`, `end` (the token that ends an answer, in
place of the tokenizer's own) and `stop` (tokens that end one as well). One that puts the `input` of a row under a
heading of its own uses `input`, which is empty for a row that has none.

In a conversation, later questions follow the answers: the system sentence stands before the first alone, and so does
`bos`, unless `every_turn_begins_anew` is set. `between` is what parts an answer's end from the next question; `turn`
counts the questions from 1.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from iepile.errors import InputError

OWN = "tokenizer"
"""Name of the template that comes with the tokenizer."""
FALLBACK = "alpaca"
"""The template where nothing else is known."""
OLDER = {"alpaca": "alpaca_2023", "moss": "moss_2023", "vicuna": "vicuna_2023"}
"""The names of `--prompt_template_name` in the guide of 2023, and ours."""


class Part(msgspec.Struct, frozen=True):
    """A piece of a template."""

    kind: str
    """`text`, `query`, `input`, `system`, `bos`, `eos`, `token`, `marker` or `cut`; in a conversation of the
    tokenizer's own template `said0`, `said1`, ..."""
    text: str = ""


class Template(msgspec.Struct, frozen=True):
    """A parsed template."""

    name: str
    parts: tuple[Part, ...]
    """Pieces in order, for a prompt with the system sentence that was asked for."""
    system: str = ""
    """The system sentence, empty for none."""
    end: str = ""
    """Token that ends an answer; empty: the tokenizer's end-of-sequence token."""
    stop: tuple[str, ...] = ()
    """Further tokens that end an answer."""

    @property
    def takes_input(self) -> bool:
        """Whether there is a place for the input apart from the instruction."""
        return any(p.kind == "input" for p in self.parts)

    @property
    def needs(self) -> tuple[str, ...]:
        """Special tokens that the tokenizer must have."""
        return tuple(dict.fromkeys([*(p.text for p in self.parts if p.kind == "token"), *filter(None, [self.end])]))


def template_names() -> tuple[str, ...]:
    """Names of the shipped templates and of the tokenizer's own, sorted."""
    folder = files("iepile.models").joinpath("templates")
    return tuple(sorted([f.name.removesuffix(".jinja") for f in folder.iterdir() if f.name.endswith(".jinja")] + [OWN]))


def read_template(name: str, system: str | None = None, with_input: bool = False, turn: int = 1) -> Template:
    """Parse a shipped template.

    Args:
        system: the system sentence; None: the template's own; empty: none.
        with_input: as it is written for a row whose input stands apart from the instruction.
        turn: which question of a conversation it is for; from the second on, what parts it from the answer before it
            stands first, and there is no system sentence.

    Raises:
        InputError: no template of that name.
    """
    if turn > 1:
        return _parsed(name, False, with_input, turn)
    parsed = _parsed(name, None if system is None else bool(system), with_input, 1)
    return parsed if not system else msgspec.structs.replace(parsed, system=system)


@lru_cache(512)
def _parsed(name: str, has_system: bool | None, with_input: bool, turn: int) -> Template:
    """`has_system`: None: as the template says."""
    if name not in template_names() or name == OWN:
        raise InputError(f"unknown template {name!r}", field="template", expected=", ".join(template_names()))
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def mark(kind: str, text: str = "") -> str:
        return f"\0{kind} {text}\0"

    source = files("iepile.models").joinpath("templates", f"{name}.jinja").read_text("utf-8")
    template = ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(source)
    given: dict[str, Any] = {k: mark(k) for k in ("query", "bos", "eos", "cut")}
    given |= {"input": mark("input") if with_input else "", "turn": turn}
    given |= {k: lambda text, k=k: mark(k, text) for k in ("token", "marker")}
    settings: Any = template.make_module(given | {"system": ""})
    sentence = getattr(settings, "default_system", "") if has_system is None else "x" if has_system else ""
    pieces = template.render(given | {"system": mark("system") if sentence else ""}).split("\0")
    marked: Any = [("text", p) if n % 2 == 0 else p.split(" ", 1) for n, p in enumerate(pieces)]
    parts = [Part(*m) for m in marked]
    if turn > 1:
        anew = getattr(settings, "every_turn_begins_anew", False)
        parts = [Part("text", getattr(settings, "between", "")), *(p for p in parts if p.kind != "bos" or anew)]
    return Template(
        name,
        tuple(p for p in parts if p.kind != "text" or p.text),
        sentence,
        getattr(settings, "end", ""),
        tuple(getattr(settings, "stop", ())),
    )
