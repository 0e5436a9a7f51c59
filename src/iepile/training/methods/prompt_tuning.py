"""Prompt tuning: plain vectors before the prompt at the bottom of the model, which begin as words."""

from __future__ import annotations

from typing import Any

import torch

from iepile.errors import InputError
from iepile.models.load import Loaded
from iepile.training.config import TrainConfig
from iepile.training.methods.prompt_learning import PromptLearning


def settings(loaded: Loaded, config: TrainConfig) -> Any:
    """peft's settings. Attention heads play no part, but peft asks for their number."""
    from peft import PromptTuningConfig

    return PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=config.pre_seq_len,
                              num_attention_heads=1)


def start(encoder: Any, loaded: Loaded, config: TrainConfig) -> None:
    """Begin with the embeddings of `prompt_text`, said again until every vector has one; without, of random tokens.

    Raises:
        InputError: the words have more tokens than there are vectors.
    """
    embeddings = loaded.model.get_input_embeddings()
    count, words = config.pre_seq_len, embeddings.num_embeddings
    if config.prompt_text:
        ids = loaded.tokenizer(config.prompt_text, add_special_tokens=False)["input_ids"]
        if not 0 < len(ids) <= count:
            raise InputError(f"has {len(ids)} tokens", field="prompt_text", expected=f"1 to {count}",
                             fix=f"use fewer words, or pre_seq_len {len(ids)}")
        ids = (ids * count)[:count]
    else:
        ids = torch.randint(0, words, (count,)).tolist()
    device = embeddings.weight.device
    with torch.no_grad():
        encoder.embedding.weight.copy_(embeddings(torch.tensor(ids, device=device)).float())


METHOD = PromptLearning(("PROMPT_TUNING", "P_TUNING"), settings, start).method()
