"""What is known about a server once it was looked at."""

from __future__ import annotations

from typing import Any

import msgspec

from iepile.extraction.server.dialects import Dialect, Step


class Found(msgspec.Struct, frozen=True):
    """What a probe found."""

    dialect: Dialect
    model: str
    """Its name on the server."""
    context: int | None
    """Most tokens of prompt and answer, where the server tells."""
    forms: tuple[tuple[Step, dict[str, Any]], ...] = ()
    """Ways to hold answers to their form that work here, the strictest first, with the fields that carry them."""
    without: frozenset[str] = frozenset()
    """Fields that the server refuses."""
    longest_answer: str = "max_tokens"
    """The field that bounds an answer."""
    logprobs: bool = False
    """It tells log-probabilities."""

    counts: bool = False
    """It counts tokens."""

    @property
    def step(self) -> Step:
        """The strictest way that works."""
        return self.forms[0][0] if self.forms else "none"

    def told(self) -> str:
        """One line for people."""
        holds = f"{self.context} tokens" if self.context else "an unknown number of tokens"
        steps = ", ".join(dict.fromkeys(s for s, _ in self.forms)) or "no grammar"
        return (f"{self.dialect.name} serves {self.model}: holds {holds}; takes {steps}; "
                f"{'tells' if self.logprobs else 'does not tell'} log-probabilities")
