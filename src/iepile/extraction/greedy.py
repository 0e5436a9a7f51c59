"""Greedy search, a step at a time: rows on their way to an answer, held to their grammar."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from iepile.extraction.constrained import TokenGrammar
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
    grammar: str = ""
    matcher: Any = None
    tokens: list[int] = field(default_factory=list)
    logprob: float = 0.0
    finish: str = ""
    error: str = ""


class Step:
    """Logits processor: masks the scores of a step, notes which token greedy search will take, ends rows."""

    def __init__(self, rows: list[Row], grammar: TokenGrammar | None, stop_ids: tuple[int, ...]) -> None:
        self.rows, self.grammar, self.stop = rows, grammar, frozenset(stop_ids)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores with what the grammar forbids shut out, shape (rows, vocabulary)."""
        import torch

        masked = scores
        if self.grammar is not None:
            allowed = self.grammar.masks([None if r.finish else r.matcher for r in self.rows], scores.shape[-1])
            for row, some in zip(self.rows, allowed.any(axis=1).tolist(), strict=True):
                if not row.finish and row.matcher is not None and (row.matcher.is_error() or not some):
                    row.finish, row.error = "error", f"grammar: {row.matcher.get_error()[:300] or 'no token fits'}"
            masked = scores.masked_fill(~torch.from_numpy(allowed).to(scores.device), -math.inf)
        choice = masked.argmax(-1)
        raw = scores.float()
        logprobs = (raw.gather(1, choice[:, None])[:, 0] - raw.logsumexp(-1)).tolist()
        for row, token, logprob in zip(self.rows, choice.tolist(), logprobs, strict=True):
            if not row.finish:
                self._take(row, token, logprob)
        return masked

    def _take(self, row: Row, token: int, logprob: float) -> None:
        if token in self.stop:
            row.finish = "stop"
            return
        row.tokens.append(token)
        row.logprob += logprob
        if row.matcher is not None:
            if not row.matcher.consume_token(token):
                row.tokens.pop()
                row.finish, row.error = "error", f"grammar: {row.matcher.get_error()[:300]}"
            elif row.matcher.is_stopped() and row.matcher.is_accepting():
                row.finish = "stop"
        if not row.finish and len(row.tokens) >= row.budget:
            row.finish = "length"

    def finished(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Stopping criterion: which rows are done."""
        import torch

        return torch.tensor([bool(r.finish) for r in self.rows], device=input_ids.device)
