"""Instruction rows of real data sets, made by our own conversion, and a small Llama with a tokenizer for them.

Used by the benchmarks of training: train_speed.py, text_first.py, peer_speed.py. The data lies beside the project (or
in IEPILE_SHARED).
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from iepile.corpus.convert import ConvertConfig, convert  # noqa: E402
from iepile.corpus.importing import ImportConfig, import_documents  # noqa: E402
from iepile.instruction import read_instruction  # noqa: E402
from iepile.jsonl import dumps, read_rows, write_rows  # noqa: E402
from iepile.models.chat import Chat  # noqa: E402
from iepile.training.data import Example, read_examples  # noqa: E402
from iepile.training.tokenisation import Reading  # noqa: E402
from tiny_models import byte_level_tokenizer  # noqa: E402

SHARED = Path(os.environ.get("IEPILE_SHARED", ROOT.parent / "shared")) / "data"
RESULTS = ROOT / "benchmarks/results"


class Source(NamedTuple):
    """A data set, and what is asked."""

    task: str
    train: str
    test: str = ""
    language: str = "zh"
    split_num: int = 4


SOURCES = {
    "DuIE": Source("RE", "DuIE2.0/train_data_5000.json"),
    "DuEE": Source("EE", "DuEE1.0/duee_dev.json"),
    "resume": Source("NER", "resume_ner/train.char.bmes", "resume_ner/test.char.bmes", split_num=2),
    "movies": Source("NER", "mit-movie_trivia10k13/trivia10k13train.txt", "mit-movie_trivia10k13/trivia10k13test.txt",
                     "en", 3),
}


def make_rows(name: str, folder: Path, documents: int = 0, negatives: float = 1.0, split: str = "train",
              wording: Path | None = None) -> Path:
    """Rows of a data set.

    Args:
        documents: only so many, drawn with a fixed seed; 0: all.
        negatives: share of the labels a text does not have that are asked as well.
        split: `train`, or `test` (from the test file, all labels asked).
        wording: prompts in place of IEPile's.
    """
    source = SOURCES[name]
    base = folder / name.replace(" ", "_")
    docs, schema, rows = (base.with_name(f"{base.name}.{split}.{end}") for end in ("docs", "schema.json", "rows"))
    # Labels of the training file, so that both splits ask alike.
    if split == "test":
        schema = base.with_name(f"{base.name}.train.schema.json")
    else:
        import_documents(ImportConfig(src_path=str(SHARED / source.train), tgt_path=str(docs),
                                      schema_path=str(schema), source=name))
    if split == "test":
        import_documents(ImportConfig(src_path=str(SHARED / source.test), tgt_path=str(docs), source=name))
    if documents:
        some = [row for _, row in read_rows(docs)]
        write_rows(docs, random.Random(0).sample(some, min(documents, len(some))))
    convert(ConvertConfig(src_path=str(docs), tgt_path=str(rows), schema_path=str(schema), task=source.task,
                          language=source.language, split=split, split_num=source.split_num, neg_schema=negatives,
                          wording=str(wording) if wording else None, random_sort=split == "train"))  # type: ignore[arg-type]
    return rows


def tokenizer_of(rows: Sequence[Path], size: int = 8000) -> Any:
    """A byte-level BPE tokenizer trained on the texts, schemas and answers of rows.

    Not on the prompt's wording: the same in every row, it would become a handful of long tokens, as with no real model.
    """
    texts = []
    for path in rows:
        for _, row in read_rows(path):
            question = read_instruction(row["instruction"])
            texts += [question.input, dumps(question.schema), row.get("output", "")]
    return byte_level_tokenizer(random.Random(0).sample(texts, min(len(texts), 20_000)), size)


def chat_of(tokenizer: Any) -> Chat:
    """With a short template, as for a base model."""
    return Chat(tokenizer, "qwen")


def examples_of(rows: Path, chat: Chat, text_first: bool = False) -> Sequence[Example]:
    """All rows as token ids; none is cut or left out."""
    read = read_examples(str(rows), chat, Reading(100_000, text_first=text_first))
    return [read[i] for i in range(len(read))]


def llama(vocabulary: int, hidden: int = 256, layers: int = 4, seed: int = 0) -> Any:
    """A Llama of 5.2 M parameters (at 256, 4 and 8,000), random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=int(hidden * 2.6875), num_hidden_layers=layers,
        num_attention_heads=hidden // 64, num_key_value_heads=hidden // 64, max_position_embeddings=8192,
        tie_word_embeddings=True, pad_token_id=None, bos_token_id=None, eos_token_id=None,
    ))
