"""A small language model trained from scratch on résumé entities, kept in a folder: for benchmarks of answers.

A Llama of about 2 M parameters, some ten CPU minutes. It is weak, as a model in a new domain is: it errs often enough
for votes and calibration to have something to tell. So that it learns in minutes, the prompt is a short one, each Han
character is a token, and before the task it learns to write a shuffled text once more.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from real_rows import ROOT, SHARED, chat_of, examples_of, llama
from train_speed import of_layout

from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.importing import ImportConfig, import_documents
from iepile.jsonl import read_rows, write_rows
from iepile.models.card import ModelCard, write_card
from iepile.training.layouts.layout import Size, plan

LABELS = 4
"""Labels a question."""
RATE = 2e-3
STEP = 16
"""Answers a step."""
COPIES = 1300
"""Steps of copying."""


def rows_of(split: str, folder: Path, documents: int = 0) -> Path:
    """Rows of `train`, `dev` or `test`; those of dev and test ask every label."""
    asked = "train" if split == "train" else "test"
    docs, schema, rows = (folder / f"{split}.{end}" for end in ("docs.json", "schema.json", "rows.json"))
    wording = folder / "wording.toml"
    wording.write_text('[zh]\nNER = "抽取实体。"\n', "utf-8")
    import_documents(ImportConfig(src_path=str(SHARED / f"resume_ner/{split}.char.bmes"), tgt_path=str(docs),
                                  schema_path=str(schema), source="resume"))
    if documents:
        some = [row for _, row in read_rows(docs)]
        write_rows(docs, random.Random(0).sample(some, min(documents, len(some))))
    # Labels of the training file, so that all splits ask alike.
    convert(ConvertConfig(src_path=str(docs), tgt_path=str(rows), schema_path=str(folder / "train.schema.json"),
                          task="NER", language="zh", split=asked, split_num=LABELS, neg_schema=1.0,
                          wording=str(wording), random_sort=asked == "train"))  # type: ignore[arg-type]
    return rows


def _tokenizer(rows: Path) -> Any:
    """Byte-level BPE in which no token holds two Han characters or a character and a quote."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    texts = [part for _, row in read_rows(rows) for part in (row["instruction"], row["output"])]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\p{Han}|[A-Za-z]+|[0-9]|[^\p{Han}A-Za-z0-9]+"), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    bpe.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    bpe.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=3000, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def _learn_copying(model: Any, tokenizer: Any, rows: Path, seed: int) -> None:
    """Steps on shuffled characters of texts, then the same again: only the repetition is learnt."""
    import torch

    rng = random.Random(seed)
    texts = [json.loads(row["instruction"])["input"] for _, row in read_rows(rows)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    for n in range(COPIES):
        drawn = (tokenizer(t[:24]).input_ids for t in rng.choices(texts, k=32))
        some = [rng.sample(ids, len(ids)) for ids in drawn if len(ids) > 8]
        size = min(map(len, some))
        ids = torch.tensor([s[:size] * 2 for s in some])
        labels = ids.clone()
        labels[:, : size + 1] = -100
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (n + 1) / 50)
        loss = model(input_ids=ids, labels=labels, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if not n % 100:
            print(f"copying {n}: loss {loss.item():.3f}", file=sys.stderr, flush=True)


def _learn_answers(model: Any, examples: Any, epochs: range, seed: int) -> None:
    """Learn every answer once an epoch; the rate rises and falls to 0."""
    import torch

    layout, loss = of_layout("padded", model)
    batches = [batch for epoch in epochs for batch in plan(layout, examples, Size(STEP), seed, epoch)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, fused=True)
    for n, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (n + 1) / 50) * (1 - n / len(batches))
        value = loss(model, [examples[i] for i in batch])
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if not n % 100:
            print(f"step {n} of {len(batches)}: loss {value.item():.3f}", file=sys.stderr, flush=True)


def model_in(folder: Path, rounds: int, seed: int = 0) -> None:
    """Train the model into `folder/model`, so many rounds of two epochs, unless it is there."""
    import torch
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    kept, done = folder / "model", folder / "rounds.txt"
    rows = rows_of("train", folder)
    before = int(done.read_text()) if done.exists() else 0
    if before >= rounds:
        return
    torch.set_num_threads(1)
    if before:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(kept)
        model = AutoModelForCausalLM.from_pretrained(kept).train()
    else:
        tokenizer = _tokenizer(rows)
        model = llama(len(tokenizer), hidden=192, layers=4, seed=seed).train()
    chat = chat_of(tokenizer)
    if not before:
        _learn_copying(model, tokenizer, rows, seed)
    examples = examples_of(rows, chat)
    for n in range(before, rounds):
        began = time.process_time()
        _learn_answers(model.train(), examples, range(2 * n, 2 * n + 2), seed)
        print(f"round {n}: {time.process_time() - began:.0f} CPU seconds", file=sys.stderr, flush=True)
        model.eval().save_pretrained(kept)
        tokenizer.save_pretrained(kept)
        write_card(kept, ModelCard(template=chat.name))
        done.write_text(str(n + 1))


if __name__ == "__main__":
    model_in(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "runs/small_model", int((sys.argv[2:] or [2])[0]))
