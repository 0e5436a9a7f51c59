"""Settings of tuning: how rows lie in a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from iepile.training.settings.checks import at_least, one_of

LAYOUTS = ("padded", "packed", "branched")


@dataclass(frozen=True, kw_only=True)
class LayoutSettings:
    """How rows lie in a batch."""

    layout: Literal["padded", "packed", "branched"] = "padded"
    """`padded`: rows of like length side by side; `packed`: several rows in one, which saves padding on a GPU;
    `branched`: the questions about a text share its reading (needs `text_first`)."""
    max_tokens_per_batch: int = 0
    """Tokens of a batch, padding included, in place of a number of rows; 0: off."""
    max_row_tokens: int = 0
    """Longest row that packing or branching makes; 0: 1024 for packed, 640 to 4096 for branched, by the length of
    the text and the width of the model. A longer question has a row of its own."""
    full_logits: bool = False
    """Compute the model's head at every place instead of where the answer is: slower, to compare with
    other programs."""
    use_liger_kernel: bool = False
    """Fused GPU kernels of the liger-kernel library, where it is installed and knows the model."""

    def check_layout(self) -> None:
        """Raise InputError where a value makes no sense."""
        one_of(self, "layout", LAYOUTS)
        at_least(self, 0, ("max_tokens_per_batch", "max_row_tokens"))
