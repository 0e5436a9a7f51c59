"""What merging gives: merges with their reason."""

from __future__ import annotations

import msgspec


class Merge(msgspec.Struct, frozen=True):
    """Node `gone` is the same thing as node `kept`."""

    kept: str
    gone: str
    score: float
    """Above 0 to 1: how sure, see `similarity.py`."""
    rule: str
    """Which rule of `similarity.RULES` found it."""
    reason: str
    """The evidence in words, with its figures."""
