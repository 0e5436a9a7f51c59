"""Documents a CPU-second of the synthetic generator, alone and encoded as unified JSON lines.

python benchmarks/generate_speed.py [--documents 50000] [--json]
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable

import msgspec

from iepile.corpus.synthetic import LANGUAGES, generate
from iepile.unified import document_to_row


def rate(work: Callable[[str, int], None], language: str, n: int, repeats: int) -> int:
    """Documents a CPU-second, the best of several runs: other work on the machine only ever slows one down."""
    work(language, 100)
    best = float("inf")
    for _ in range(repeats):
        began = time.process_time()
        work(language, n)
        best = min(best, time.process_time() - began)
    return round(n / best)


def documents(language: str, n: int) -> None:
    for _ in generate(n, language, seed=1):
        pass


def lines(language: str, n: int) -> None:
    encode = msgspec.json.Encoder().encode
    for doc in generate(n, language, seed=1):
        encode(document_to_row(doc))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print the figures for machines")
    options = parser.parse_args()
    figures: dict[str, int] = {}
    for language in LANGUAGES:
        for name, work in (("documents", documents), ("JSON lines", lines)):
            figures[f"{language} {name}/s"] = rate(work, language, options.documents, options.repeats)
    figures["peak memory MiB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:20} {value:>10,}")


if __name__ == "__main__":
    main()
