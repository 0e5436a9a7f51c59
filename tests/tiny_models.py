"""Models and tokenizers small enough to be made in a test: nothing is fetched.

>>> folder = make_model(tmp_path / "tiny", byte_level_tokenizer(texts))  # doctest: +SKIP
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

CONTROL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
SAMPLE = [
    '{"instruction": "请从input中抽取出符合schema定义的实体", "schema": ["人物", "地点"], "input": "康有为在广东。"}',
    'Below is an instruction that describes a task. ### Instruction: ### Response: {"person": ["Ada Lovelace"]}',
    '{"trigger": "收购", "arguments": {"收购方": "NAN"}} [{"subject": "a", "object": "b"}] <<SYS>> [INST] \n\n USER:',
]


def byte_level_tokenizer(texts: Iterable[str] = (), size: int = 700, chat_template: str | None = None) -> Any:
    """A byte-level BPE tokenizer like those of GPT-2, Llama 3 and Qwen."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    words = Regex(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    backend.decoder = decoders.ByteLevel()
    backend.train_from_iterator(
        [*SAMPLE, *texts],
        trainers.BpeTrainer(vocab_size=size, special_tokens=CONTROL, show_progress=False,
                            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())),
    )
    made = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>")
    made.chat_template = chat_template
    return made


def sentencepiece_tokenizer(texts: Iterable[str] = (), size: int = 700) -> Any:
    """A tokenizer like LLaMA-2's: blanks as `▁`, one put before the text, bytes for unknown characters."""
    from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    lines = [line for t in [*SAMPLE, *texts] for line in t.split("\n")]
    trained.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=size, show_progress=False, max_token_length=8))
    model = json.loads(trained.to_str())["model"]
    first = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256))]
    learned = sorted((i, w) for w, i in model["vocab"].items() if w not in first and w != "\n")
    vocab = {w: i for i, w in enumerate([*first, *(w for _, w in learned)])}
    backend = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(m) for m in model["merges"]], unk_token="<unk>",
                                   fuse_unk=True, byte_fallback=True))
    backend.normalizer = trained.normalizer
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens(["<unk>", "<s>", "</s>"])
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def metaspace_tokenizer(texts: Iterable[str] = (), size: int = 700) -> Any:
    """The same in the newer form: the blank is put before the first piece only, not after special tokens."""
    from tokenizers import Tokenizer, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    older = sentencepiece_tokenizer(texts, size)
    backend = Tokenizer.from_str(older.backend_tokenizer.to_str())
    backend.normalizer = None
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def tiny_llama(tokenizer: Any, seed: int = 0, width: int = 32, layers: int = 2, context: int = 1024) -> Any:
    """A Llama with random weights that fits the tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=context,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=None,
        ))


def make_model(folder: Path, tokenizer: Any, **sizes: int) -> Path:
    """Write a tiny Llama and its tokenizer as a model folder; `sizes` as for `tiny_llama`."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    tiny_llama(tokenizer, **sizes).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


_SMALL: dict[str, Any] = {"vocab_size": 512, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
_LLAMA = _SMALL | {"intermediate_size": 64, "num_key_value_heads": 2, "max_position_embeddings": 1024}
_EXPERTS: dict[str, Any] = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2,
                            "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16}
_LATENT: dict[str, Any] = {
    "q_lora_rank": 16, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8,
    "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "n_shared_experts": 1,
    "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1, "num_key_value_heads": 4, "head_dim": 8,
}
_T5: dict[str, Any] = {"vocab_size": 512, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4,
                       "decoder_start_token_id": 0}
_BART: dict[str, Any] = {
    "vocab_size": 512, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 1024,
    "decoder_start_token_id": 1,
}
_HYBRID = _LLAMA | {"head_dim": 8, "linear_num_value_heads": 4, "linear_num_key_heads": 2, "linear_key_head_dim": 8,
                    "linear_value_head_dim": 8, "full_attention_interval": 2}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": _LLAMA,
    "llama4_text": _LLAMA | {"head_dim": 8, "intermediate_size_mlp": 64} | _EXPERTS,
    "mistral": _LLAMA | {"sliding_window": 64},
    "mixtral": _LLAMA | _EXPERTS,
    "ministral": _LLAMA | {"head_dim": 8},
    "qwen2": _LLAMA,
    "qwen2_moe": _LLAMA | _EXPERTS,
    "qwen3": _LLAMA | {"head_dim": 8},
    "qwen3_moe": _LLAMA | {"head_dim": 8} | _EXPERTS,
    "qwen3_5_text": _HYBRID,
    "glm": _LLAMA | {"head_dim": 8},
    "glm4": _LLAMA | {"head_dim": 8},
    "glm4_moe": _LLAMA | {"head_dim": 8, "n_group": 1, "topk_group": 1, "n_routed_experts": 4} | _EXPERTS,
    "internlm3": _LLAMA | {"head_dim": 8},
    "falcon": _SMALL,
    "gemma": _LLAMA | {"head_dim": 8},
    "gemma2": _LLAMA | {"head_dim": 8},
    "gemma3_text": _LLAMA | {"head_dim": 8, "sliding_window": 64},
    "phi": _LLAMA | {"num_key_value_heads": 4},
    "phi3": _LLAMA,
    "phimoe": _LLAMA | _EXPERTS,
    "deepseek_v2": _LLAMA | _LATENT,
    "deepseek_v3": _LLAMA | _LATENT,
    "bloom": {"vocab_size": 512, "hidden_size": 32, "n_layer": 2, "n_head": 4},
    "gpt2": {"vocab_size": 512, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 1024},
    "gpt_bigcode": {"vocab_size": 512, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 1024},
    "gpt_neox": _SMALL | {"intermediate_size": 64, "max_position_embeddings": 1024},
    "mamba": _SMALL | {"state_size": 8, "time_step_rank": 4},
    "opt": _SMALL | {"ffn_dim": 64, "max_position_embeddings": 1024, "word_embed_proj_dim": 32},
    "t5": _T5,
    "mt5": _T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    "umt5": _T5,
    "bart": _BART,
    "mbart": _BART,
}
"""Smallest shapes of architectures that transformers knows, by `model_type`."""


def make_family(folder: Path, kind: str) -> Path:
    """Write a model of random weights of one of the `ARCHITECTURES`, with its tokenizer, as a model folder."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    config = transformers.AutoConfig.for_model(
        kind, **ARCHITECTURES[kind] | {"bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0}
    )
    auto = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    with torch.random.fork_rng():
        torch.manual_seed(0)
        auto.from_config(config).save_pretrained(folder)
    byte_level_tokenizer().save_pretrained(folder)
    return folder
