"""What decoding asks of a network, whatever computes it: arrays in, scores out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from iepile.models.compact.batch import Prepared
from iepile.models.compact.example import Label

Array: TypeAlias = np.ndarray[Any, Any]
Name: TypeAlias = tuple[Label, str]
"""A label and what it is used for: its kind, or `head`."""
VECTORS_KEPT = 10_000
"""Labels as a pretrained encoder reads them that a scorer keeps; beyond that it begins anew."""


class Scorer(Protocol):
    """A network as decoding sees it.

    B texts of L tokens (one of padding at least), T names, Q queries, N spans. What `encode`, `grid` and `link` return
    besides scores is for the calls that follow.
    """

    def read(self, text: str) -> Prepared:
        """Tokenise a text."""
        ...

    def encode(self, texts: Sequence[Prepared], lengths: Array, features: Array) -> Any:
        """The batch; lengths and features are those of `batch.pad`."""
        ...

    def grid(self, batch: Any, names: Sequence[Name], match: Array) -> tuple[Array, Any]:
        """Step one: [B, T, L, 3] scores of tokens as start, inside and end; `match` [B, T, L]."""
        ...

    def spans(self, batch: Any, names: Any, share: Array, index: tuple[Array, Array, Array, Array]) -> Array:
        """Step one: [N] scores of spans; the index is text, name, first and last token."""
        ...

    def link(self, batch: Any, names: Sequence[Name], index: tuple[Array, Array, Array]) -> tuple[Array, Any]:
        """Step two: [Q, L, 3] scores; the index is text [Q], name [Q] and anchor [Q, 2] (first, last token)."""
        ...

    def pairs(self, batch: Any, queries: Any, index: tuple[Array, Array, Array]) -> Array:
        """Step two: [N] scores of second spans; the index is query, first and last token."""
        ...
