"""ROUGE-1, 2 and L of real texts against the packages `rouge` and `rouge_chinese`: agreement and time.

    python benchmarks/rouge_speed.py [--texts 200] [--write]

Peer: these packages, asked for the same three figures of the same pairs, words already cut. A pair is a real
text and the same text with every word left out with probability 0.2 (seed 1). Limit: not slower at any
length, and every figure within 1e-9.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from results import record

from iepile.evaluation.protocols.rouge import Rouge, rouge, rouge_chinese, words_of

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
FILES = {"en": "IEPILE_slices_OneKE/unified_NYT11_test.jsonl", "zh": "IEPile_format_predictions/ft_spo_json__7.json"}


def texts(language: str) -> list[str]:
    path = SHARED / "data" / FILES[language]
    return list(dict.fromkeys(json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()))


def pairs(words: list[list[str]], rng: random.Random) -> list[tuple[str, str]]:
    return [(" ".join(w for w in said if rng.random() > 0.2) or said[0], " ".join(said)) for said in words]


def timed(score: Callable[[str, str], Any], cases: list[tuple[str, str]]) -> tuple[float, list[Any]]:
    start = time.process_time()
    scores = [score(*case) for case in cases]
    return time.process_time() - start, scores


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import rouge as package
        import rouge_chinese as package_zh
    rng = random.Random(1)
    out: dict[str, Any] = {}
    for language, peer, ours in (("en", package.Rouge().get_scores, rouge),
                                 ("zh", package_zh.Rouge().get_scores, rouge_chinese)):
        cut: Callable[[str], list[str]] = words_of() if language == "zh" else str.split
        cases = pairs([cut(text) for text in texts(language)[: args.texts]], rng)
        theirs, expected = timed(peer, cases)
        mine, got = timed(ours, cases)
        worst = max(abs(e[0][name]["f"] - value) for e, g in zip(expected, got, strict=True)
                    for name, value in zip(("rouge-1", "rouge-2", "rouge-l"), Rouge(*g), strict=True))
        out[language] = {
            "pairs": len(cases), "words a text": round(sum(len(c[1].split()) for c in cases) / len(cases), 1),
            "peer, ms a pair": round(1000 * theirs / len(cases), 3),
            "ours, ms a pair": round(1000 * mine / len(cases), 3),
            "times as fast": round(theirs / mine, 1), "largest difference": worst,
        }
    record("rouge_speed", args.write, out)


if __name__ == "__main__":
    main()
