"""A request on its way to an answer: its prompt, what may follow, and the tokens so far."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.growing_text import GrowingText
from iepile.extraction.manner import Token
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
    growing: GrowingText | None = None
    """Its text so far, for requests with a manner of their own."""
    pieces: list[str] = field(default_factory=list)
    """What each token adds to that text."""
    likeliest: list[tuple[tuple[str, float], ...]] = field(default_factory=list)
    """The likeliest tokens in the place of each, where the reader wants them."""
    told: int = 0
    """Tokens that the reader knows."""
    again: list[str] = field(default_factory=list)
    """What the reader was told before the answer was begun again."""

    def begin(self, seed: int, decode: Callable[[list[int]], str]) -> None:
        """Start afresh; draws depend on the request and the seed alone.

        Args:
            decode: the text of some tokens.
        """
        self.tokens, self.logprobs, self.finish, self.error, self.chance = [], [], "", "", None
        self.likeliest, self.again = [], self.pieces[: self.told]
        if (manner := self.request.manner) is not None:
            self.growing, self.pieces = GrowingText(decode, manner.stop), []
            self.chance = random.Random(manner.seed) if manner.temperature > 0 else None
        elif self.request.sample:
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
        if self.growing is not None:
            self.pieces.append(self.growing.add(token))
            if self.growing.ended:
                self.finish = "stop"
        if not self.finish and len(self.tokens) >= self.budget:
            self.finish = "length"

    def spoken(self, lasting: bool) -> Completion:
        """The answer to a request with a manner of its own, as it was written."""
        assert self.growing is not None
        self.growing.close()
        return Completion(self.request.key, self.growing.text, self.finish, tokens=len(self.tokens),
                          logprob=sum(self.logprobs), prompt_tokens=len(self.ids), error=self.error, lasting=lasting)

    def tell(self) -> None:
        """Let the reader know what is new; an answer that nobody waits for any more ends with an error."""
        manner = self.request.manner
        if manner is None or manner.reader is None:
            return
        if manner.reader.gone and not self.finish:
            self.fail("nobody waits for the answer any more")
            return
        if len(self.tokens) <= self.told:
            return
        if self.pieces[: self.told] != self.again:
            self.fail("the answer came out otherwise when it was begun again in a smaller batch")
            return
        new = range(self.told, len(self.tokens))
        self.told, self.again = len(self.tokens), self.pieces[:]
        manner.reader.read([Token(self.pieces[n], self.logprobs[n], self.likeliest[n] if self.likeliest else ())
                            for n in new])
