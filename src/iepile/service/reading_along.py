"""A reader of an answer (extraction/manner.py) for the event loop: what the engine's thread tells is kept, and whoever
waits is woken. Nothing here waits, so a client that reads slowly holds nobody up; an answer is bounded, and so is what
is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from iepile.extraction.manner import Token


class ReadingAlong:
    """The tokens of one answer as far as they are known."""

    def __init__(self) -> None:
        self.gone = False
        """Nobody waits any more."""
        self.tokens: list[Token] = []
        self.wake: Callable[[], None] | None = None
        """Called after more is known, by the thread that answers."""

    def read(self, tokens: Sequence[Token]) -> None:
        """Further tokens are known."""
        self.tokens.extend(tokens)
        if self.wake is not None:
            self.wake()
