"""How much sooner a run starts when its token ids are cached, and how much memory a stream takes.

    python benchmarks/token_cache.py [--rows 20000] [--repeat 3] [--tokenizer FOLDER]

Rows are made by rule; without a tokenizer, one of 8,000 pieces is trained on them. Reports seconds of processor time
to the first example without cache, when the cache is written, and when it is there; then peak memory of going
through the rows once, from memory and streamed, each in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from iepile.instruction import Instruction
from iepile.jsonl import dumps, write_rows
from iepile.models.chat import Chat
from iepile.training.config import TrainConfig
from iepile.training.data import Examples, read_examples
from iepile.training.layouts.batch import plan_batches
from iepile.training.loader import open_training_data
from tiny_models import byte_level_tokenizer

TYPES = ["person", "place", "organisation", "date", "product", "event"]


def rows(n: int, seed: int) -> Iterator[dict[str, Any]]:
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(5000)]
    for i in range(n):
        text = " ".join(rng.choices(words, k=rng.randint(20, 160))) + f" {i}."
        answer = {t: rng.sample(text.split(), rng.randint(0, 2)) for t in TYPES}
        ask = Instruction("Please extract the entities that match the schema from the input.", TYPES, text)
        yield {"task": "NER", "source": "made", "instruction": ask.render(), "output": dumps(answer)}


def tokenizer(folder: str, path: Path) -> Any:
    if folder:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(folder)
    with path.open(encoding="utf-8") as f:
        return byte_level_tokenizer([next(f) for _ in range(500)], 8000)


def timed(job: Callable[[], Examples]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    examples = job()
    examples[len(examples) - 1]
    return time.process_time() - cpu, time.perf_counter() - wall


def plan(examples: Examples, draw: int) -> list[list[int]]:
    return plan_batches(examples.lengths, 8, 0, 1, draw)


def peak(path: str, folder: str, streaming: bool, queue: Any) -> None:
    """Go through an epoch; kilobytes that this took at most above what was there before."""
    chat = Chat(tokenizer(folder, Path(path)), "alpaca")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = highest()
    config = TrainConfig("model", path, "out", streaming=streaming, max_steps=1)
    data = open_training_data(config, chat, None, plan)
    steps = sum(1 for _ in takewhile(lambda s: s.epoch == 0, data.train.steps(1)))
    queue.put((steps, highest() - before))


def highest() -> int:
    """Peak of this process's memory in kilobytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--tokenizer", default="")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, cache = Path(folder) / "train.json", Path(folder) / "cache"
        write_rows(path, rows(args.rows, 1))
        chat = Chat(tokenizer(args.tokenizer, path), "alpaca")
        print(f"{args.rows} rows, {path.stat().st_size / 1e6:.0f} MB")
        plain = min(timed(lambda: read_examples(path, chat, 1024)) for _ in range(args.repeat))
        first = timed(lambda: read_examples(path, chat, 1024, None, str(cache)))
        again = min(timed(lambda: read_examples(path, chat, 1024, None, str(cache))) for _ in range(args.repeat))
        for name, (cpu, wall) in (("no cache", plain), ("cache written", first), ("cache there", again)):
            print(f"{name:14} {cpu:7.2f} s of processor time, {wall:7.2f} s")
        print(f"start-up with the cache: {plain[0] / again[0]:.0f} times as fast")
        spawn = multiprocessing.get_context("spawn")
        for streaming in (False, True):
            queue = spawn.Queue()
            process = spawn.Process(target=peak, args=(str(path), args.tokenizer, streaming, queue))
            process.start()
            steps, kilobytes = queue.get()
            process.join()
            name = "streamed" if streaming else "in memory"
            print(f"{name:14} {steps} steps, {kilobytes / 1024:.0f} MB more at the peak")


if __name__ == "__main__":
    main()
