"""GGUF, the one-file form of llama.cpp and Ollama: weights, tokenizer and chat template together.

Written with the library `gguf`; what it takes to describe a model is here and in gguf.toml. Weights are converted one
at a time, so memory holds the model once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iepile.errors import InputError, MissingDependency
from iepile.training.export.pieces import begins_with_bos
from iepile.training.export.vocabulary import Architecture, Vocabulary, facts, read_vocabulary

KINDS = {"fp32": ("F32", "ALL_F32"), "fp16": ("F16", "MOSTLY_F16"), "bf16": ("BF16", "MOSTLY_BF16"),
         "q8_0": ("Q8_0", "MOSTLY_Q8_0")}
"""Number format -> what GGUF calls it, for a matrix and for a file."""
_ELSEWHERE = "export it as merged, and convert that folder with llama.cpp's own converter, convert_hf_to_gguf.py"


def check_architecture(config: Any) -> Architecture:
    """How GGUF names the model.

    Args:
        config: its transformers configuration.

    Raises:
        InputError: a model that is not written, or a part of it that llama.cpp would compute otherwise.
    """
    known = facts().architectures
    if config.model_type not in known:
        raise InputError(f"models of type {config.model_type!r} are not written as GGUF", field="format",
                         expected=", ".join(known), fix=_ELSEWHERE)
    if getattr(config, "hidden_act", "silu") != "silu":
        raise _otherwise(f"the activation {config.hidden_act}")
    if config.model_type.startswith("qwen") and "sliding_attention" in (getattr(config, "layer_types", None) or ()):
        raise _otherwise("attention in a sliding window")
    if _rope(config)["rope_type"] not in ("default", "linear", "yarn", "llama3"):
        raise _otherwise(f"rotary positions of type {_rope(config)['rope_type']}")
    return known[config.model_type]


def write_gguf(path: Path, model: Any, chat: Any, dtype: str, name: str, chat_template: str | None) -> None:
    """Write one file.

    Args:
        model: a transformers model without adapter.
        chat: its chat: the tokenizer, and the token that ends an answer.
        dtype: `fp32`, `fp16`, `bf16` or `q8_0`, for the matrices; vectors stay fp32.
        name: name of the model, for people.
        chat_template: Jinja text of the prompt, for programs that use one.

    Raises:
        InputError: a model or tokenizer that llama.cpp would compute otherwise, or weights too large for fp16.
    """
    try:
        import gguf
    except ImportError:
        raise MissingDependency("gguf", "gguf", "the format gguf") from None
    config = model.config
    architecture = check_architecture(config)
    vocabulary = read_vocabulary(chat.tokenizer, model.get_input_embeddings().num_embeddings)
    writer = gguf.GGUFWriter(path, architecture.gguf)
    writer.add_name(name)
    writer.add_file_type(getattr(gguf.LlamaFileType, KINDS[dtype][1]))
    _describe(writer, config, len(vocabulary.tokens))
    _describe_tokens(writer, vocabulary, chat)
    if chat_template:
        writer.add_chat_template(chat_template)
    plan = list(_plan(model, architecture, dtype))
    for target, tensor, kind, _ in plan:
        shape: Any = tuple(tensor.shape)
        element: Any = {"F32": "float32", "F16": "float16"}.get(kind, "uint8")
        quant = getattr(gguf.GGMLQuantizationType, kind)
        if element == "uint8":
            shape = gguf.quants.quant_shape_to_byte_shape(shape, quant)
        size = math.prod(shape) * {"float32": 4, "float16": 2, "uint8": 1}[element]
        writer.add_tensor_info(target, shape, _numpy_type(element), size, raw_dtype=quant)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for target, tensor, kind, heads in plan:
            writer.write_tensor_data(_numbers(target, tensor, kind, heads))
    finally:
        writer.close()


def _describe(writer: Any, config: Any, tokens: int) -> None:
    import gguf

    rope, head = _rope(config), _head_size(config)
    context = config.max_position_embeddings
    if config.model_type == "mistral" and getattr(config, "sliding_window", None):
        context = min(context, config.sliding_window)  # llama.cpp computes no window here: none is needed below it
    writer.add_context_length(context)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(tokens)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(float(rope["rope_theta"]))
    if rope["rope_type"] in ("linear", "yarn"):
        kind = gguf.RopeScalingType.LINEAR if rope["rope_type"] == "linear" else gguf.RopeScalingType.YARN
        writer.add_rope_scaling_type(kind)
        writer.add_rope_scaling_factor(float(rope["factor"]))
        if rope["rope_type"] == "yarn":
            writer.add_rope_scaling_orig_ctx_len(int(rope["original_max_position_embeddings"]))


def _describe_tokens(writer: Any, vocabulary: Vocabulary, chat: Any) -> None:
    tokenizer = chat.tokenizer
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.kinds)
    if vocabulary.merges is not None:
        writer.add_token_merges(vocabulary.merges)
    if vocabulary.scores is not None:
        writer.add_token_scores(vocabulary.scores)
        writer.add_add_space_prefix(vocabulary.begins_with_blank)
    writer.add_eos_token_id(chat.end_id)
    if tokenizer.eos_token_id not in (None, chat.end_id):
        writer.add_eot_token_id(tokenizer.eos_token_id)  # another one that ends an answer
    for add, token in ((writer.add_bos_token_id, tokenizer.bos_token_id),
                       (writer.add_unk_token_id, tokenizer.unk_token_id),
                       (writer.add_pad_token_id, tokenizer.pad_token_id)):
        if token is not None:
            add(token)
    writer.add_add_bos_token(begins_with_bos(chat))
    writer.add_add_eos_token(False)


def _plan(model: Any, architecture: Architecture, dtype: str) -> Iterator[tuple[str, Any, str, int]]:
    """(name in GGUF, tensor, its format, heads to permute or 0) of every weight."""
    import gguf

    config = model.config
    kinds = {v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(kinds[architecture.gguf], config.num_hidden_layers)
    tied = model.get_output_embeddings()
    tied = tied is not None and tied.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    for key, tensor in model.state_dict().items():
        if key.endswith("rotary_emb.inv_freq") or (tied and key == "lm_head.weight"):
            continue
        target = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if target is None:
            raise InputError(f"the weight {key} has no place in GGUF", field="format", fix=_ELSEWHERE)
        kind = KINDS[dtype][0] if tensor.ndim > 1 else "F32"
        if kind == "Q8_0" and tensor.shape[-1] % 32:
            kind = "F16"  # blocks are of 32 numbers
        heads = 0
        if architecture.permute and "q_proj." in key:
            heads = config.num_attention_heads
        elif architecture.permute and "k_proj." in key:
            heads = config.num_key_value_heads
        yield target, tensor, kind, heads
    if (factors := _llama3_factors(config)) is not None:
        yield "rope_freqs.weight", factors, "F32", 0


def _numbers(target: str, tensor: Any, kind: str, heads: int) -> Any:
    import gguf
    import numpy as np

    values = tensor.detach().float().cpu().numpy()
    if heads:
        shape = values.shape
        values = values.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)
    values = np.ascontiguousarray(values)
    if not np.isfinite(values).all():
        raise InputError(f"the weight {target} holds numbers that are not finite", fix="train the model again")
    if kind == "F32":
        return values
    if kind == "F16":
        if np.abs(values).max(initial=0.0) > np.finfo(np.float16).max:
            raise InputError(f"the weight {target} is too large for fp16", field="dtype", fix="use bf16 or fp32")
        return values.astype(np.float16)
    return gguf.quants.quantize(values, getattr(gguf.GGMLQuantizationType, kind))


def _numpy_type(name: str) -> Any:
    import numpy as np

    return np.dtype(name)


def _rope(config: Any) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": 10000.0} | dict(getattr(config, "rope_parameters", None) or {})


def _head_size(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _llama3_factors(config: Any) -> Any | None:
    """What Llama 3.1 divides each rotary frequency by: long waves are stretched, short ones kept."""
    rope = _rope(config)
    if rope["rope_type"] != "llama3":
        return None
    import torch

    head = _head_size(config)
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    out = []
    for i in range(0, head, 2):
        turns = rope["original_max_position_embeddings"] / (2 * math.pi * rope["rope_theta"] ** (i / head))
        share = min(1.0, max(0.0, (turns - low) / (high - low)))
        out.append(1 / ((1 - share) / factor + share))
    return torch.tensor(out, dtype=torch.float32)


def _otherwise(what: str) -> InputError:
    return InputError(f"{what} is not written as GGUF", field="format", fix=_ELSEWHERE)
