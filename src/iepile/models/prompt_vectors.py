"""Vectors before the prompt (prefix, P-tuning, prompt tuning): peft's models made to place them as if they were words.

Rows are padded on the left, and peft puts its vectors before the padding. Models that count places, look back a
number of places only, or read one place after another would then answer otherwise for a row with padding. Here the
padding goes before the vectors, and places are counted without it, in training as in answering.
"""

from __future__ import annotations

import inspect
from typing import Any

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def count_places(model: Any) -> Any:
    """Make a peft model place its vectors right; a model that has none is left alone."""
    config = getattr(model, "active_peft_config", None)
    if config is None or not config.is_prompt_learning:
        return model
    base = model.get_base_model()
    # peft guesses the embeddings by the number of their rows.
    model.word_embeddings = base.get_input_embeddings()
    counts = "position_ids" in inspect.signature(base.forward).parameters
    # Keys and values of the vectors come first whatever we do: they are a cache.
    movable = config.peft_type != "PREFIX_TUNING"

    def place(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        mask, vectors = kwargs.get("attention_mask"), kwargs.get("inputs_embeds")
        if mask is None or mask.ndim != 2:
            return args, kwargs
        mask = mask.long()
        if movable and bool(mask[:, -1].all()):
            mask, order = mask.sort(dim=1, stable=True)
            if vectors is not None and vectors.shape[1] == mask.shape[1]:
                kwargs["inputs_embeds"] = vectors.gather(1, order[:, :, None].expand_as(vectors))
        kwargs["attention_mask"] = mask
        if counts:
            fed = kwargs["input_ids"] if vectors is None else vectors
            kwargs["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)[:, -fed.shape[1] :]
        return args, kwargs

    base.register_forward_pre_hook(place, with_kwargs=True)
    model.register_forward_pre_hook(_drop_places, with_kwargs=True)
    prepare = model.base_model_prepare_inputs_for_generation

    def prepared(*args: Any, **kwargs: Any) -> dict[str, Any]:
        made: dict[str, Any] = prepare(*args, **kwargs)
        made.pop("position_ids", None)
        return made

    model.base_model_prepare_inputs_for_generation = prepared
    return model


def room_for_text(model: Any, most: int | None) -> int | None:
    """Tokens that a model can hold beside its vectors, where it can hold `most`; None: any number.

    Keys and values in a cache are out of sight of layers that look back a number of places only.
    """
    config = getattr(model, "active_peft_config", None)
    if config is None or not config.is_prompt_learning:
        return most
    if config.peft_type == "PREFIX_TUNING":
        settings = model.config.get_text_config()
        kinds = getattr(settings, "layer_types", None) or ["sliding_attention"]
        windows = [getattr(settings, name, None) for kind, name in
                   (("sliding_attention", "sliding_window"), ("chunked_attention", "attention_chunk_size"))
                   if kind in kinds]
        most = min((m for m in (most, *windows) if m), default=None)
    return None if most is None else most - int(config.num_virtual_tokens)


def _drop_places(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Places given from outside do not know of the vectors."""
    kwargs.pop("position_ids", None)
    return args, kwargs
