"""How fast cleaning and the leak check are, what they hold in memory, and what MinHash misses.

    python benchmarks/dedup_speed.py [--documents 100000] [--small 2000] [--threshold 0.85]

Documents are strings of words drawn by frequency (the k-th word 1/k as often as the first), 20 to 120 words
each. One in ten is a copy of an earlier one: of every three, one in capitals, the others with words replaced.
Speed and memory: the whole of `Cleaner` (normalisation, quality, duplicates, consistency), and `LeakIndex` with
one evaluation text for nine training texts, each in a process of its own, in CPU seconds; memory is what the peak
grew by.
Recall and precision: the texts that the index leaves out of a small set, against comparing every pair.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from iepile.records import Document

WORDS = 30_000


def documents(n: int, seed: int = 1) -> Iterator[Document]:
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(WORDS)]
    vocabulary[0] = "the"  # or the filter would miss stop words
    weights = list(itertools.accumulate(1 / k for k in range(1, WORDS + 1)))
    recent: list[list[str]] = []
    for i in range(n):
        if recent and rng.random() < 0.1:
            words = list(rng.choice(recent))
            if i % 3 == 0:
                words = [word.upper() for word in words]
            else:
                for _ in range(rng.randint(1, 3)):
                    words[rng.randrange(len(words))] = rng.choice(vocabulary)
        else:
            words = rng.choices(vocabulary, cum_weights=weights, k=rng.randint(20, 120))
            recent.append(words)
            del recent[:-5000]
        yield Document(" ".join(words), id=str(i), language="en", source="made")


def clean_all(n: int, threshold: float) -> tuple[int, int]:
    """Documents kept, and held in memory."""
    from iepile.corpus.clean import Cleaner, CleanSettings

    cleaner = Cleaner(CleanSettings(near_threshold=threshold))
    return sum(1 for _ in cleaner.run(documents(n))), n


def check_all(n: int, threshold: float) -> tuple[int, int]:
    """Training documents kept, and evaluation documents held in memory."""
    from iepile.corpus.leaks import LeakCheck, LeakIndex, LeakSettings

    index = LeakIndex(LeakSettings(threshold=threshold))
    index.add(itertools.islice(documents(n), 0, None, 10), "test")
    rest = (doc for i, doc in enumerate(documents(n)) if i % 10)
    return sum(1 for _ in LeakCheck(index).run(rest, "train")), len(index)


def job(name: str, n: int, threshold: float) -> None:
    """In a process of its own; prints CPU seconds, kept, held, and bytes a document held."""
    start = time.process_time()
    for _ in documents(n):
        pass
    making = time.process_time() - start
    before = peak()
    start = time.process_time()
    kept, held = (clean_all if name == "clean" else check_all)(n, threshold)
    seconds = time.process_time() - start - making * (1 if name == "clean" else 2)
    print(json.dumps([seconds, kept, held, (peak() - before) / held]))


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def found_and_missed(n: int, threshold: float) -> tuple[int, int, int]:
    """How many documents every-pair comparison leaves out, how many of them the index does, and how many others."""
    from iepile.corpus.duplicates import Deduplicator, DuplicateSettings
    from iepile.corpus.rejects import Rejects
    from iepile.corpus.shingles import jaccard, shingles

    docs = list(documents(n, seed=2))
    kept: list[frozenset[str]] = []
    expected = set()
    for doc in docs:
        own = frozenset(shingles(doc.text))
        if any(jaccard(own, other) >= threshold for other in kept):
            expected.add(doc.id)
        else:
            kept.append(own)
    stays = {doc.id for doc in Deduplicator(DuplicateSettings(near_threshold=threshold), Rejects()).run(docs)}
    left_out = {doc.id for doc in docs} - stays
    return len(expected), len(expected & left_out), len(left_out - expected)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--small", type=int, default=2_000)
    parser.add_argument("--threshold", type=float, default=0.85)
    args = parser.parse_args()
    for name, held_are in (("clean", "documents"), ("leaks", "evaluation documents")):
        out = subprocess.run([sys.executable, __file__, "--job", name, str(args.documents), str(args.threshold)],
                             capture_output=True, text=True, check=True)
        seconds, kept, held, size = json.loads(out.stdout)
        print(f"{name}: {args.documents / seconds:,.0f} documents a CPU second ({args.documents:,} in {seconds:.1f} s, "
              f"{kept:,} kept), {size:,.0f} bytes of memory for each of {held:,} {held_are}")
    expected, found, wrong = found_and_missed(args.small, args.threshold)
    print(f"of {args.small:,} documents, {expected} have a copy at {args.threshold} or above: {found} found "
          f"(recall {found / expected:.3f}), {wrong} left out wrongly")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        job(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        main()
