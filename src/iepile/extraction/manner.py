"""How one caller wants a request answered, where that is not as the engine's options say for all.

An engine that heeds it says so by `manners = True`; other engines must not be given requests that have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec


class Turn(msgspec.Struct, frozen=True):
    """What was said in a conversation before the question."""

    role: Literal["user", "assistant"]
    content: str


class Token(NamedTuple):
    """A token of an answer."""

    text: str
    """What it adds to the answer; empty where a character or a stop text is not whole yet."""
    logprob: float
    likeliest: tuple[tuple[str, float], ...] = ()
    """The likeliest tokens in its place with their log-probabilities, as many as were asked for."""


class Reader(Protocol):
    """Somebody who reads an answer while it is written."""

    gone: bool
    """Nobody waits for the answer any more: it may be given up."""

    def read(self, tokens: Sequence[Token]) -> None:
        """Further tokens are known. Called by the thread that answers, so it must not wait for anything."""
        ...


class Manner(msgspec.Struct, frozen=True):
    """How a request is answered: its `instruction` is what the user says last."""

    turns: tuple[Turn, ...] = ()
    """What was said before, in order: user and assistant in turn."""
    system: str | None = None
    """System sentence; None: the template's own."""
    raw: bool = False
    """The instruction is the whole prompt, control tokens spelled out: no template is put around it."""
    verbatim: bool = False
    """Hold the answer to the form of its task, mentions to pieces of the text."""
    max_items: int = 0
    """With `verbatim`: most elements of one list; 0: as the engine's options say."""
    grammar: Any = None
    """What the answer is held to instead: of `TransformersEngine.grammar`."""
    max_tokens: int = 0
    """Most tokens of the answer; 0: as the engine's options say."""
    temperature: float = 0.0
    """How freely tokens are drawn; 0: the likeliest is taken."""
    top_p: float = 1.0
    """Only the likeliest tokens that together have this probability are drawn from."""
    seed: int = 0
    """Of what is drawn."""
    stop: tuple[str, ...] = ()
    """Texts at which an answer ends; they are no part of it."""
    likeliest: int = 0
    """How many of the likeliest tokens in each place the reader is told."""
    reader: Reader | None = None
