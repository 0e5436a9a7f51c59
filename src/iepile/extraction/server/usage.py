"""What a run used: requests, tokens, money."""

from __future__ import annotations

from dataclasses import dataclass

from iepile.extraction.server.reply import Reply


@dataclass
class Usage:
    """Totals of one engine since it was opened, its questions about the server included."""

    price_in: float = 0.0
    """Price of a million tokens of prompts."""
    price_out: float = 0.0
    """Price of a million tokens of answers."""
    requests: int = 0
    """Calls for an answer, repeated ones too."""
    retries: int = 0
    """Calls that repeat one that failed."""
    failures: int = 0
    """Requests that got no answer in all tries."""
    unbound: int = 0
    """Answers to which the server did not apply the grammar it was given."""
    prompt_tokens: int = 0
    tokens: int = 0
    """Tokens of answers."""
    cost: float = 0.0
    """In the currency of the prices; what the server counted, whether the answer could be used or not."""

    def add(self, reply: Reply) -> float:
        """Count one reply; gives its cost."""
        cost = (reply.prompt_tokens * self.price_in + reply.tokens * self.price_out) / 1e6
        self.prompt_tokens += reply.prompt_tokens
        self.tokens += reply.tokens
        self.cost += cost
        return cost
