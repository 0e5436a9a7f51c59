"""What a verbatim grammar costs: writing it, compiling it, a mask at each step, and a step against that of a model.

    python benchmarks/grammar_cost.py [--vocabulary 131072] [--repeat 3] [--steps 32] [--write]

By length of the text: an answer of ten mentions, a token at a time with a mask before each token, as generation does;
the tokenizer is trained on the texts. Thread CPU milliseconds, the best of the repeats.

Against a model of random weights: rows of texts of 500 characters. After every step of the model the next tokens are
chosen as the engine does it, without a grammar and with it, and with it as it was done earlier (every mask spread to
one truth value a token, scores copied). All choose the same tokens from the same scores, one after the other. Prompts
are left out, which only makes the steps of the model shorter. CPU milliseconds of the process, one thread for the
model: masks that the engine computes while the model reads count in full here, so one waits for less than is told.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
from llguidance import LLMatcher
from results import record

from iepile.extraction.answer_row import Row
from iepile.extraction.constrained import TokenGrammar
from iepile.extraction.engines.engine import Request
from iepile.extraction.grammar import lark, limits
from iepile.extraction.next_token import NextToken
from iepile.models.chat import Chat
from iepile.models.load import Loaded
from iepile.models.plain import PlainEncoder
from iepile.tasks import Item, get_task
from tiny_models import byte_level_tokenizer

LENGTHS = (50, 500, 5_000, 50_000)
MODELS = {"0.5B": (896, 24, 14, 2, 4864), "25M beside its head": (512, 8, 8, 8, 1376)}
"""Width, layers, heads, key heads and inner width: Qwen2.5-0.5B, the smallest that is used with a vocabulary of this
size, and a model of a few layers, for which a step costs next to nothing."""
BATCHES = (1, 16, 32)
TASK, ITEMS = get_task("NER"), [Item("person"), Item("place")]


def texts(language: str, rng: random.Random) -> str:
    """A long text: words of made-up frequency, the frequent ones short."""
    zh = language == "zh"
    letters = [chr(c) for c in range(0x4E00, 0x59B8)] if zh else list("eeetttaaooiinnsshhrrdlucmfwypvbgkjqxz")
    words = ["".join(rng.choices(letters, k=rng.randint(1, 3 if zh else 9))) for _ in range(60_000)]
    drawn = [words[min(len(words) - 1, int(rng.paretovariate(0.3)))] for _ in range(150_000)]
    return "".join(w + rng.choice(["", "", "，", "。"]) for w in drawn) if zh else " ".join(drawn)


def answer_about(text: str, rng: random.Random) -> str:
    """An answer of ten mentions."""
    starts = [rng.randrange(max(1, len(text) - 12)) for _ in range(10)]
    mentions = [text[s : s + rng.randint(2, 12)] for s in starts]
    return json.dumps({"person": mentions[:5], "place": mentions[5:]}, ensure_ascii=False)


def by_length(grammar: TokenGrammar, encode: Callable[[str], list[int]], corpus: dict[str, str], repeat: int,
              rng: random.Random) -> list[dict[str, Any]]:
    """Writing, compiling and masks, by language and length of the text."""
    found, most = [], limits()
    for language, corpus_text in corpus.items():
        for length in LENGTHS:
            text = corpus_text[:length]
            ids = encode(answer_about(text, rng))
            best: tuple[float, float, list[float]] | None = None
            for _ in range(repeat):
                t0 = time.thread_time()
                written = lark(TASK.shape(ITEMS), text)
                t1 = time.thread_time()
                m = LLMatcher(grammar.ll, LLMatcher.grammar_from_lark(written), limits=most, log_level=0)
                t2 = time.thread_time()
                steps = []
                for token in ids:
                    t = time.thread_time()
                    m.compute_bitmask()
                    if not m.consume_token(token):
                        raise SystemExit(m.get_error()[:500])
                    steps.append(1000 * (time.thread_time() - t))
                if best is None or sum(steps) < sum(best[2]):
                    best = (1000 * (t1 - t0), 1000 * (t2 - t1), steps)
            assert best is not None
            write, build, steps = best
            found.append({
                "language": language, "characters": length, "tokens": len(steps), "write": round(write, 2),
                "compile": round(build, 2), "mean mask": round(statistics.mean(steps), 3),
                "p95 mask": round(statistics.quantiles(steps, n=20)[-1], 3), "worst mask": round(max(steps), 2)})
    return found


class WholeMask(NextToken):
    """Chooses as the engine did before: every mask spread over the vocabulary, scores copied with what is shut out."""

    def __call__(self, rows: Sequence[Row], scores: Any, bits: Any) -> list[int]:
        import torch

        allowed = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")[:, : scores.shape[-1]].astype(bool)
        allowed.any(axis=1).tolist()
        masked = scores.masked_fill(~torch.from_numpy(allowed), -math.inf)
        tokens: list[int] = masked.argmax(-1).tolist()
        for row, token, logprob in zip(rows, tokens, self.logprobs(scores.float(), tokens), strict=True):
            row.take(token, logprob, self.stop)
        return tokens


class Side:
    """Rows whose tokens are chosen in one way, and the time that took."""

    def __init__(self, choose: NextToken, matchers: Sequence[Any | None]) -> None:
        self.choose, self.seconds = choose, 0.0
        self.rows = [Row(Request(str(n), "NER", ""), [], 100_000, matcher=m) for n, m in enumerate(matchers)]

    def step(self, scores: Any, wanted: list[int]) -> None:
        """Choose, with the masks computed first."""
        began = time.process_time()
        bits = self.choose.masks(self.rows)
        got = self.choose(self.rows, scores, bits)
        self.seconds += time.process_time() - began
        if got != wanted or any(r.error for r in self.rows):
            raise SystemExit(f"chose {got} in place of {wanted}: {[r.error for r in self.rows if r.error]}")


def model_of(shape: tuple[int, ...], vocabulary: int) -> Any:
    """Random weights, fp32."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    width, layers, heads, keys, inner = shape
    torch.manual_seed(0)
    return Qwen2ForCausalLM(Qwen2Config(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=keys,
        intermediate_size=inner, vocab_size=vocabulary, tie_word_embeddings=True, bos_token_id=None,
        eos_token_id=None)).eval()


