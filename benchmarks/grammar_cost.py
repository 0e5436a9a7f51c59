"""What a verbatim grammar costs: writing it, compiling it, and a mask at each step, by length of the text.

    python benchmarks/grammar_cost.py [--vocabulary 32000] [--repeat 3]

Each text is answered by an answer of ten mentions, a token at a time with a mask before each token, as generation
does; the tokenizer is trained on the texts. Thread CPU milliseconds, the best of the repeats.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from llguidance import LLMatcher
from llguidance.hf import from_tokenizer

from iepile.extraction.grammar import lark, limits
from iepile.models.plain import PlainEncoder
from iepile.tasks import Item, get_task
from tiny_models import byte_level_tokenizer

LENGTHS = (50, 500, 5_000, 50_000)


def texts(language: str, rng: random.Random) -> str:
    """A long text: words of made-up frequency, the frequent ones short."""
    zh = language == "zh"
    letters = [chr(c) for c in range(0x4E00, 0x59B8)] if zh else list("eeetttaaooiinnsshhrrdlucmfwypvbgkjqxz")
    words = ["".join(rng.choices(letters, k=rng.randint(1, 3 if zh else 9))) for _ in range(60_000)]
    drawn = [words[min(len(words) - 1, int(rng.paretovariate(0.3)))] for _ in range(150_000)]
    return "".join(w + rng.choice(["", "", "，", "。"]) for w in drawn) if zh else " ".join(drawn)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabulary", type=int, default=32_000)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    rng = random.Random(0)
    corpus = {language: texts(language, rng) for language in ("zh", "en")}
    parts = [t[i : i + 2_000] for t in corpus.values() for i in range(0, len(t), 2_000)]
    tokenizer = byte_level_tokenizer(parts, size=args.vocabulary)
    ll, encode, most = from_tokenizer(tokenizer), PlainEncoder(tokenizer), limits()
    task, items = get_task("NER"), [Item("person"), Item("place")]
    print(f"vocabulary {ll.vocab_size}; CPU milliseconds\n"
          f"{'text':10} {'chars':>6} {'tokens':>6} {'write':>7} {'compile':>8} {'mean':>7} {'p95':>7} {'worst':>7}")
    for language, corpus_text in corpus.items():
        for length in LENGTHS:
            text = corpus_text[:length]
            starts = [rng.randrange(max(1, length - 12)) for _ in range(10)]
            mentions = [text[s : s + rng.randint(2, 12)] for s in starts]
            answer = json.dumps({"person": mentions[:5], "place": mentions[5:]}, ensure_ascii=False)
            best: tuple[float, float, list[float]] | None = None
            for _ in range(args.repeat):
                t0 = time.thread_time()
                grammar = lark(task.shape(items), text)
                t1 = time.thread_time()
                m = LLMatcher(ll, LLMatcher.grammar_from_lark(grammar), limits=most, log_level=0)
                t2 = time.thread_time()
                steps = []
                ids = encode(answer)
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
            p95 = statistics.quantiles(steps, n=20)[-1]
            print(f"{language:10} {length:6} {len(steps):6} {write:7.2f} {build:8.2f} {statistics.mean(steps):7.3f} "
                  f"{p95:7.3f} {max(steps):7.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
