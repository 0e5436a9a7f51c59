"""What the tests of export share: tiny models like those that people export, and adapters on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from iepile.models.card import ModelCard, write_card
from iepile.models.vendor import quiet
from tiny_models import CONTROL, SAMPLE

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
QUESTION = json.dumps({"instruction": "请从input中抽取出符合schema定义的实体", "schema": ["人物", "place"],
                       "input": "Ada Lovelace 于1843年在London写道：“It's 12,345.67€”。\n\n 完 😀"}, ensure_ascii=False)


def byte_pairs(words: str = QWEN2, whole_words: bool = False, size: int = 700, texts: Sequence[str] = SAMPLE) -> Any:
    """A byte-level tokenizer, trained on texts, that cuts them as `words` says; empty: as GPT-2 does."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE(ignore_merges=whole_words))
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not words)
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(words), "isolated"), bytes_]) if words else bytes_
    backend.decoder = decoders.ByteLevel()
    backend.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=CONTROL, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>")


def sentence_pieces(size: int = 700) -> Any:
    """A tokenizer as transformers makes it of a SentencePiece model: every pair that makes a token is a merge."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    from tiny_models import sentencepiece_tokenizer

    made = sentencepiece_tokenizer(size=size)
    state = json.loads(made.backend_tokenizer.to_str())
    # SentencePiece cuts before blanks: they stand at the beginning of a piece alone.
    kept = [t for t in sorted(state["model"]["vocab"], key=state["model"]["vocab"].__getitem__) if "▁" not in t[1:]]
    vocab = {t: n for n, t in enumerate(kept)}
    special = {a["content"] for a in state["added_tokens"]}
    pieces = [t for t in kept if t not in special and t[:3] != "<0x"]
    merges = [(t[:i], t[i:]) for t in pieces for i in range(1, len(t)) if t[:i] in vocab and t[i:] in vocab]
    backend = Tokenizer.from_str(made.backend_tokenizer.to_str())
    backend.model = models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def tiny(kind: str, tokenizer: Any, seed: int = 0, **more: Any) -> Any:
    """A model of `model_type` kind with random weights that fits the tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                             "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
                             "vocab_size": len(tokenizer) + 8, "tie_word_embeddings": False}
    if kind == "qwen3":
        sizes["head_dim"] = 32
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = AutoConfig.for_model(kind, **{**sizes, **more}, bos_token_id=tokenizer.bos_token_id,
                                      eos_token_id=tokenizer.eos_token_id, pad_token_id=None)
        model = AutoModelForCausalLM.from_config(config)
        for name, p in model.named_parameters():  # wide enough that greedy choices are no ties
            torch.nn.init.normal_(p, 1.0 if "norm" in name else 0.0, 0.2)
    return model.eval()


def save(folder: Path, model: Any, tokenizer: Any, template: str = "", dtype: Any = None) -> Path:
    """Write a model folder, with a card where a template is named."""
    with quiet():
        (model.to(dtype) if dtype else model).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    if template:
        write_card(folder, ModelCard(template=template, base_model="made/tiny"))
    return folder


def adapter(folder: Path, base: Path, template: str = "qwen", seed: int = 1, bits: int = 16,
            **settings: Any) -> Path:
    """Write an adapter of a base model with random matrices, as a run of ours leaves it in `folder/model`."""
    import torch
    from peft import LoraConfig, get_peft_model

    from iepile.models.load import LoadOptions, load_model

    loaded = load_model(base, LoadOptions("fp32", "cpu", bits=bits))
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(seed)
        made = get_peft_model(loaded.model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"],
                                                       task_type="CAUSAL_LM", **settings))
        for name, p in made.named_parameters():
            if p.requires_grad:
                torch.nn.init.normal_(p, 1.0 if "magnitude" in name else 0.0, 0.1)
    made.peft_config["default"].base_model_name_or_path = str(base)
    with quiet():
        made.save_pretrained(folder / "model", save_embedding_layers=False)
        loaded.tokenizer.save_pretrained(folder / "model")
    write_card(folder / "model", ModelCard(template=template, base_model=str(base), finetuning_type="lora",
                                           tasks=("NER",), version="0"))
    return folder


def training_run(folder: Path, base: Path) -> Path:
    """The output folder of a run: an adapter, the rows it was trained on, and `run.json`."""
    adapter(folder, base)
    rows = folder / "train.json"
    rows.write_text("".join(
        json.dumps({"task": "NER", "source": "s", "output": "{}", "instruction": json.dumps(
            {"instruction": "Find.", "schema": ["person"], "input": text}, ensure_ascii=False)}) + "\n"
        for text in ("Ada wrote.", "沈望舒写道。", "Ben wrote.")), "utf-8")
    (folder / "run.json").write_text(json.dumps({
        "format": 2, "data": {"contents of train_file": sha256(rows.read_bytes()).hexdigest()},
        "settings": {"model_name_or_path": str(base), "train_file": str(rows), "lora_r": 4,
                     "learning_rate": 1e-3, "template": "", "bf16": False}}), "utf-8")
    return folder
