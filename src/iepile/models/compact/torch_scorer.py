"""Decoding with the network itself, in torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from iepile.models.compact.batch import Prepared, prepare
from iepile.models.compact.network import CompactNetwork, States
from iepile.models.compact.scorer import VECTORS_KEPT, Array, Name

_ENCODED_AT_ONCE = 256
"""Labels that a pretrained encoder reads at a time."""


def read(text: str, network: CompactNetwork) -> Prepared:
    """Tokenise a text for this network."""
    return prepare(text, network.config.buckets, network.pretrained.reader if network.pretrained else None)


def encode(network: CompactNetwork, texts: Sequence[Prepared], lengths: Array, features: Array) -> States:
    """States of a batch of texts, padded by `batch.pad`."""
    states = None
    if network.pretrained is not None:
        states = network.pretrained([t.subwords for t in texts if t.subwords is not None], features.shape[1])
    return network.encode(torch.from_numpy(lengths), torch.from_numpy(features), states)


@dataclass
class TorchScorer:
    """See `Scorer`. Label vectors of a pretrained encoder are kept, so its weights must not change meanwhile."""

    network: CompactNetwork
    vectors: dict[Name, Tensor] = field(default_factory=dict)

    def read(self, text: str) -> Prepared:
        """See `Scorer.read`."""
        return read(text, self.network)

    @torch.no_grad()
    def encode(self, texts: Sequence[Prepared], lengths: Array, features: Array) -> Any:
        """See `Scorer.encode`."""
        return encode(self.network, texts, lengths, features)

    @torch.no_grad()
    def grid(self, batch: Any, names: Sequence[Name], match: Array) -> tuple[Array, Any]:
        """See `Scorer.grid`."""
        scores, queries = self.network.grid_scores(batch, self._vectors(names), torch.from_numpy(match))
        return scores.numpy(), queries

    @torch.no_grad()
    def spans(self, batch: Any, names: Any, share: Array, index: tuple[Array, Array, Array, Array]) -> Array:
        """See `Scorer.spans`."""
        row, name, first, last = (torch.from_numpy(x) for x in index)
        found = self.network.span_scores(batch, names[name], torch.from_numpy(share), row, first, last)
        out: Array = found.numpy()
        return out

    @torch.no_grad()
    def link(self, batch: Any, names: Sequence[Name], index: tuple[Array, Array, Array]) -> tuple[Array, Any]:
        """See `Scorer.link`."""
        row, name, anchor = (torch.from_numpy(x) for x in index)
        queries = self.network.linked_queries(batch, self._vectors(names), name, row, anchor)
        return self.network.border_scores(batch, queries).numpy(), queries

    @torch.no_grad()
    def pairs(self, batch: Any, queries: Any, index: tuple[Array, Array, Array]) -> Array:
        """See `Scorer.pairs`."""
        out: Array = self.network.pair_scores(batch, queries, *(torch.from_numpy(x) for x in index)).numpy()
        return out

    def _vectors(self, names: Sequence[Name]) -> Any:
        if self.network.pretrained is None:
            return self.network.label_vectors(names)
        if len(self.vectors) > VECTORS_KEPT:
            self.vectors.clear()
        missing = [n for n in names if n not in self.vectors]
        for at in range(0, len(missing), _ENCODED_AT_ONCE):
            part = missing[at : at + _ENCODED_AT_ONCE]
            self.vectors.update(zip(part, self.network.label_vectors(part), strict=True))
        return torch.stack([self.vectors[n] for n in names])
