"""A request on its way to an answer: its prompt, what may follow, and the tokens so far."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from iepile.extraction.engines.engine import Request
from iepile.tasks.shape import Shape


@dataclass
class Row:
    """A request on its way to an answer."""

    request: Request
    ids: list[int]
    """The prompt."""
    budget: int
    """Tokens the answer may have."""
    shape: Shape | None = None
    """Shape of the answer, where the grammar holds."""
    text: str = ""
    """What the mentions of the answer are pieces of."""
    matcher: Any = None
    """Follows the grammar; None: anything may be said."""
    chance: random.Random | None = None
    """Draws the tokens; None: the likeliest is taken."""
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    """Log-probability that the model gives each token, before anything is shut out."""
    finish: str = ""
    error: str = ""

    def begin(self, seed: int) -> None:
        """Start afresh; draws depend on the request and the seed alone."""
        self.tokens, self.logprobs, self.finish, self.error, self.chance = [], [], "", "", None
        if self.request.sample:
            said = "\x00".join((str(seed), str(self.request.sample), self.request.instruction, self.request.input))
            self.chance = random.Random(int.from_bytes(sha256(said.encode("utf-8", "surrogatepass")).digest(), "big"))

    def fail(self, why: str) -> None:
        """End with an error."""
        self.finish, self.error = "error", why

    def take(self, token: int, logprob: float, stop: frozenset[int]) -> None:
        """The next token is known: note it, follow the grammar, and end where the answer ends."""
        if logprob != logprob:
            self.fail("the model's scores are no numbers (NaN); try another dtype")
            return
        if token in stop:
            self.finish = "stop"
            return
        if self.matcher is not None:
            if not self.matcher.consume_token(token):
                self.fail(f"grammar: {self.matcher.get_error()[:300]}")
                return
            # The grammar may have ended before the model says so: then nothing but the end can follow.
            if self.matcher.is_stopped() and self.matcher.is_accepting():
                self.finish = "stop"
        self.tokens.append(token)
        self.logprobs.append(logprob)
        if not self.finish and len(self.tokens) >= self.budget:
            self.finish = "length"
