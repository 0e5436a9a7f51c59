"""Model folders that bring Python code of their own, as Baichuan, ChatGLM or OpenBA do: small, and written here.

>>> folder = make_own_code(tmp_path / "m", "baichuan")  # doctest: +SKIP
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from tiny_models import byte_level_tokenizer

DECODER = '''
"""A small decoder whose layers bear the names that its config gives them."""
import torch
from torch import nn
from torch.nn import functional as F
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.cache_utils import DynamicCache
from transformers.modeling_outputs import CausalLMOutputWithPast


class OwnConfig(PretrainedConfig):
    model_type = "KIND"

    def __init__(self, width=32, layers=2, heads=4, seq_length=1024, vocab_size=512, qkv="qkv", out="out", up="up",
                 down="down", **more):
        self.width, self.layers, self.heads, self.seq_length = width, layers, heads, seq_length
        self.hidden_size, self.num_hidden_layers, self.vocab_size = width, layers, vocab_size
        self.qkv, self.out, self.up, self.down = qkv, out, up, down
        super().__init__(**more)


class Block(nn.Module):
    def __init__(self, config, number):
        super().__init__()
        self.config, self.number = config, number
        w = config.width
        self.add_module(config.qkv, nn.Linear(w, 3 * w))
        self.add_module(config.out, nn.Linear(w, w))
        self.add_module(config.up, nn.Linear(w, 2 * w))
        self.add_module(config.down, nn.Linear(2 * w, w))
        self.before, self.between = nn.LayerNorm(w), nn.LayerNorm(w)

    def forward(self, x, mask, cache):
        rows, places, w = x.shape
        split = lambda t: t.view(rows, places, self.config.heads, -1).transpose(1, 2)
        q, k, v = (split(t) for t in self.get_submodule(self.config.qkv)(self.before(x)).chunk(3, -1))
        if cache is not None:
            k, v = cache.update(k, v, self.number)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(rows, places, w)
        x = x + self.get_submodule(self.config.out)(a)
        return x + self.get_submodule(self.config.down)(F.gelu(self.get_submodule(self.config.up)(self.between(x))))


class OwnModel(PreTrainedModel, GenerationMixin):
    config_class = OwnConfig
    _supports_sdpa = True

    def __init__(self, config):
        super().__init__(config)
        self.words = nn.Embedding(config.vocab_size, config.width)
        self.places = nn.Embedding(config.seq_length, config.width)
        self.blocks = nn.ModuleList(Block(config, n) for n in range(config.layers))
        self.last = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self):
        return self.words

    def get_output_embeddings(self):
        return self.head

    def forward(self, input_ids=None, attention_mask=None, position_ids=None, past_key_values=None, use_cache=None,
                inputs_embeds=None, labels=None, logits_to_keep=0, **_):
        x = self.words(input_ids) if inputs_embeds is None else inputs_embeds
        rows, places, _ = x.shape
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache()
        before = past_key_values.get_seq_length() if past_key_values is not None else 0
        if position_ids is None:
            position_ids = torch.arange(before, before + places, device=x.device)[None]
        whole = before + places
        seen = torch.ones(places, whole, dtype=torch.bool, device=x.device).tril(before)[None, None]
        if attention_mask is not None:
            seen = seen & attention_mask[:, None, None, :].bool()
            seen = seen | torch.eye(whole, dtype=torch.bool, device=x.device)[None, None, before:]
        x = x + self.places(position_ids)
        for block in self.blocks:
            x = block(x, seen, past_key_values)
        logits = self.head(self.last(x[:, -logits_to_keep:] if logits_to_keep else x))
        return CausalLMOutputWithPast(logits=logits, past_key_values=past_key_values if use_cache else None)
'''
ENCODER_DECODER = '''
"""T5 under another name."""
from transformers import T5Config, T5ForConditionalGeneration


class OwnConfig(T5Config):
    model_type = "KIND"


class OwnModel(T5ForConditionalGeneration):
    config_class = OwnConfig
'''
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "baichuan": (DECODER, "AutoModelForCausalLM",
                 {"qkv": "W_pack", "out": "o_proj", "up": "up_proj", "down": "down_proj"}),
    "chatglm": (DECODER, "AutoModel", {"qkv": "query_key_value", "out": "dense", "up": "dense_h_to_4h",
                                       "down": "dense_4h_to_h"}),
    "moss": (DECODER, "AutoModelForCausalLM", {"qkv": "qkv_proj", "out": "out_proj", "up": "fc_in", "down": "fc_out"}),
    "qwen": (DECODER, "AutoModelForCausalLM", {"qkv": "c_attn", "out": "out", "up": "w1", "down": "w2"}),
    "internlm2": (DECODER, "AutoModelForCausalLM", {"qkv": "wqkv", "out": "wo", "up": "w1", "down": "w2"}),
    "cpmbee": (DECODER, "AutoModelForCausalLM", {"qkv": "project_q", "out": "out", "up": "w_in", "down": "w_out"}),
    "openba": (ENCODER_DECODER, "AutoModelForSeq2SeqLM",
               {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "vocab_size": 512,
                "decoder_start_token_id": 0}),
    "never-heard-of": (DECODER, "AutoModelForCausalLM", {}),
}
"""`model_type` -> code, the class that it gives to the Auto classes, and settings."""


def make_own_code(folder: Path, kind: str) -> Path:
    """Write a folder with code, config, random weights and tokenizer, without running the code here."""
    code, auto, settings = KINDS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "own_model.py").write_text(textwrap.dedent(code).replace("KIND", kind), encoding="utf-8")
    own = {"AutoConfig": "own_model.OwnConfig", auto: "own_model.OwnModel"}
    config = settings | {"model_type": kind, "auto_map": own, "eos_token_id": 1, "pad_token_id": 0}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    byte_level_tokenizer().save_pretrained(folder)
    return folder


def with_weights(folder: Path) -> Path:
    """Run the folder's code to make weights, as its author did."""
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=True)
    made: Any = next(n for n in config.auto_map if n.startswith("AutoModel"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, made).from_config(config, trust_remote_code=True)
    before = (folder / "config.json").read_bytes()
    model.save_pretrained(folder)
    (folder / "config.json").write_bytes(before)
    return folder
