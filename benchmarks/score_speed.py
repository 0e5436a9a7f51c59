"""How fast `iepile evaluate` scores, and in how much memory: whole processes on files made by rule, start-up included.

    python benchmarks/score_speed.py [--rows 50000 1000000] [--kind ner|polls] [--apart] [--repeat 3] [--write]

`ner`: one row a text, 0 to 6 entities of 3 types, an answer in a hundred cut short, 5 sources. `polls`: relation rows
as conversion makes them, 12 rows a text of which most answer nothing. `--apart`: rows of one text stand apart, so the
file is gathered through temporary files. All times are CPU seconds of one process on one core, the best of some runs.

The peer is a bare loop over the same file (bare_scoring.py): parse every row with msgspec, and look up each answered
mention. Where the reference was measured, it took 2.05 s for 50,000 rows of the first kind, such a loop 0.26 s.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from results import record

from iepile.instruction import Instruction
from iepile.jsonl import dumps, write_rows

REFERENCE = round(2.05 / 0.26, 2)
"""Time of the reference over that of the bare loop, at 50,000 rows on one machine."""
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


def run(command: list[str]) -> tuple[float, int, str]:
    """Seconds of CPU of a process from start to end, its peak memory in bytes, and what it printed."""
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{command} ended with {child.returncode}")
        out.seek(0)
        peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return used.ru_utime + used.ru_stime, peak, out.read().decode()


def measured(path: str, task: str, repeat: int) -> dict[str, Any]:
    """The best of some runs of each, one after the other."""
    score = [sys.executable, "-m", "iepile", "evaluate", "--path1", path, "--task", task]
    roads = {"evaluate": score, "protocol_iepile": [*score, "--protocol", "iepile"]}
    if task == "NER":
        roads["bare"] = [sys.executable, str(Path(__file__).with_name("bare_scoring.py")), path]
    runs: dict[str, list[tuple[float, int]]] = {name: [] for name in roads}
    loop = float("inf")
    for _ in range(repeat):
        for name, command in roads.items():
            seconds, peak, printed = run(command)
            runs[name].append((seconds, peak))
            if name == "bare":
                loop = min(loop, float(printed.split()[0]))
    best = {name: min(s for s, _ in of) for name, of in runs.items()}
    found: dict[str, Any] = {"cpu_seconds": {k: round(v, 3) for k, v in best.items()},
                             "peak_mb": {k: round(max(p for _, p in of) / 1e6, 1) for k, of in runs.items()}}
    if task == "NER":
        found["bare_loop_seconds"] = round(loop, 3)
        for name in ("evaluate", "protocol_iepile"):
            found[f"{name}_to_bare_loop"] = round(best[name] / loop, 2)
            found[f"{name}_times_the_reference"] = round(REFERENCE * loop / best[name], 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[50_000, 1_000_000])
    parser.add_argument("--kind", choices=("ner", "polls"), default="ner")
    parser.add_argument("--apart", action="store_true", help="the first row again at the end")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    make, task = (ner_rows, "NER") if args.kind == "ner" else (poll_rows, "RE")
    figures: dict[str, Any] = {"kind": args.kind, "apart": args.apart, "reference_to_bare_loop": REFERENCE}
    with tempfile.TemporaryDirectory() as folder:
        for rows in args.rows:
            path = Path(folder) / f"{rows}.json"
            write_rows(path, make(rows, seed=1))
            if args.apart:
                with path.open("rb") as f:
                    first = f.readline()
                with path.open("ab") as f:
                    f.write(first)
            figures[str(rows)] = measured(str(path), task, args.repeat)
            path.unlink()
    record(f"score_speed{'' if args.kind == 'ner' else '_polls'}{'_apart' if args.apart else ''}", args.write, figures)


if __name__ == "__main__":
    main()
