"""Tiny models of many families, with random weights, and examples of token ids for them."""

from __future__ import annotations

import random
from array import array
from typing import Any

from iepile.training.data import Example

VOCABULARY = 97
_COMMON = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 512,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}
_OF_BLOOM = {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4, "pad_token_id": 0,
             "bos_token_id": 1, "eos_token_id": 2}
_T5 = {"vocab_size": VOCABULARY, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4,
       "dropout_rate": 0.0, "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", _COMMON),
    "qwen2": ("Qwen2", _COMMON),
    "qwen3": ("Qwen3", _COMMON),
    "gemma": ("Gemma", _COMMON),
    # Both of their soft caps bite at these sizes.
    "gemma2": ("Gemma2", _COMMON | {"final_logit_softcapping": 0.5, "attn_logit_softcapping": 0.5,
                                    "query_pre_attn_scalar": 8, "sliding_window": 256,
                                    "attn_implementation": "eager"}),
    "gemma3": ("Gemma3", _COMMON | {"sliding_window": 256, "query_pre_attn_scalar": 8}),
    "mistral": ("Mistral", _COMMON | {"sliding_window": 256}),
    "cohere": ("Cohere", _COMMON | {"logit_scale": 0.3}),
    "granite": ("Granite", _COMMON | {"logits_scaling": 3.0}),
    "phi": ("Phi", _COMMON | {"num_key_value_heads": 4, "resid_pdrop": 0.0, "embd_pdrop": 0.0}),
    "gpt2": ("GPT2", {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512,
                      "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
                      "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}),
    "falcon": ("Falcon", _OF_BLOOM | {"num_hidden_layers": 2, "num_attention_heads": 4, "alibi": False}),
    "bloom": ("Bloom", _OF_BLOOM),
    "t5": ("T5", _T5),
    "mt5": ("MT5", _T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
}
CAUSAL = [name for name in SETTINGS if "t5" not in name]


def toy(family: str, **more: Any) -> Any:
    """A model of the family, in training mode; `more` settings of its configuration."""
    import torch
    import transformers

    kind, settings = SETTINGS[family]
    text = "Text" if family == "gemma3" else ""
    ending = "ForConditionalGeneration" if "t5" in family else "LMHeadModel" if family == "gpt2" else "ForCausalLM"
    config = getattr(transformers, f"{kind}{text}Config")(**settings | more)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = getattr(transformers, f"{kind}{ending}")(config)
        for name, p in model.named_parameters():
            # Weights as small as at the beginning of training would hide what goes wrong.
            torch.nn.init.normal_(p, mean=1.0 if "norm" in name and p.ndim == 1 else 0.0, std=0.15)
    return model.train()


def texts(count: int, questions: int, seed: int = 5, stem: int = 30) -> list[Example]:
    """Questions about texts: those of one text begin alike."""
    rng = random.Random(seed)

    def some(most: int) -> list[int]:
        return [rng.randrange(3, VOCABULARY) for _ in range(rng.randint(2, most))]

    out = []
    for text in range(count):
        begin = some(stem)
        for _ in range(questions):
            prompt = begin + some(8)
            out.append(Example(array("i", [*prompt, *some(12), 2]), len(prompt), text))
    return out


def with_lora(model: Any) -> Any:
    """The model with an adapter on every linear layer, its head aside, that already changes what it says."""
    import torch
    from peft import LoraConfig, get_peft_model

    from iepile.models.vendor import quiet

    with quiet():
        made = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type=(
            "SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM")))
    with torch.random.fork_rng():
        torch.manual_seed(4)
        for name, p in made.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(p, std=0.1)
    return made
