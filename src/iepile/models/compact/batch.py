"""Texts, tokenised and padded, ready for the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iepile.models.compact.example import Label
from iepile.models.compact.features import FEATURES, Tokens, featurize, label_words, tokenize
from iepile.models.compact.subwords import SubwordReader, Subwords


@dataclass(frozen=True, slots=True)
class Prepared:
    """One text as the network reads it."""

    tokens: Tokens
    features: np.ndarray[Any, Any]
    """[tokens, FEATURES] hashed features."""
    subwords: Subwords | None = None
    """What a Hugging Face encoder reads instead."""

    def __len__(self) -> int:
        return len(self.tokens)


def prepare(text: str, buckets: int, reader: SubwordReader | None = None) -> Prepared:
    """Tokenise one text; `reader` is that of the pretrained encoder, if there is one."""
    tokens = tokenize(text)
    features = np.array(featurize(tokens, buckets), np.int32)
    return Prepared(tokens, features, reader.read(tokens) if reader else None)


def pad(texts: Sequence[Prepared]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Lengths [B] and features [B, L, FEATURES]; one column more than the longest text, so that every span has a
    right neighbour."""
    lengths = np.array([len(t) for t in texts], np.int64)
    features = np.zeros((len(texts), int(lengths.max()) + 1, FEATURES), np.int64)
    for k, t in enumerate(texts):
        features[k, : len(t)] = t.features
    return lengths, features


def match(
    features: np.ndarray[Any, Any], labels: Sequence[tuple[Label, str]], buckets: int
) -> np.ndarray[Any, Any]:
    """[B, T, L]: how far a token occurs in the name of an event type, 0 to 1: triggers often do.

    A word counts in full, and so do two neighbouring characters of the name; one character alone says little.
    """
    ids = features[..., [0, 1, 6, 7]]
    words = np.where(ids[..., 1] > 0, ids[..., 1], ids[..., 0])
    alone = np.where(ids[..., 1] > 0, 1.0, 0.3)
    out = np.zeros((len(words), len(labels), words.shape[1]), np.float32)
    for t, (label, use) in enumerate(labels):
        if use == "trigger":
            single, ends, begins = label_words(label.text, buckets)
            pair = np.isin(ids[..., 2], ends) | np.isin(ids[..., 3], begins)
            out[:, t] = np.maximum(np.isin(words, single) * alone, pair)
    return out


def share(
    matches: np.ndarray[Any, Any], which: np.ndarray[Any, Any], first: np.ndarray[Any, Any], last: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """[N]: mean match of the tokens `first..last` (inclusive) of row `which` of `matches` [rows, L]."""
    sums = np.concatenate([np.zeros_like(matches[:, :1]), matches.cumsum(1)], 1)
    total: np.ndarray[Any, Any] = sums[which, last + 1] - sums[which, first]
    out: np.ndarray[Any, Any] = total / (last - first + 1).astype(np.float32)
    return out
