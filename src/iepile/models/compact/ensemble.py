"""Several networks, trained alike from other seeds, that answer as one: every score is the mean of theirs.

Each errs on other texts, so the mean errs less; it costs a pass through each of them. Prediction sees no
difference: an ensemble has the methods of `CompactNetwork` that decoding calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from iepile.errors import InputError
from iepile.models.compact.config import CompactConfig
from iepile.models.compact.example import Label
from iepile.models.compact.network import CompactNetwork


@dataclass(frozen=True)
class Several:
    """The same thing as each member has it; an index picks from all."""

    parts: tuple[Any, ...]

    def __getitem__(self, index: Tensor) -> Several:
        return Several(tuple(p[index] for p in self.parts))

    @property
    def mask(self) -> Tensor:
        """[B, L] bool: the same for all members."""
        found: Tensor = self.parts[0].mask
        return found


class CompactEnsemble(nn.Module):
    """`config.members` networks; all arguments and results as in `CompactNetwork`."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        if config.encoder:
            raise InputError("several members share no pretrained encoder", field="members", fix="set members to 1")
        self.config = config
        self.pretrained = None
        self.members = nn.ModuleList(CompactNetwork(config) for _ in range(config.members))

    def _each(self, ask: Callable[[int, Any], Any]) -> tuple[Any, ...]:
        return tuple(ask(k, m) for k, m in enumerate(self.members))

    def encode(self, lengths: Tensor, features: Tensor, states: Tensor | None = None) -> Several:
        """See `CompactNetwork.encode`."""
        return Several(self._each(lambda _, m: m.encode(lengths, features, states)))

    def label_vectors(self, labels: Sequence[tuple[Label, str]]) -> Several:
        """See `CompactNetwork.label_vectors`."""
        return Several(self._each(lambda _, m: m.label_vectors(labels)))

    def linked_queries(self, states: Several, vectors: Several, label: Tensor, row: Tensor, anchor: Tensor) -> Several:
        """See `CompactNetwork.linked_queries`."""
        return Several(
            self._each(lambda k, m: m.linked_queries(states.parts[k], vectors.parts[k], label, row, anchor))
        )

    def grid_scores(self, states: Several, vectors: Several, match: Tensor) -> tuple[Tensor, Several]:
        """See `CompactNetwork.grid_scores`."""
        found = self._each(lambda k, m: m.grid_scores(states.parts[k], vectors.parts[k], match))
        return _mean([scores for scores, _ in found]), Several(tuple(queries for _, queries in found))

    def border_scores(self, states: Several, queries: Several) -> Tensor:
        """See `CompactNetwork.border_scores`."""
        return _mean(self._each(lambda k, m: m.border_scores(states.parts[k], queries.parts[k])))

    def span_scores(
        self, states: Several, query: Several, share: Tensor, row: Tensor, first: Tensor, last: Tensor
    ) -> Tensor:
        """See `CompactNetwork.span_scores`."""
        return _mean(
            self._each(lambda k, m: m.span_scores(states.parts[k], query.parts[k], share, row, first, last))
        )

    def pair_scores(self, states: Several, queries: Several, which: Tensor, first: Tensor, last: Tensor) -> Tensor:
        """See `CompactNetwork.pair_scores`."""
        return _mean(self._each(lambda k, m: m.pair_scores(states.parts[k], queries.parts[k], which, first, last)))


def _mean(scores: Sequence[Tensor]) -> Tensor:
    return torch.stack(tuple(scores)).mean(0)
