"""How fast `iepile evaluate` scores: rows per second and peak memory, on files made by rule.

    python benchmarks/score_speed.py [--rows 50000] [--kind ner|polls] [--repeat 3]

`ner`: one row a text, 0 to 6 entities of 3 types, an answer in a hundred cut short, 5 sources. `polls`:
relation rows as conversion makes them, 12 rows a text of which most answer nothing. The reference scores
22,000 rows of the first kind a second on the machine where it was measured (one process).
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.instruction import Instruction
from iepile.jsonl import dumps, write_rows

TYPES = ["人物", "地理位置", "组织机构"]


def ner_rows(n: int, seed: int) -> Iterator[dict[str, Any]]:
    rng = random.Random(seed)
    for i in range(n):
        gold = [
            {"entity": f"e{rng.randint(0, 30)}", "entity_type": rng.choice(TYPES)} for _ in range(rng.randint(0, 6))
        ]
        answer: dict[str, list[str]] = {t: [] for t in TYPES}
        for fact in gold:
            if rng.random() < 0.8:
                answer[fact["entity_type"]].append(fact["entity"])
        for found in answer.values():
            if rng.random() < 0.3:
                found.append("noise")
        text = dumps(answer)
        ask = Instruction("Find the entities.", TYPES, f"text number {i}")
        yield {"id": f"{i:064x}", "task": "NER", "source": f"s{i % 5}", "instruction": ask.render(),
               "label": dumps(gold), "output": text[:-3] if rng.random() < 0.01 else text}


def poll_rows(n: int, seed: int) -> Iterator[dict[str, Any]]:
    rng = random.Random(seed)
    labels = [f"relation {k}" for k in range(48)]
    batches = [labels[k : k + 4] for k in range(0, 48, 4)]
    for i in range(n // len(batches)):
        gold = [{"head": f"h{rng.randint(0, 99)}", "relation": rng.choice(labels), "tail": f"t{rng.randint(0, 99)}"}
                for _ in range(rng.randint(1, 4))]
        text = " ".join(f"{g['head']} {g['tail']}" for g in gold)
        for batch in batches:
            answer = {r: [{"subject": g["head"], "object": g["tail"]} for g in gold
                          if g["relation"] == r and rng.random() < 0.8] for r in batch}
            ask = Instruction("Find the relations.", batch, f"{i} {text}")
            yield {"id": f"{i:064x}", "task": "RE", "source": "s", "instruction": ask.render(),
                   "label": dumps(gold), "output": dumps(answer)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--kind", choices=("ner", "polls"), default="ner")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    make = ner_rows if args.kind == "ner" else poll_rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pred.json"
        rows = write_rows(path, make(args.rows, seed=1))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        times = []
        for _ in range(args.repeat):
            wall, cpu = time.perf_counter(), time.process_time()
            report = evaluate(EvaluateConfig(path1=str(path)))
            times.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpu, wall = min(times)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    total = report.scores[0].score
    print(f"{args.kind}: {rows} rows, F1 {total.f1:.2f}; {rows / wall:,.0f} rows/s (wall), {rows / cpu:,.0f} (CPU)")
    print(f"peak memory {peak / unit:.0f} MB, of which {(peak - before) / unit:.0f} MB for scoring")


if __name__ == "__main__":
    main()
