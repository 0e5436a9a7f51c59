"""Tiny Hugging Face encoders of several families, made from a config: folder with config, tokenizer and weights."""

from __future__ import annotations

from pathlib import Path

FAMILIES = ("bert", "electra", "roberta", "xlm-roberta", "deberta-v2", "distilbert")
MARKS = {"first": "[CLS]", "last": "[SEP]", "pad": "[PAD]", "unknown": "[UNK]"}


def make_encoder(family: str, folder: Path, characters: str, words: tuple[str, ...] = ()) -> Path:
    """Save an untrained encoder of 32 dimensions that holds 24 positions and knows these characters and words."""
    import torch
    from transformers import AutoConfig, AutoModel

    size = _save_tokenizer(family, folder, sorted(set(characters) - set(" \n\t")), words)
    torch.manual_seed(0)
    sizes = {
        "vocab_size": size, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 48, "max_position_embeddings": 24, "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0, "pad_token_id": 0, "type_vocab_size": 1,
    }
    if family == "distilbert":
        sizes = {"vocab_size": size, "dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 48, "dropout": 0.0,
                 "max_position_embeddings": 24, "attention_dropout": 0.0, "pad_token_id": 0}
    if family == "deberta-v2":
        sizes |= {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8,
                  "max_relative_positions": -1, "position_biased_input": False}
    config = AutoConfig.for_model(family, **sizes)
    AutoModel.from_config(config).save_pretrained(folder)
    return folder


def _save_tokenizer(family: str, folder: Path, letters: list[str], words: tuple[str, ...]) -> int:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = [MARKS["pad"], MARKS["unknown"], MARKS["first"], MARKS["last"]]
    if family == "roberta":
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        vocab = {w: i for i, w in enumerate([*special, *alphabet])}
        backend = Tokenizer(models.BPE(vocab, []))
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
    elif family in ("xlm-roberta", "deberta-v2"):
        pieces = [*special, "▁", *letters, *(f"▁{w}" for w in words)]
        vocab = dict.fromkeys(pieces)
        scores = [(w, -1.0 if w.startswith("▁") else -3.0) for w in vocab]
        backend = Tokenizer(models.Unigram(scores, unk_id=1, byte_fallback=False))
        backend.pre_tokenizer = pre_tokenizers.Metaspace()
    else:
        pieces = [*special, *letters, *(f"##{c}" for c in letters), *words]
        vocab = {w: i for i, w in enumerate(dict.fromkeys(pieces))}
        backend = Tokenizer(models.WordPiece(vocab, unk_token=MARKS["unknown"]))
        backend.normalizer = normalizers.BertNormalizer(lowercase=False)
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token=MARKS["unknown"], pad_token=MARKS["pad"], cls_token=MARKS["first"],
        sep_token=MARKS["last"],
    )
    tokenizer.save_pretrained(folder)
    return len(vocab)
