"""GGUF files of ours in llama.cpp: same tokens, nearly the same logits, same greedy answers as in transformers.

    python benchmarks/gguf_parity.py [MODEL_FOLDER ...]
    python benchmarks/gguf_parity.py --texts FILE ...

Without folders, tiny models with random weights of every architecture and tokenizer that is written. With texts (JSON
lines with `text`), tokenizers of every kind are trained on half of them, and the token ids of the other half compared.
Needs `llama-cpp-python`, which is no dependency of the project: it is built from source, some minutes on one core; and
`sentencepiece` for the texts.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any, Literal, NamedTuple

DTYPES: tuple[Literal["fp32", "fp16", "bf16", "q8_0"], ...] = ("fp32", "fp16", "bf16", "q8_0")
ROOT = Path(__file__).parents[1]


class Parity(NamedTuple):
    """How a GGUF file and its model compare on one question."""

    same_ids: bool
    tokens: int
    """Tokens of the prompt."""
    logit_difference: float
    """Largest, over the whole prompt and vocabulary."""
    logit_range: float
    """Of the model, to compare the difference with."""
    same_greedy: int
    """Tokens of the greedy answer that agree from the first on."""
    greedy: int


def compare(folder: Path, gguf_folder: Path, question: str, answer_tokens: int = 24) -> Parity:
    """Compare a model folder (or adapter, or run) with what `iepile export` made of it."""
    import llama_cpp
    import numpy as np
    import torch

    from iepile.models.load import LoadOptions, load_model
    from iepile.training.export.pieces import prompt_pieces

    loaded = load_model(folder, LoadOptions("fp32", "cpu"))
    chat = loaded.chat()
    asked = chat.prompt_ids(question)
    (file,) = gguf_folder.glob("*.gguf")
    other = llama_cpp.Llama(str(file), n_ctx=512, n_threads=1, logits_all=True, verbose=False,
                            type_k=0, type_v=0)  # fp32 cache
    said = {"query": question, "system": chat.template.system}
    text = "".join(said.get(p.kind, p.text) for p in prompt_pieces(chat))
    theirs = other.tokenize(text.encode(), add_bos=True, special=True)
    other.eval(asked)
    logits = np.array(other.scores[: len(asked)])
    with torch.no_grad():
        ours = loaded.model(torch.tensor([asked])).logits[0].float().numpy()
        ids, past = torch.tensor([asked]), []
        for _ in range(answer_tokens):
            past.append(int(loaded.model(ids).logits[0, -1].argmax()))
            ids = torch.cat([ids, torch.tensor([past[-1:]])], 1)
    greedy: list[int] = []
    while len(greedy) < answer_tokens:
        greedy.append(int(np.argmax(other.scores[len(asked) + len(greedy) - 1])))
        other.eval(greedy[-1:])
    other.close()
    agree = next((n for n, (a, b) in enumerate(zip(past, greedy, strict=True)) if a != b), answer_tokens)
    return Parity(theirs == asked, len(asked), float(np.abs(logits - ours).max()), float(np.ptp(ours)), agree,
                  answer_tokens)


def tiny_models(folder: Path) -> dict[str, Path]:
    """A model folder of every kind that is written."""
    sys.path.insert(0, str(ROOT / "tests"))
    from export_toys import LLAMA3, QWEN2, byte_pairs, save, sentence_pieces, tiny

    rope = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    yarn = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 128}
    spm, qwen, llama3 = sentence_pieces(), byte_pairs(QWEN2), byte_pairs(LLAMA3, whole_words=True)
    smaug, gpt2 = byte_pairs(LLAMA3), byte_pairs("")
    made: dict[str, tuple[Any, Any, str]] = {
        "llama, SentencePiece": (tiny("llama", spm), spm, "llama2_zh"),
        "llama, SP, alpaca": (tiny("llama", spm), spm, "alpaca"),
        "llama3, scaled positions": (tiny("llama", llama3, rope_parameters=rope), llama3, "llama3"),
        "llama, smaug": (tiny("llama", smaug), smaug, "llama3"),
        "llama, gpt-2": (tiny("llama", gpt2, attention_bias=True, mlp_bias=True), gpt2, "vanilla"),
        "mistral, SentencePiece": (tiny("mistral", spm), spm, "mistral"),
        "qwen2": (tiny("qwen2", qwen), qwen, "qwen"),
        "qwen2, alpaca": (tiny("qwen2", qwen), qwen, "alpaca"),
        "qwen2, yarn": (tiny("qwen2", qwen, rope_parameters=yarn), qwen, "qwen"),
        "qwen3, tied": (tiny("qwen3", qwen, tie_word_embeddings=True), qwen, "qwen"),
    }
    return {name: save(folder / str(n), model, tokenizer, template)
            for n, (name, (model, tokenizer, template)) in enumerate(made.items())}


def compare_texts(files: list[str]) -> int:
    """Print a table; 1 where a text has other token ids."""
    import json
    import random

    import llama_cpp

    from iepile.models.chat import Chat
    from iepile.training.export.gguf import write_gguf

    sys.path.insert(0, str(ROOT / "tests"))
    from export_toys import LLAMA3, QWEN2, byte_pairs, tiny

    rows = [json.loads(line) for f in files for line in Path(f).read_text("utf-8").splitlines()]
    texts = sorted({r["text"] for r in rows if r.get("text")})
    random.Random(0).shuffle(texts)
    known, others = texts[::2], texts[1::2]
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        made = {"qwen2": byte_pairs(QWEN2, size=6000, texts=known), "gpt-2": byte_pairs("", size=6000, texts=known),
                "llama-bpe": byte_pairs(LLAMA3, True, 6000, known), "smaug-bpe": byte_pairs(LLAMA3, False, 6000, known),
                "SentencePiece": sentence_piece_model(Path(place), known)}
        for name, tokenizer in made.items():
            path = Path(place) / f"{name}.gguf"
            write_gguf(path, tiny("llama", tokenizer), Chat(tokenizer, "vanilla"), "fp16", name, None)
            other = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
            wrong = sum(other.tokenize(t.encode(), add_bos=False, special=True)
                        != tokenizer.encode(t, add_special_tokens=False) for t in others)
            print(f"{name:<14} {len(tokenizer):>6} tokens  {len(others):>6} texts  {wrong} differ", flush=True)
            bad += wrong
    return int(bad > 0)


def sentence_piece_model(folder: Path, texts: list[str]) -> Any:
    """A tokenizer that transformers makes of a model trained by the library sentencepiece itself, as LLaMA-2's was."""
    import json

    import sentencepiece
    from transformers import AutoTokenizer

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(t.replace("\n", " ") for t in texts), model_prefix=str(folder / "tokenizer"),
        model_type="bpe", vocab_size=6000, byte_fallback=True, split_digits=True, allow_whitespace_only_pieces=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2)
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer", **names}))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return AutoTokenizer.from_pretrained(folder)


def main(folders: list[str]) -> int:
    """Print a table; 1 where token ids are not as the export says."""
    if folders[:1] == ["--texts"]:
        return compare_texts(folders[1:])
    from iepile.training.export.config import ExportConfig
    from iepile.training.export.export import export

    sys.path.insert(0, str(ROOT / "tests"))
    from export_toys import QUESTION

    bad = 0
    with tempfile.TemporaryDirectory() as place:
        models = {f: Path(f) for f in folders} or tiny_models(Path(place))
        print(f"{'model':<26} {'dtype':<5} ids  tokens  logit difference  of a range  greedy")
        for n, (name, folder) in enumerate(models.items()):
            for dtype in DTYPES:
                target = Path(place) / f"gguf-{n}-{dtype}"
                made = export(ExportConfig(str(folder), str(target), format="gguf", dtype=dtype))
                p = compare(folder, target, QUESTION)
                print(f"{name:<26} {dtype:<5} {'same' if p.same_ids else 'DIFF'} {p.tokens:>6} "
                      f"{p.logit_difference:>16.4f} {p.logit_range:>12.2f}  {p.same_greedy}/{p.greedy}", flush=True)
                bad += p.same_ids != made.same_tokens  # the export says where borders of pieces differ
    return int(bad > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