def against_a_model(model: Any, grammar: TokenGrammar, asked: Sequence[tuple[str, list[int]]],
                    steps: int) -> dict[str, Any]:
    """Milliseconds a step of the model and of the three ways to choose.

    Args:
        asked: text and token ids of the answer, a row each.
        steps: tokens of an answer that are taken.
    """
    import torch
    from transformers import DynamicCache

    choose, before = NextToken(grammar, [], 1.0), WholeMask(grammar, [], 1.0)
    began = time.process_time()
    grammars = [lark(TASK.shape(ITEMS), text) for text, _ in asked]
    matchers = [grammar.matcher(g) for g in grammars]
    making = time.process_time() - began
    sides = {"no grammar": Side(choose, [None] * len(asked)), "grammar": Side(choose, matchers),
             "grammar before": Side(before, [grammar.matcher(g) for g in grammars])}
    cache, model_seconds = DynamicCache(config=model.config), 0.0
    ids = torch.tensor([answer[:1] for _, answer in asked])
    with torch.inference_mode():
        model(input_ids=ids)  # warm
        for n in range(steps):
            began = time.process_time()
            scores = model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]
            model_seconds += time.process_time() - began
            wanted = [answer[n] for _, answer in asked]
            # Weights are random: the token that the answer has next is made the likeliest.
            ids = torch.tensor(wanted)[:, None]
            scores.scatter_(1, ids, 1e3)
            for side in sides.values():
                side.step(scores, wanted)
    ms = {name: 1000 * side.seconds / steps for name, side in sides.items()}
    read = 1000 * model_seconds / steps
    step = read + ms["no grammar"]
    more, once = ms["grammar"] - ms["no grammar"], 1000 * making / steps
    return {
        "steps": steps, "model's step": round(read, 2),
        "choosing": {name: round(t, 3) for name, t in ms.items()},
        "overhead of the grammar a step": f"{100 * more / step:.2f} %",
        "with writing and compiling": f"{100 * (more + once) / step:.2f} %",
        "before": f"{100 * (ms['grammar before'] - ms['no grammar']) / step:.2f} %",
        "before / now": round(ms["grammar before"] / ms["grammar"], 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabulary", type=int, default=131_072)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--steps", type=int, default=32, help="tokens of an answer, where a model is asked")
    parser.add_argument("--write", action="store_true", help="record the figures in benchmarks/results")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    rng = random.Random(0)
    corpus = {language: texts(language, rng) for language in ("zh", "en")}
    parts = [t[i : i + 2_000] for t in corpus.values() for i in range(0, len(t), 2_000)]
    tokenizer = byte_level_tokenizer(parts, size=args.vocabulary)
    tokenizer.pad_token = tokenizer.eos_token
    encode = PlainEncoder(tokenizer)
    figures: dict[str, Any] = {"tokens of the tokenizer": len(tokenizer), "scores of the models": args.vocabulary}
    rows = []
    for n in range(max(BATCHES)):
        whole = corpus[("zh", "en")[n % 2]]
        start = rng.randrange(len(whole) - 500)
        text = whole[start : start + 500]
        rows.append((text, encode(answer_about(text, rng))))
    steps = min(args.steps, *(len(ids) for _, ids in rows))
    models: dict[str, Any] = {}
    grammar: TokenGrammar | None = None
    for name, shape in MODELS.items():
        model = model_of(shape, args.vocabulary)
        chat = Chat(tokenizer, "qwen")
        grammar = TokenGrammar(Loaded(model, tokenizer, None, name), chat)
        models[name] = {f"{size} rows": against_a_model(model, grammar, rows[:size], steps) for size in BATCHES}
        del model
    assert grammar is not None
    figures["ms a step, texts of 500 characters"] = models
    figures["ms by length of the text"] = by_length(grammar, encode, corpus, args.repeat, rng)
    record("grammar_cost", args.write, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
