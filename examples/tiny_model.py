"""A language model small enough to try every command of tuning in seconds. It has random weights and knows nothing.

    python examples/tiny_model.py runs/tiny/rows.json runs/tiny/base

It is a Llama made from a config, with a tokenizer trained on the rows. Put a real model in its place for real work.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iepile.jsonl import read_rows


def texts(rows: str) -> Iterator[str]:
    """Questions and answers of a file of rows."""
    for _, row in read_rows(rows):
        yield row["instruction"]
        yield row.get("output", "")


def tokenizer(rows: str, size: int = 2000) -> Any:
    """A byte-level BPE tokenizer with a chat template in the form of ChatML."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(texts(rows), trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
    wrapped = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    wrapped.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
    return wrapped


def main(rows: str, folder: str) -> None:
    """Write model and tokenizer into `folder`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    words = tokenizer(rows)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(words), hidden_size=64, intermediate_size=192, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id))
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    print(f"{folder}: {sum(p.numel() for p in model.parameters()):,} parameters, {len(words)} tokens")


if __name__ == "__main__":
    if len(sys.argv) != 3 or not Path(sys.argv[1]).is_file():
        sys.exit("usage: python examples/tiny_model.py ROWS FOLDER")
    main(*sys.argv[1:])
