"""The next token of each row of a batch: the likeliest that its grammar allows, or one drawn among them.

The grammar of an answer allows few tokens at most places. On a processor only the scores of those are looked at, so
that a large vocabulary costs next to nothing; on other devices the masks are spread and applied there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from iepile.extraction.answer_row import Row
from iepile.extraction.constrained import TokenGrammar, allowed_ids

Bits = Any
"""Masks of the grammar, packed: int32 of shape (rows, vocabulary / 32); None where no row has a grammar."""


class NextToken:
    """Chooses tokens for rows."""

    def __init__(self, grammar: TokenGrammar | None, stop_ids: Sequence[int], temperature: float,
                 decode: Callable[[list[int]], str]) -> None:
        """
        Args:
            temperature: of rows whose tokens are drawn, but for those that bring their own.
            decode: the text of some tokens.
        """
        self.grammar, self.stop, self.temperature = grammar, frozenset(stop_ids), temperature
        self.decode = decode
        self._scratch = np.empty(0, dtype=np.float32)

    def masks(self, rows: Sequence[Row]) -> Bits:
        """What the grammar of each row allows next."""
        if self.grammar is None or all(r.matcher is None for r in rows):
            return None
        return self.grammar.masks([None if r.finish else r.matcher for r in rows])

    def __call__(self, rows: Sequence[Row], scores: Any, bits: Bits) -> list[int]:
        """Choose, and note the choice in the rows that are not finished.

        Args:
            scores: of the model, any float type, shape (rows, vocabulary).

        Returns:
            A token a row.
        """
        scores = scores.float()
        tokens = self._on_processor(rows, scores, bits) if scores.device.type == "cpu" else self._on_device(
            rows, scores, bits)
        logprobs = self.logprobs(scores, tokens)
        for n, (row, token, logprob) in enumerate(zip(rows, tokens, logprobs, strict=True)):
            if not row.finish:
                row.take(token, logprob, self.stop)
                self.note_likeliest(row, scores[n : n + 1])
        return tokens

    def note_likeliest(self, row: Row, scores: Any) -> None:
        """Note the likeliest tokens in the places of a row's last tokens, where its reader wants them.

        Args:
            scores: of those places, shape (places, vocabulary).
        """
        manner = row.request.manner
        if manner is None or not manner.likeliest:
            return
        import torch

        known = torch.log_softmax(scores.float(), -1).topk(min(manner.likeliest, scores.shape[-1]))
        for values, ids in zip(known.values.tolist(), known.indices.tolist(), strict=True):
            if len(row.likeliest) < len(row.tokens):  # a token that only ends the answer is none of it
                row.likeliest.append(tuple((self.decode([i]), v) for i, v in zip(ids, values, strict=True)))

    def logprobs(self, scores: Any, tokens: Sequence[int]) -> list[float]:
        """Log-probability that the model gives each token; `scores` of shape (tokens, vocabulary), float32."""
        import torch

        if scores.device.type != "cpu":
            chosen = torch.tensor(tokens, device=scores.device)[:, None]
            found: list[float] = (scores.gather(1, chosen)[:, 0] - scores.logsumexp(-1)).tolist()
            return found
        if len(self._scratch) != scores.shape[1]:
            self._scratch = np.empty(scores.shape[1], dtype=np.float32)
        # A row at a time in one place: room for all rows, asked for at every step, costs more than the sums.
        with np.errstate(all="ignore"):
            return [float(values[token] - self._log_sum(values))
                    for token, values in zip(tokens, scores.numpy(), strict=True)]

    def _log_sum(self, values: Any) -> Any:
        """Logarithm of the sum of the exponentials."""
        best = values.max()
        np.subtract(values, best, out=self._scratch)
        np.exp(self._scratch, out=self._scratch)
        return best + np.log(self._scratch.sum())

    def _on_processor(self, rows: Sequence[Row], scores: Any, bits: Bits) -> list[int]:
        tokens = []
        for n, (row, values) in enumerate(zip(rows, scores.numpy(), strict=True)):
            ids = None
            if row.finish:
                tokens.append(0)
                continue
            if bits is not None and row.matcher is not None:
                ids = allowed_ids(bits[n], len(values))
                if self._dead(row, len(ids) > 0):
                    tokens.append(0)
                    continue
                values = values[ids]
            place = self._pick(row, values)
            tokens.append(place if ids is None else int(ids[place]))
        return tokens

    def _on_device(self, rows: Sequence[Row], scores: Any, bits: Bits) -> list[int]:
        import torch

        if bits is not None:
            packed = torch.from_numpy(bits).to(scores.device, non_blocking=True)
            places = torch.arange(32, device=scores.device, dtype=torch.int32)
            allowed = ((packed[:, :, None] >> places) & 1).bool().flatten(1)
            width = scores.shape[1]
            if allowed.shape[1] < width:
                allowed = torch.nn.functional.pad(allowed, (0, width - allowed.shape[1]))
            scores = scores.masked_fill(~allowed[:, :width], -math.inf)
            for row, some in zip(rows, bits.any(axis=1).tolist(), strict=True):
                if not row.finish and row.matcher is not None:
                    self._dead(row, some)
        tokens: list[int] = scores.argmax(-1).tolist()
        for n, row in enumerate(rows):
            if row.chance is not None and not row.finish:
                tokens[n] = self._pick(row, scores[n].cpu().numpy())
        return tokens

    def _pick(self, row: Row, values: Any) -> int:
        best = int(values.argmax())
        if row.chance is None:
            return best
        # A number is drawn for every token, sure ones too, so that forced tokens may be skipped or not.
        point = row.chance.random()
        manner = row.request.manner
        temperature = self.temperature if manner is None else manner.temperature
        weights = np.exp((values.astype(np.float64) - float(values[best])) / temperature)
        if manner is not None and manner.top_p < 1:
            weights = _nucleus(weights, manner.top_p)
        weights = weights.cumsum()
        place = min(int(np.searchsorted(weights, point * weights[-1], side="right")), len(values) - 1)
        return place if weights[-1] == weights[-1] else best

    @staticmethod
    def _dead(row: Row, some: bool) -> bool:
        if row.matcher.is_error() or not some:
            row.fail(f"grammar: {row.matcher.get_error()[:300] or 'no token fits'}")
        return bool(row.finish)


def _nucleus(weights: Any, share: float) -> Any:
    """The weights of the fewest tokens that have so much of the whole together, the others' at 0 (nucleus sampling,
    Holtzman et al. 2020)."""
    order = np.argsort(-weights, kind="stable")
    before = weights[order].cumsum() - weights[order]
    kept = order[before < share * weights.sum()]
    out = np.zeros_like(weights)
    out[kept] = weights[kept]
    return out
