"""P-tuning v2, also called prefix tuning: vectors before the prompt in every layer, as keys and values of attention."""

from __future__ import annotations

from typing import Any

import torch

from iepile.errors import InputError
from iepile.models.load import Loaded
from iepile.training.config import TrainConfig
from iepile.training.methods.prompt_learning import PromptLearning

HIDDEN = 512
"""Width of the network that `prefix_projection` trains; as wide as the model, it would outgrow the model."""


def settings(loaded: Loaded, config: TrainConfig) -> Any:
    """peft's settings.

    Raises:
        InputError: the model's layers do not keep keys and values of one size.
    """
    from peft import PrefixTuningConfig

    layers, heads, width = _cached(loaded)
    return PrefixTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=config.pre_seq_len, prefix_projection=config.prefix_projection,
        encoder_hidden_size=HIDDEN, num_layers=layers, num_attention_heads=heads, token_dim=heads * width,
    )


def check(encoder: Any, loaded: Loaded, config: TrainConfig) -> None:
    """Make sure that peft took the sizes: for some configurations it goes by its own reading.

    Raises:
        InputError: it did not.
    """
    layers, heads, width = _cached(loaded)
    made = encoder.transform[-1].out_features if encoder.prefix_projection else encoder.embedding.embedding_dim
    if made != 2 * layers * heads * width:
        raise _unfit(loaded)


def _cached(loaded: Loaded) -> tuple[int, int, int]:
    """(layers, heads, width of a head) of the keys and values that the model keeps.

    Asked of the model itself: configurations have many names for heads that are shared between queries.
    """
    token = torch.zeros((1, 1), dtype=torch.long, device=loaded.model.device)
    with torch.no_grad():
        cache = getattr(loaded.model(input_ids=token, use_cache=True), "past_key_values", None)
    kept = [getattr(layer, name, None) for layer in getattr(cache, "layers", []) for name in ("keys", "values")]
    sizes = {tuple(k.shape) if k is not None else () for k in kept}
    if len(sizes) != 1 or len(size := sizes.pop()) != 4:
        raise _unfit(loaded)
    return len(kept) // 2, size[1], size[3]


def _unfit(loaded: Loaded) -> InputError:
    return InputError("the model's layers do not keep keys and values of one size, which vectors could stand before",
                      file=loaded.name, field="finetuning_type", fix="use finetuning_type prompt_tuning or lora")


METHOD = PromptLearning(("PREFIX_TUNING",), settings, check).method()
