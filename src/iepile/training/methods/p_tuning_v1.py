"""P-tuning v1: vectors before the prompt at the bottom of the model, made by a small network (MLP or LSTM)."""

from __future__ import annotations

from typing import Any

from iepile.models.load import Loaded
from iepile.training.config import TrainConfig
from iepile.training.methods.prompt_learning import PromptLearning


def settings(loaded: Loaded, config: TrainConfig) -> Any:
    """peft's settings; the network is as wide as the model. Attention heads play no part, but peft asks for them."""
    from peft import PromptEncoderConfig

    return PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=config.pre_seq_len, num_attention_heads=1,
                               encoder_reparameterization_type=config.prompt_encoder.upper())


METHOD = PromptLearning(("P_TUNING",), settings).method()
