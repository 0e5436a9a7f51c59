"""NEFTune: noise on the embeddings while training, so that answers are less tied to the very words of the rows."""

from __future__ import annotations

import math
from typing import Any

import torch


def add_noise(model: Any, alpha: float) -> None:
    """Add uniform noise within ± alpha / sqrt(tokens x width) to the input embeddings in training mode.

    It comes from torch's generator, which a training step seeds: a resumed run meets the same noise.

    Args:
        alpha: size of the noise; 0: none.
    """
    if alpha <= 0:
        return
    base = model.get_base_model() if hasattr(model, "get_base_model") else model

    def noisy(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        if not module.training:
            return output
        size = alpha / math.sqrt(output.shape[-2] * output.shape[-1])
        return output + torch.empty_like(output).uniform_(-size, size)

    base.get_input_embeddings().register_forward_hook(noisy)
