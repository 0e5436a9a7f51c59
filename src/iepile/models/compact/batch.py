"""Texts, tokenised and padded, ready for the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from iepile.models.compact.features import FEATURES, Tokens, featurize, tokenize
from iepile.models.compact.network import CompactNetwork, States
from iepile.models.compact.pretrained import PretrainedText


@dataclass(frozen=True, slots=True)
class Prepared:
    """One text as the network reads it."""

    tokens: Tokens
    features: np.ndarray[Any, Any]
    """[tokens, FEATURES] hashed features."""
    subwords: PretrainedText | None = None
    """What a Hugging Face encoder reads instead."""

    def __len__(self) -> int:
        return len(self.tokens)


def prepare(text: str, network: CompactNetwork) -> Prepared:
    """Tokenise one text for this network."""
    tokens = tokenize(text)
    features = np.array(featurize(tokens, network.config.buckets), np.int32)
    return Prepared(tokens, features, network.pretrained.read(tokens) if network.pretrained else None)


def encode(network: CompactNetwork, texts: Sequence[Prepared]) -> States:
    """Encode a batch; one column more than the longest text, so that every span has a right neighbour."""
    lengths = torch.tensor([len(t) for t in texts])
    size = int(lengths.max()) + 1
    features = np.zeros((len(texts), size, FEATURES), np.int64)
    for k, t in enumerate(texts):
        features[k, : len(t)] = t.features
    states = None
    if network.pretrained is not None:
        states = network.pretrained([t.subwords for t in texts if t.subwords is not None], size)
    return network.encode(lengths, torch.from_numpy(features), states)
